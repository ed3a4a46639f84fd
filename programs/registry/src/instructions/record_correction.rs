//! Records a correction of a meter's ledger; a positive one waits.
use gridtokenx_guards::{load, load_mut, refused, require, require_accounts};
use gridtokenx_interface::{
    registry::{Config, CorrectionRecorded, Meter, RecordCorrection, RegistryError},
    settlement::{correct, correct_within},
};
use pinocchio::{AccountView, ProgramResult};

use crate::{
    arguments::arguments,
    event::{chain_time, emit},
    roles::require_both,
    ID,
};

/// See the interface.
#[inline(never)]
pub fn process(accounts: &mut [AccountView], data: &[u8]) -> ProgramResult {
    // Accounts
    require_accounts(accounts, RecordCorrection::FLAGS, RecordCorrection::PINNED)?;
    let (mut a, _) = RecordCorrection::Accounts::split(accounts).ok_or_else(|| refused(RegistryError::MissingAccount))?;
    let args = arguments::<RecordCorrection::Args>(data)?;
    let (amount_wh, reason) = (args.amount_wh, args.reason);

    // Checks
    let config = load::<Config>(&a.config, ID)?;
    require_both(config, &a.authority, &a.auditor)?;
    let meter = load_mut::<Meter>(&mut a.meter, ID)?;
    let (_, now) = chain_time()?;
    let limits = (config.correction_cap_wh, config.correction_window_s);
    let window = correct_within(meter, amount_wh.unsigned_abs(), limits, now).ok_or_else(|| refused(RegistryError::CorrectionTooLarge))?;
    require(meter.pending_correction_wh == 0 || amount_wh < 0, RegistryError::CorrectionPending)?;
    let corrected = correct(meter, amount_wh).ok_or_else(|| refused(RegistryError::MathOverflow))?;

    // Effect
    let effective_at = if amount_wh < 0 { now } else { now.saturating_add(config.correction_delay_s) };
    (meter.correction_window_at, meter.corrected_in_window_wh) = window;
    meter.correction_evidence = args.evidence;
    if amount_wh < 0 {
        meter.correction_net_wh = corrected;
    } else {
        meter.pending_correction_wh = amount_wh;
        meter.pending_correction_at = effective_at;
    }
    let event = CorrectionRecorded { meter_id: meter.meter_id, amount_wh, reason, evidence: args.evidence, effective_at };
    emit(&a.event_authority, &CorrectionRecorded::DISCRIMINATOR, &event)
}
