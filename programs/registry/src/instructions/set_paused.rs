//! Pauses or resumes crediting, minting, trading and certifying. Leaving is never paused.
use gridtokenx_guards::{refused, require, require_accounts};
use gridtokenx_interface::registry::{PausedChanged, RegistryError, SetPaused, PAUSE_ALL};
use pinocchio::{AccountView, ProgramResult};

use crate::{arguments::arguments, event::emit, roles::config_of_authority};

/// See the interface.
#[inline(never)]
pub fn process(accounts: &mut [AccountView], data: &[u8]) -> ProgramResult {
    // Accounts
    require_accounts(accounts, SetPaused::FLAGS, SetPaused::PINNED)?;
    let (mut a, _) = SetPaused::Accounts::split(accounts).ok_or_else(|| refused(RegistryError::MissingAccount))?;
    let args = arguments::<SetPaused::Args>(data)?;

    // Checks
    let config = config_of_authority(&mut a.config, &a.authority)?;
    require(args.paused <= PAUSE_ALL, RegistryError::MalformedInstruction)?;

    // Effect
    config.paused = args.paused;
    emit(&a.event_authority, &PausedChanged::DISCRIMINATOR, &PausedChanged { paused: args.paused })
}
