//! Authority or auditor cancels a waiting correction: what the waiting is for.
use gridtokenx_guards::{load, load_mut, refused, require, require_accounts};
use gridtokenx_interface::registry::{CancelCorrection, Config, CorrectionDecided, Meter, RegistryError};
use pinocchio::{AccountView, ProgramResult};

use crate::{arguments::arguments, event::emit, roles::require_either, ID};

/// See the interface.
#[inline(never)]
pub fn process(accounts: &mut [AccountView], data: &[u8]) -> ProgramResult {
    // Accounts
    require_accounts(accounts, CancelCorrection::FLAGS, CancelCorrection::PINNED)?;
    let (mut a, _) = CancelCorrection::Accounts::split(accounts).ok_or_else(|| refused(RegistryError::MissingAccount))?;
    arguments::<CancelCorrection::Args>(data)?;

    // Checks
    require_either(load::<Config>(&a.config, ID)?, &a.signer)?;
    let meter = load_mut::<Meter>(&mut a.meter, ID)?;
    let amount_wh = meter.pending_correction_wh;
    require(amount_wh != 0, RegistryError::NoCorrectionPending)?;

    // Effect
    meter.pending_correction_wh = 0;
    meter.pending_correction_at = 0;
    let correction_net_wh = meter.correction_net_wh;
    let event = CorrectionDecided { meter_id: meter.meter_id, amount_wh, applied: 0, correction_net_wh };
    emit(&a.event_authority, &CorrectionDecided::DISCRIMINATOR, &event)
}
