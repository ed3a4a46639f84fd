//! Proposes the next authority; it changes when that key accepts.
use gridtokenx_guards::{refused, require_accounts};
use gridtokenx_interface::registry::{AuthorityProposed, ProposeAuthority, RegistryError};
use pinocchio::{AccountView, ProgramResult};

use crate::{arguments::arguments, event::emit, roles::config_of_authority};

/// See the interface.
#[inline(never)]
pub fn process(accounts: &mut [AccountView], data: &[u8]) -> ProgramResult {
    // Accounts
    require_accounts(accounts, ProposeAuthority::FLAGS, ProposeAuthority::PINNED)?;
    let (mut a, _) = ProposeAuthority::Accounts::split(accounts).ok_or_else(|| refused(RegistryError::MissingAccount))?;
    let args = arguments::<ProposeAuthority::Args>(data)?;

    // Checks
    let config = config_of_authority(&mut a.config, &a.authority)?;

    // Effect
    config.pending_authority = args.new_authority;
    let event = AuthorityProposed { authority: config.authority, pending_authority: config.pending_authority };
    emit(&a.event_authority, &AuthorityProposed::DISCRIMINATOR, &event)
}
