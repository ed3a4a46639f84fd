//! Anyone makes a waiting correction count after its delay.
use gridtokenx_guards::{load_mut, refused, require, require_accounts};
use gridtokenx_interface::{
    registry::{ApplyCorrection, CorrectionDecided, Meter, RegistryError},
    settlement::correct,
};
use pinocchio::{AccountView, ProgramResult};

use crate::{
    arguments::arguments,
    event::{chain_time, emit},
    ID,
};

/// See the interface.
#[inline(never)]
pub fn process(accounts: &mut [AccountView], data: &[u8]) -> ProgramResult {
    // Accounts
    require_accounts(accounts, ApplyCorrection::FLAGS, ApplyCorrection::PINNED)?;
    let (mut a, _) = ApplyCorrection::Accounts::split(accounts).ok_or_else(|| refused(RegistryError::MissingAccount))?;
    arguments::<ApplyCorrection::Args>(data)?;

    // Checks
    let meter = load_mut::<Meter>(&mut a.meter, ID)?;
    let amount_wh = meter.pending_correction_wh;
    require(amount_wh != 0, RegistryError::NoCorrectionPending)?;
    let (_, now) = chain_time()?;
    require(now >= meter.pending_correction_at, RegistryError::CorrectionLocked)?;
    let corrected = correct(meter, amount_wh).ok_or_else(|| refused(RegistryError::MathOverflow))?;

    // Effect
    meter.correction_net_wh = corrected;
    meter.pending_correction_wh = 0;
    meter.pending_correction_at = 0;
    let event = CorrectionDecided { meter_id: meter.meter_id, amount_wh, applied: 1, correction_net_wh: corrected };
    emit(&a.event_authority, &CorrectionDecided::DISCRIMINATOR, &event)
}
