//! Sets the limits of corrections; authority and auditor sign.
use gridtokenx_guards::{load_mut, refused, require, require_accounts};
use gridtokenx_interface::registry::{Config, CorrectionLimitsChanged, RegistryError, SetCorrectionLimits};
use pinocchio::{AccountView, ProgramResult};

use crate::{arguments::arguments, event::emit, roles::require_both, ID};

/// See the interface.
#[inline(never)]
pub fn process(accounts: &mut [AccountView], data: &[u8]) -> ProgramResult {
    // Accounts
    require_accounts(accounts, SetCorrectionLimits::FLAGS, SetCorrectionLimits::PINNED)?;
    let (mut a, _) = SetCorrectionLimits::Accounts::split(accounts).ok_or_else(|| refused(RegistryError::MissingAccount))?;
    let args = arguments::<SetCorrectionLimits::Args>(data)?;

    // Checks
    let config = load_mut::<Config>(&mut a.config, ID)?;
    require_both(config, &a.authority, &a.auditor)?;
    require(args.window_s > 0, RegistryError::InvalidLimit)?;

    // Effect
    config.correction_cap_wh = args.cap_wh;
    config.correction_window_s = args.window_s;
    config.correction_delay_s = args.delay_s;
    let event = CorrectionLimitsChanged { cap_wh: args.cap_wh, window_s: args.window_s, delay_s: args.delay_s };
    emit(&a.event_authority, &CorrectionLimitsChanged::DISCRIMINATOR, &event)
}
