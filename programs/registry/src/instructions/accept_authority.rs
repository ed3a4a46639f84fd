//! The proposed authority takes over.
use gridtokenx_guards::{load_mut, refused, require, require_accounts, require_role, Key};
use gridtokenx_interface::registry::{AcceptAuthority, AuthorityChanged, Config, RegistryError};
use pinocchio::{AccountView, ProgramResult};

use crate::{arguments::arguments, event::emit, roles::require_roles, ID};

/// See the interface.
#[inline(never)]
pub fn process(accounts: &mut [AccountView], data: &[u8]) -> ProgramResult {
    // Accounts
    require_accounts(accounts, AcceptAuthority::FLAGS, AcceptAuthority::PINNED)?;
    let (mut a, _) = AcceptAuthority::Accounts::split(accounts).ok_or_else(|| refused(RegistryError::MissingAccount))?;
    arguments::<AcceptAuthority::Args>(data)?;

    // Checks
    let config = load_mut::<Config>(&mut a.config, ID)?;
    require(!config.pending_authority.is_none(), RegistryError::NoPendingAuthority)?;
    require_role(&a.pending_authority, &config.pending_authority, RegistryError::Unauthorized)?;

    // Effect
    let event = AuthorityChanged { old_authority: config.authority, new_authority: config.pending_authority };
    config.authority = config.pending_authority;
    config.pending_authority = Key::NONE;
    require_roles(config)?;
    emit(&a.event_authority, &AuthorityChanged::DISCRIMINATOR, &event)
}
