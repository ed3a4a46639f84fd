//! Device-proven readings of several meters: the chain itself checks each device's signature.
use gridtokenx_guards::{ed25519::Verified, key, load, load_mut, refused, require, require_accounts, Key};
use gridtokenx_interface::{
    oracle::{AcceptedReading, Config, MeterReadingAccepted, OracleError, ProvenReading, SubmitMeterReading, MAX_QUALITY},
    registry::{MeterReading, PROOF_DEVICE},
    wire,
};
use pinocchio::{AccountView, ProgramResult};

use crate::{
    events::{chain_time, Accepted},
    handover::{Handover, Meters, RegistryAccounts, Results},
    proven::{self, Against},
    settings, PROGRAM_ID,
};

type Accounts = SubmitMeterReading::Accounts<AccountView>;

/// Quality of a reading that the device itself proves.
const PROVEN_QUALITY: u8 = MAX_QUALITY;

#[inline(never)]
pub fn submit_meter_reading(accounts: &[AccountView], data: &[u8]) -> ProgramResult {
    // Accounts
    require_accounts(accounts, SubmitMeterReading::FLAGS, SubmitMeterReading::PINNED)?;
    let (mut fixed, remaining) = SubmitMeterReading::Accounts::split(accounts).ok_or_else(|| refused(OracleError::MissingAccount))?;
    let (args, items) = settings::arguments_and_rest::<SubmitMeterReading::Args>(data)?;
    let readings = wire::items::<ProvenReading>(items).ok_or_else(|| refused(OracleError::MalformedInstruction))?;
    let meters = Meters::find(remaining, args.zones, readings.len())?;

    // Checks
    let mut handover = Handover::new();
    let expected = Expected { meters, count: readings.len(), zones: args.zones, data };
    check(&fixed, &expected, &mut handover)?;

    // Effect
    let config = load_mut::<Config>(&mut fixed.config, PROGRAM_ID)?;
    let count = config.reading_count.checked_add(readings.len() as u64);
    config.reading_count = count.ok_or_else(|| refused(OracleError::MathOverflow))?;
    handover.call(&RegistryAccounts {
        oracle_authority: &fixed.oracle_authority,
        config: &fixed.registry_config,
        event_authority: &fixed.registry_event_authority,
        program: &fixed.registry_program,
        remaining,
    })?;
    tell(&fixed.event_authority, readings)
}

/// What the instruction says it brings.
struct Expected<'a> {
    meters: Meters<'a>,
    count: usize,
    zones: u8,
    data: &'a [u8],
}

/// Checks submitter and proofs, and puts the registry's instruction together.
#[inline(never)]
fn check(fixed: &Accounts, expected: &Expected, handover: &mut Handover) -> ProgramResult {
    let config = load::<Config>(&fixed.config, PROGRAM_ID)?;
    settings::require_open(config)?;
    let verified = Verified::open(&fixed.instructions, PROGRAM_ID, expected.data)?;
    require(verified.count() == expected.count, OracleError::SignatureCheckMismatch)?;
    let (_, now) = chain_time()?;
    let against = Against { config, now };
    handover.begin(PROOF_DEVICE, expected.zones, expected.count)?;
    for index in 0..expected.count {
        let meter = expected.meters.get(index)?;
        against.require_submitter(key(fixed.submitter.address()), meter)?;
        let signed = verified.signed(index, proven::place(index)?)?;
        let statement = proven::statement(signed.message, &Key(*signed.key), meter, &against)?;
        handover.push(&MeterReading {
            sequence: statement.sequence,
            measured_at: statement.measured_at,
            entry_number: 0,
            generation_wh: statement.generation_wh,
            consumption_wh: statement.consumption_wh,
            quality: PROVEN_QUALITY,
        })?;
    }
    Ok(())
}

/// Emits the readings with what the registry made of them.
#[inline(never)]
fn tell(event_authority: &AccountView, readings: &[ProvenReading]) -> ProgramResult {
    let results = Results::read(readings.len())?;
    let (timestamp, _) = chain_time()?;
    let head = MeterReadingAccepted { proof: PROOF_DEVICE, merkle_root: [0; 32], batch: 0, rule_set_hash: [0; 32], timestamp };
    let mut event = Accepted::new();
    event.begin(&head, readings.len())?;
    for (index, reading) in readings.iter().enumerate() {
        let statement = reading.statement;
        let (result, settlement) = results.get(index);
        event.push(&AcceptedReading {
            meter_id: statement.meter_id,
            sequence: statement.sequence,
            measured_at: statement.measured_at,
            generation_wh: statement.generation_wh,
            consumption_wh: statement.consumption_wh,
            result,
            settlement,
            quality: PROVEN_QUALITY,
        })?;
    }
    event.emit(event_authority)
}
