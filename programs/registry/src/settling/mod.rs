//! Settlement: one function for every way in. It mints or burns the difference between what is credited and what is settled.
//!
//! Everything that could make a call fail because of somebody's account is looked at first; such a meter is skipped with a result.
mod calls;
mod moves;

use gridtokenx_guards::{address, begin_event, load, load_mut, refused, require, Bytes};
use gridtokenx_interface::{
    energy_token::{self, UNITS_PER_WH},
    ids,
    registry::{BalanceSettled, Config, Meter, MeterBalanceSettled, RegistryError, Zone, MAX_METERS, MAX_ZONES, PAUSE_MINT},
    settlement::{count_in_zone, decide, settle, unsettled, zone_room, Circumstances, SettlementResult},
    wire::bytes_of,
};
use pinocchio::{error::ProgramError, AccountView, ProgramResult};

use crate::{
    event::emit_bytes,
    token_account::{burnable, supply},
    ID,
};
pub use calls::{Desk, DESK_ACCOUNTS};
use moves::Moves;

/// Tag, discriminator, timestamp, count and one record a meter.
const EVENT_LENGTH: usize = 28 + MAX_METERS * BalanceSettled::LEN;
/// Where the count lies in the event's bytes.
const COUNT_AT: usize = 24;

/// What one call settles.
pub struct Batch<'a> {
    /// The accounts that minting and burning need.
    pub desk: Desk<'a>,
    /// Settings.
    pub config: &'a Config,
    /// Signs events.
    pub event_authority: &'a AccountView,
    /// The zones of the meters.
    pub zones: &'a [AccountView],
    /// Meter, token account, meter, token account, …
    pub pairs: &'a [AccountView],
    /// Chain time.
    pub timestamp: i64,
}

/// What became of the meters, in order.
pub struct Outcome {
    /// One result a meter.
    pub results: [SettlementResult; MAX_METERS],
    /// How many moved energy.
    pub moved: usize,
}

/// The parts of a batch that grow while meters are looked at.
struct Progress {
    mints: Moves,
    burns: Moves,
    supply_room_wh: u64,
    minting_enabled: bool,
    event: Bytes<EVENT_LENGTH>,
    records: u32,
}

/// Splits `zones ‖ meter, token account, …` and checks how many there are.
#[inline(always)]
pub fn split_zones(accounts: &[AccountView], zones: u8) -> Result<(&[AccountView], &[AccountView]), ProgramError> {
    require(usize::from(zones) <= MAX_ZONES, RegistryError::TooManyMeters)?;
    let (zones, pairs) = crate::arguments::split_accounts(accounts, usize::from(zones))?;
    require(pairs.len() <= MAX_METERS.saturating_mul(2), RegistryError::TooManyMeters)?;
    require(pairs.len() & 1 == 0, RegistryError::MissingAccount)?;
    Ok((zones, pairs))
}

/// Settles every meter of the batch; the ledger, the tokens and the event agree or nothing happens.
#[inline(never)]
pub fn settle_all(batch: &Batch, outcome: &mut Outcome) -> ProgramResult {
    let mut progress =
        Progress { mints: Moves::new(), burns: Moves::new(), supply_room_wh: 0, minting_enabled: false, event: Bytes::new(), records: 0 };
    begin(batch, &mut progress)?;
    let results = outcome.results.iter_mut();
    for ((index, pair), result) in (0u8..).zip(batch.pairs.chunks_exact(2)).zip(results) {
        let [meter, token_account] = pair else { continue };
        let moved = progress.mints.count().saturating_add(progress.burns.count());
        *result = settle_one(batch, &mut progress, index, (meter, token_account))?;
        let after = progress.mints.count().saturating_add(progress.burns.count());
        outcome.moved = outcome.moved.saturating_add(after.saturating_sub(moved));
    }
    calls::call(batch, &energy_token::MintFromProduction::DISCRIMINATOR, &progress.mints)?;
    calls::call(batch, &energy_token::BurnForConsumption::DISCRIMINATOR, &progress.burns)?;
    finish(batch, &mut progress)
}

/// What is the same for every meter. The progress is written in place: a copy of the event would not fit the frame.
#[inline(always)]
fn begin(batch: &Batch, progress: &mut Progress) -> ProgramResult {
    let token = load::<energy_token::Config>(batch.desk.energy_token_config, address(&ids::energy_token::ID))?;
    let supply = supply(batch.desk.mint).ok_or_else(|| refused(RegistryError::WrongAccountType))?;
    progress.supply_room_wh = u64::MAX.saturating_sub(supply).wrapping_div(UNITS_PER_WH);
    progress.minting_enabled = token.minting_enabled == 1;
    begin_event(&mut progress.event, &MeterBalanceSettled::DISCRIMINATOR)?;
    progress.event.push(&batch.timestamp.to_le_bytes())?;
    progress.event.push(&[0; 4])
}

/// One meter: the ledger moves by what is planned; the calls that follow move the tokens, or the whole transaction fails.
#[inline(always)]
fn settle_one(
    batch: &Batch,
    progress: &mut Progress,
    index: u8,
    pair: (&AccountView, &AccountView),
) -> Result<SettlementResult, ProgramError> {
    let (mut view, token_account) = (*pair.0, pair.1);
    let meter = load_mut::<Meter>(&mut view, ID)?;
    require(token_account.address() == address(&meter.token_account), RegistryError::WrongAddress)?;
    let overflow = || refused(RegistryError::MathOverflow);
    let delta = unsettled(meter).ok_or_else(overflow)?;
    if delta == 0 {
        return Ok(SettlementResult::Nothing);
    }
    let old_total = meter.settled_net_wh;
    let mut zone_view = batch.zones.iter().find(|zone| is_zone(zone, meter.zone)).copied();
    let zone = zone_view.as_mut().map(|zone| load_mut::<Zone>(zone, ID)).transpose()?;
    let now = u64::try_from(batch.timestamp).map_err(|_| overflow())?;
    let taken = if delta < 0 { progress.burns.planned_wh(batch.pairs, token_account) } else { 0 };
    let around = Circumstances {
        paused: batch.config.paused & PAUSE_MINT != 0,
        minting_enabled: progress.minting_enabled,
        burnable_wh: burnable(token_account, &meter.owner).map(|units| units.wrapping_div(UNITS_PER_WH).saturating_sub(taken)),
        zone_room_wh: zone.as_ref().map(|zone| zone_room(zone, now).0),
        supply_room_wh: progress.supply_room_wh,
    };
    let (result, amount_wh) = decide(delta, &around);
    if amount_wh > 0 {
        settle(meter, delta > 0, amount_wh).ok_or_else(overflow)?;
        if delta > 0 {
            progress.supply_room_wh = progress.supply_room_wh.saturating_sub(amount_wh);
            if let Some(zone) = zone {
                count_in_zone(zone, amount_wh, now).ok_or_else(overflow)?;
            }
            progress.mints.add(index, amount_wh)?;
        } else {
            progress.burns.add(index, amount_wh)?;
        }
    }
    record(progress, meter, (old_total, delta), result)?;
    Ok(result)
}

/// The account is the zone with this id.
#[inline(always)]
fn is_zone(zone: &AccountView, id: u32) -> bool {
    load::<Zone>(zone, ID).is_ok_and(|zone| zone.id == id)
}

#[inline(always)]
fn record(progress: &mut Progress, meter: &Meter, before: (i64, i64), result: SettlementResult) -> ProgramResult {
    let (old_settled_total, delta) = before;
    let settled = BalanceSettled {
        meter_id: meter.meter_id,
        owner: meter.owner,
        amount_settled: meter.settled_net_wh.wrapping_sub(old_settled_total),
        old_settled_total,
        new_settled_total: meter.settled_net_wh,
        target: old_settled_total.wrapping_add(delta),
        result: result as u8,
    };
    progress.records = progress.records.saturating_add(1);
    progress.event.push(bytes_of(&settled))
}

#[inline(always)]
fn finish(batch: &Batch, progress: &mut Progress) -> ProgramResult {
    if progress.records == 0 {
        return Ok(());
    }
    progress.event.overwrite(COUNT_AT, &progress.records.to_le_bytes())?;
    emit_bytes(batch.event_authority, progress.event.as_slice())
}

impl Outcome {
    /// Nothing asked, nothing moved.
    #[inline(always)]
    pub fn new() -> Self {
        Self { results: [SettlementResult::NotAsked; MAX_METERS], moved: 0 }
    }
}

impl Default for Outcome {
    fn default() -> Self {
        Self::new()
    }
}

/// The error that a caller meets who settles one meter, by what stood in the way.
pub fn obstacle(result: SettlementResult) -> ProgramError {
    refused(match result {
        SettlementResult::Nothing | SettlementResult::NotAsked => RegistryError::NoUnsettledBalance,
        SettlementResult::NoAccount => RegistryError::UnfitAccounts,
        SettlementResult::ZoneCap => RegistryError::ZoneCapReached,
        SettlementResult::Paused => RegistryError::Paused,
        SettlementResult::MintingDisabled => RegistryError::MintingDisabled,
        SettlementResult::NoZone => RegistryError::ZoneMissing,
        SettlementResult::SupplyLimit => RegistryError::SupplyLimit,
        SettlementResult::Owed
        | SettlementResult::Minted
        | SettlementResult::Burned
        | SettlementResult::MintedInPart
        | SettlementResult::BurnedInPart => RegistryError::InsufficientBalance,
    })
}
