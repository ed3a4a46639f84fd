//! The proposed authority takes over.
use gridtokenx_guards::{load_mut, refused, require, require_accounts, require_role, Key};
use gridtokenx_interface::energy_token::{AcceptAuthority, AuthorityChanged, Config, EnergyTokenError};
use pinocchio::{AccountView, ProgramResult};

use crate::{events::emit, settings, PROGRAM_ID};

#[inline(never)]
pub fn accept_authority(accounts: &[AccountView], data: &[u8]) -> ProgramResult {
    // Accounts
    require_accounts(accounts, AcceptAuthority::FLAGS, AcceptAuthority::PINNED)?;
    let (mut accounts, _) = AcceptAuthority::Accounts::split(accounts).ok_or_else(|| refused(EnergyTokenError::MissingAccount))?;

    // Checks
    settings::arguments::<AcceptAuthority::Args>(data)?;
    let config = load_mut::<Config>(&mut accounts.config, PROGRAM_ID)?;
    let (old_authority, new_authority) = (config.authority, config.pending_authority);
    require(!new_authority.is_none(), EnergyTokenError::NoPendingAuthority)?;
    require_role(&accounts.pending_authority, &new_authority, EnergyTokenError::Unauthorized)?;

    // Effect
    config.authority = new_authority;
    config.pending_authority = Key::NONE;
    let told = AuthorityChanged { old_authority, new_authority };
    emit(&accounts.event_authority, &AuthorityChanged::DISCRIMINATOR, &told)
}
