//! Credits readings that the oracle hands over, and settles their meters when asked.
use gridtokenx_guards::{load, load_mut, refused, require, require_accounts};
use gridtokenx_interface::{
    oracle::CREDIT_ONLY,
    registry::{Config, Meter, MeterReading, RegistryError, SubmitMeterReading, MAX_METERS, PAUSE_CREDIT},
    settlement::{apply, assess, ReadingResult},
    wire,
};
use pinocchio::{cpi::set_return_data, error::ProgramError, AccountView, ProgramResult};

use crate::{
    arguments::{arguments_and_rest, split_accounts},
    event::chain_time,
    settling::{settle_all, split_zones, Batch, Desk, Outcome, DESK_ACCOUNTS},
    ID,
};

/// What became of the readings, in order.
struct Credits {
    results: [ReadingResult; MAX_METERS],
    credited: usize,
}

/// See the interface.
#[inline(never)]
pub fn process(accounts: &mut [AccountView], data: &[u8]) -> ProgramResult {
    // Accounts
    require_accounts(accounts, SubmitMeterReading::FLAGS, SubmitMeterReading::PINNED)?;
    let (a, rest) = SubmitMeterReading::Accounts::split(accounts).ok_or_else(|| refused(RegistryError::MissingAccount))?;
    let (args, tail) = arguments_and_rest::<SubmitMeterReading::Args>(data)?;
    let readings = wire::items::<MeterReading>(tail).ok_or_else(|| refused(RegistryError::MalformedInstruction))?;

    // Checks: the signer is the oracle's pinned address.
    let config = load::<Config>(&a.config, ID)?;
    require(config.paused & PAUSE_CREDIT == 0, RegistryError::Paused)?;
    require((1..=MAX_METERS).contains(&readings.len()), RegistryError::TooManyMeters)?;
    let (timestamp, now) = chain_time()?;

    // Effect: each reading is judged by itself, so that a bad one takes no good one down.
    let mut outcome = Outcome::new();
    let credits = if args.zones == CREDIT_ONLY {
        require(rest.len() == readings.len(), RegistryError::MissingAccount)?;
        credit_all(rest.iter(), readings, (args.proof, now))?
    } else {
        let (desk, rest) = split_accounts(rest, DESK_ACCOUNTS)?;
        let (zones, pairs) = split_zones(rest, args.zones)?;
        require(pairs.len() == readings.len().saturating_mul(2), RegistryError::MissingAccount)?;
        let credits = credit_all(pairs.iter().step_by(2), readings, (args.proof, now))?;
        let desk = Desk::open(desk)?;
        settle_all(&Batch { desk, config, event_authority: &a.event_authority, zones, pairs, timestamp }, &mut outcome)?;
        credits
    };
    if credits.credited == 0 && outcome.moved == 0 {
        return Err(refusal(credits.results.first()));
    }
    answer(readings.len(), &credits, &outcome);
    Ok(())
}

/// Credits each reading to the meter in its place.
#[inline(always)]
fn credit_all<'a>(
    meters: impl Iterator<Item = &'a AccountView>,
    readings: &[MeterReading],
    door: (u8, u64),
) -> Result<Credits, ProgramError> {
    let (proof, now) = door;
    let mut credits = Credits { results: [ReadingResult::MeterNotActive; MAX_METERS], credited: 0 };
    for ((account, reading), result) in meters.zip(readings).zip(credits.results.iter_mut()) {
        let mut view = *account;
        let meter = load_mut::<Meter>(&mut view, ID)?;
        *result = match assess(meter, reading, proof, now) {
            Ok(credit) => {
                apply(meter, reading, &credit, now);
                credits.credited = credits.credited.saturating_add(1);
                ReadingResult::Credited
            }
            Err(reason) => reason,
        };
    }
    Ok(credits)
}

/// Two bytes a meter for the oracle's event. After all calls, because each call clears the return data.
#[inline(always)]
fn answer(count: usize, credits: &Credits, outcome: &Outcome) {
    let mut bytes = [[0u8; 2]; MAX_METERS];
    let results = credits.results.iter().zip(&outcome.results);
    for (place, (credit, settlement)) in bytes.iter_mut().zip(results) {
        *place = [*credit as u8, *settlement as u8];
    }
    set_return_data(bytes.get(..count).unwrap_or_default().as_flattened());
}

/// When nothing moved at all, the caller meets the first reading's reason by name.
fn refusal(result: Option<&ReadingResult>) -> ProgramError {
    refused(match result {
        Some(ReadingResult::MeterNotActive) | None => RegistryError::MeterNotActive,
        Some(ReadingResult::WrongProof) => RegistryError::WrongProof,
        Some(ReadingResult::StaleSequence) => RegistryError::StaleSequence,
        Some(ReadingResult::StaleTime) => RegistryError::StaleTime,
        Some(ReadingResult::Future) => RegistryError::TimeInFuture,
        Some(ReadingResult::RegisterBackwards) => RegistryError::RegisterBackwards,
        Some(ReadingResult::OverBudget) => RegistryError::OverBudget,
        Some(ReadingResult::SequenceJump) => RegistryError::SequenceJump,
        Some(ReadingResult::Overflow | ReadingResult::Credited) => RegistryError::MathOverflow,
    })
}
