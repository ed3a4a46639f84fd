//! Pauses or resumes both doors at once.
use gridtokenx_guards::{refused, require, require_accounts};
use gridtokenx_interface::oracle::{OracleError, PausedChanged, SetPaused, PAUSE_CREDIT};
use pinocchio::{AccountView, ProgramResult};

use crate::{events::emit, settings};

#[inline(never)]
pub fn set_paused(accounts: &[AccountView], data: &[u8]) -> ProgramResult {
    // Accounts
    require_accounts(accounts, SetPaused::FLAGS, SetPaused::PINNED)?;
    let (mut accounts, _) = SetPaused::Accounts::split(accounts).ok_or_else(|| refused(OracleError::MissingAccount))?;

    // Checks
    let args = settings::arguments::<SetPaused::Args>(data)?;
    require(args.paused & !PAUSE_CREDIT == 0, OracleError::MalformedInstruction)?;
    let config = settings::config_of_authority(&mut accounts.config, &accounts.authority)?;

    // Effect
    config.paused = args.paused;
    let told = PausedChanged { paused: args.paused };
    emit(&accounts.event_authority, &PausedChanged::DISCRIMINATOR, &told)
}
