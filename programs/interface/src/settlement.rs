//! The ledger's arithmetic as pure functions: crediting a reading, the energy budget, settlement, zone windows, corrections.
//!
//! Energy in Wh, power in W, time in seconds. Every result is checked; nothing is written before the last check.

use crate::registry::{Meter, MeterReading, Zone, KIND_INTERVAL, MAX_AHEAD_S, PROOF_ATTESTED, ROTATION_GRACE_S, STATUS_ACTIVE};
use crate::wire::Key;

/// Most power that a plate may state, W: the budget's cap still fits an i64.
pub const MAX_RATED_POWER_W: u64 = 1_000_000_000_000;
/// A budget is saved up for at most this long at full power, seconds.
pub const BUDGET_CAP_S: u64 = 7 * 86_400;
/// One Wh in the budget's unit, tenths of W·s.
pub const BUDGET_PER_WH: i64 = 36_000;
/// Furthest that a sequence or an entry number may lie ahead.
pub const MAX_SEQUENCE_JUMP: u64 = 1 << 20;

/// What became of a reading.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadingResult {
    /// On the ledger.
    Credited = 0,
    /// The meter is pending, suspended or retired.
    MeterNotActive = 1,
    /// The meter's readings come by the other door.
    WrongProof = 2,
    /// Sequence or entry number is not newer.
    StaleSequence = 3,
    /// The time is not later.
    StaleTime = 4,
    /// The time is ahead of the chain's clock by more than 15 minutes.
    Future = 5,
    /// A register or total is lower.
    RegisterBackwards = 6,
    /// More energy than the plate allows.
    OverBudget = 7,
    /// The sequence or entry number is more than 2^20 ahead.
    SequenceJump = 8,
    /// A sum does not fit.
    Overflow = 9,
}

/// What became of a meter in a settlement.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettlementResult {
    /// There was nothing to settle.
    Nothing = 0,
    /// All was minted.
    Minted = 1,
    /// All was burned.
    Burned = 2,
    /// Part was minted; the zone's cap or the mint's limit keeps the rest waiting.
    MintedInPart = 3,
    /// Part was burned; the rest is owed.
    BurnedInPart = 4,
    /// The token account is closed, frozen or not the owner's: settlement waits.
    NoAccount = 5,
    /// The zone's cap for this window is reached.
    ZoneCap = 6,
    /// No token or no allowance to burn: all is owed.
    Owed = 7,
    /// Settlement is paused.
    Paused = 8,
    /// The energy token's minting is disabled.
    MintingDisabled = 9,
    /// The meter's zone was not passed.
    NoZone = 10,
    /// The mint's supply can't grow.
    SupplyLimit = 11,
    /// Settlement was not asked for.
    NotAsked = 12,
}

/// What the ledger says should be settled in all: credited generation − credited consumption + corrections, Wh. None on overflow.
#[inline(always)]
pub fn target(generation_wh: u64, consumption_wh: u64, correction_net_wh: i64) -> Option<i64> {
    let generation = i64::try_from(generation_wh).ok()?;
    let consumption = i64::try_from(consumption_wh).ok()?;
    generation.checked_sub(consumption)?.checked_add(correction_net_wh)
}

/// What is not settled yet, Wh: positive is unsettled production, negative is owed consumption. None on overflow.
#[inline(always)]
pub fn unsettled(meter: &Meter) -> Option<i64> {
    target(meter.credited_generation_wh, meter.credited_consumption_wh, meter.correction_net_wh)?.checked_sub(meter.settled_net_wh)
}

/// The budget after `growth_wh` in `elapsed_s`, tenths of W·s: `min(cap, budget + P·Δt·1.1) − growth`. None when the growth is beyond it by more than one Wh.
///
/// One Wh is lent, because registers are whole Wh; the loan is in the budget (which may be negative) and so is given only once.
#[inline(always)]
pub fn spend(budget: i64, rated_power_w: u64, elapsed_s: u64, growth_wh: u64) -> Option<i64> {
    let cap = rated_power_w.checked_mul(BUDGET_CAP_S * 10)?;
    // Tenths of W·s times 1.1 is W·s times 11. Beyond the cap all is the same, so the product is not needed exactly.
    let earned = rated_power_w.checked_mul(11)?.saturating_mul(elapsed_s);
    let cap = i64::try_from(cap).ok()?;
    let earned = i64::try_from(earned).unwrap_or(i64::MAX);
    let available = budget.saturating_add(earned).min(cap);
    let spent = i64::try_from(growth_wh).ok()?.checked_mul(BUDGET_PER_WH)?;
    let left = available.checked_sub(spent)?;
    (left >= -BUDGET_PER_WH).then_some(left)
}

/// A reading that passed all checks: what the ledger will hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credit {
    generation_wh: u64,
    consumption_wh: u64,
    generation_budget: i64,
    consumption_budget: i64,
}

/// Checks a reading against the meter's ledger. `proof` is the door it came by, `now` the chain's clock.
#[inline(always)]
pub fn assess(meter: &Meter, reading: &MeterReading, proof: u8, now: u64) -> Result<Credit, ReadingResult> {
    let (sequence, measured_at) = (reading.sequence, reading.measured_at);
    if meter.status != STATUS_ACTIVE {
        return Err(ReadingResult::MeterNotActive);
    }
    if meter.proof != proof {
        return Err(ReadingResult::WrongProof);
    }
    let interval = meter.statement_kind == KIND_INTERVAL;
    if proof == PROOF_ATTESTED && reading.entry_number <= meter.entry_number {
        return Err(ReadingResult::StaleSequence);
    }
    // A late interval raises the totals without raising the highest sequence or time.
    if sequence < meter.last_sequence || (sequence == meter.last_sequence && !interval) {
        return Err(ReadingResult::StaleSequence);
    }
    if sequence.wrapping_sub(meter.last_sequence) > MAX_SEQUENCE_JUMP {
        return Err(ReadingResult::SequenceJump);
    }
    // One entry at the end of its 32 bits would leave no number for the next.
    if proof == PROOF_ATTESTED && reading.entry_number.wrapping_sub(meter.entry_number) > MAX_SEQUENCE_JUMP {
        return Err(ReadingResult::SequenceJump);
    }
    if measured_at < meter.last_measured_at || (measured_at == meter.last_measured_at && !interval) {
        return Err(ReadingResult::StaleTime);
    }
    if measured_at > now.saturating_add(MAX_AHEAD_S) {
        return Err(ReadingResult::Future);
    }
    let (before_generation, before_consumption) = if interval {
        (meter.credited_generation_wh, meter.credited_consumption_wh)
    } else {
        (meter.raw_generation_wh, meter.raw_consumption_wh)
    };
    let generation = reading.generation_wh.checked_sub(before_generation).ok_or(ReadingResult::RegisterBackwards)?;
    let consumption = reading.consumption_wh.checked_sub(before_consumption).ok_or(ReadingResult::RegisterBackwards)?;
    let elapsed = measured_at.wrapping_sub(meter.last_measured_at);
    let generation_budget =
        spend(meter.generation_budget, meter.rated_power_out_w, elapsed, generation).ok_or(ReadingResult::OverBudget)?;
    let consumption_budget =
        spend(meter.consumption_budget, meter.rated_power_in_w, elapsed, consumption).ok_or(ReadingResult::OverBudget)?;
    let generation_wh = meter.credited_generation_wh.checked_add(generation).ok_or(ReadingResult::Overflow)?;
    let consumption_wh = meter.credited_consumption_wh.checked_add(consumption).ok_or(ReadingResult::Overflow)?;
    target(generation_wh, consumption_wh, meter.correction_net_wh)
        .and_then(|target| target.checked_sub(meter.settled_net_wh))
        .ok_or(ReadingResult::Overflow)?;
    Ok(Credit { generation_wh, consumption_wh, generation_budget, consumption_budget })
}

/// Puts an assessed reading on the ledger.
#[inline(always)]
pub fn apply(meter: &mut Meter, reading: &MeterReading, credit: &Credit, now: u64) {
    if meter.statement_kind != KIND_INTERVAL {
        meter.raw_generation_wh = reading.generation_wh;
        meter.raw_consumption_wh = reading.consumption_wh;
    }
    if meter.proof == PROOF_ATTESTED {
        meter.entry_number = reading.entry_number;
    }
    meter.last_sequence = reading.sequence;
    meter.last_measured_at = reading.measured_at;
    meter.credited_generation_wh = credit.generation_wh;
    meter.credited_consumption_wh = credit.consumption_wh;
    meter.generation_budget = credit.generation_budget;
    meter.consumption_budget = credit.consumption_budget;
    meter.credited_at = now;
    meter.reading_count = meter.reading_count.wrapping_add(1);
    meter.quality = reading.quality;
}

/// What the zone's window still lets through at `now`, Wh, and when that window began.
#[inline(always)]
pub fn zone_room(zone: &Zone, now: u64) -> (u64, u64) {
    if zone.mint_cap_wh == u64::MAX {
        return (u64::MAX, zone.window_started_at);
    }
    let elapsed = now.saturating_sub(zone.window_started_at);
    if elapsed >= zone.window_s {
        return (zone.mint_cap_wh, now);
    }
    (zone.mint_cap_wh.saturating_sub(zone.minted_in_window_wh), zone.window_started_at)
}

/// Counts `minted_wh` in the zone's window. None on overflow.
#[inline(always)]
pub fn count_in_zone(zone: &mut Zone, minted_wh: u64, now: u64) -> Option<()> {
    let (_, started_at) = zone_room(zone, now);
    let before = if started_at == zone.window_started_at { zone.minted_in_window_wh } else { 0 };
    // Without a cap the window never ends and its count is not needed.
    let in_window = if zone.mint_cap_wh == u64::MAX { 0 } else { before.checked_add(minted_wh)? };
    zone.minted_wh = zone.minted_wh.checked_add(minted_wh)?;
    zone.minted_in_window_wh = in_window;
    zone.window_started_at = started_at;
    Some(())
}

/// Whether a device key counts for a statement measured at `measured_at` and checked at `now`.
#[inline(always)]
pub fn key_counts(meter: &Meter, key: &Key, measured_at: u64, now: u64) -> bool {
    if key.is_none() {
        return false;
    }
    if *key == meter.device_key {
        return measured_at >= meter.key_valid_from;
    }
    *key == meter.previous_device_key
        && measured_at < meter.previous_key_valid_until
        && now <= meter.key_changed_at.saturating_add(ROTATION_GRACE_S)
}

/// The correction window after a correction of `size_wh`: (start, corrected in it). None when it is beyond the cap.
pub fn correct_within(meter: &Meter, size_wh: u64, limits: (u64, u64), now: u64) -> Option<(u64, u64)> {
    let (cap_wh, window_s) = limits;
    let over = now.saturating_sub(meter.correction_window_at) >= window_s;
    let (start, before) = if over { (now, 0) } else { (meter.correction_window_at, meter.corrected_in_window_wh) };
    let sum = before.checked_add(size_wh)?;
    (size_wh > 0 && sum <= cap_wh).then_some((start, sum))
}

/// What stands around a settlement, read before any call.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances {
    /// Settlement is paused.
    pub paused: bool,
    /// The energy token mints.
    pub minting_enabled: bool,
    /// What can be burned, Wh; None when the token account is unfit.
    pub burnable_wh: Option<u64>,
    /// What the zone lets through, Wh; None when it was not passed.
    pub zone_room_wh: Option<u64>,
    /// By how much the mint's supply can grow, Wh.
    pub supply_room_wh: u64,
}

/// How much of `delta` moves now, Wh (minted when `delta` is positive, burned when negative), and why not more.
#[inline(always)]
pub fn decide(delta: i64, around: &Circumstances) -> (SettlementResult, u64) {
    let size = delta.unsigned_abs();
    if size == 0 {
        return (SettlementResult::Nothing, 0);
    }
    if around.paused {
        return (SettlementResult::Paused, 0);
    }
    let Some(burnable_wh) = around.burnable_wh else { return (SettlementResult::NoAccount, 0) };
    if delta < 0 {
        return part(size, burnable_wh, (SettlementResult::Burned, SettlementResult::BurnedInPart, SettlementResult::Owed));
    }
    if !around.minting_enabled {
        return (SettlementResult::MintingDisabled, 0);
    }
    let Some(zone_room_wh) = around.zone_room_wh else { return (SettlementResult::NoZone, 0) };
    if around.supply_room_wh < zone_room_wh {
        return part(
            size,
            around.supply_room_wh,
            (SettlementResult::Minted, SettlementResult::MintedInPart, SettlementResult::SupplyLimit),
        );
    }
    part(size, zone_room_wh, (SettlementResult::Minted, SettlementResult::MintedInPart, SettlementResult::ZoneCap))
}

/// All, part or nothing of `size` when `room` is what there is.
#[inline(always)]
fn part(size: u64, room: u64, results: (SettlementResult, SettlementResult, SettlementResult)) -> (SettlementResult, u64) {
    let (all, some, none) = results;
    match room {
        room if room >= size => (all, size),
        0 => (none, 0),
        room => (some, room),
    }
}

/// Moves `settled_net_wh` by exactly what was minted or burned. None on overflow.
#[inline(always)]
pub fn settle(meter: &mut Meter, minted: bool, amount_wh: u64) -> Option<()> {
    let amount = i64::try_from(amount_wh).ok()?;
    if minted {
        meter.minted_wh = meter.minted_wh.checked_add(amount_wh)?;
        meter.settled_net_wh = meter.settled_net_wh.checked_add(amount)?;
    } else {
        meter.burned_wh = meter.burned_wh.checked_add(amount_wh)?;
        meter.settled_net_wh = meter.settled_net_wh.checked_sub(amount)?;
    }
    Some(())
}

/// The corrections' sum after one more of `amount_wh`. None when ledger or sum would overflow.
pub fn correct(meter: &Meter, amount_wh: i64) -> Option<i64> {
    let sum = meter.correction_net_wh.checked_add(amount_wh)?;
    target(meter.credited_generation_wh, meter.credited_consumption_wh, sum)?.checked_sub(meter.settled_net_wh)?;
    Some(sum)
}
