//! The authority proposes who follows it.
use gridtokenx_guards::{key, refused, require_accounts};
use gridtokenx_interface::energy_token::{AuthorityProposed, EnergyTokenError, ProposeAuthority};
use pinocchio::{AccountView, ProgramResult};

use crate::{events::emit, settings};

#[inline(never)]
pub fn propose_authority(accounts: &[AccountView], data: &[u8]) -> ProgramResult {
    // Accounts
    require_accounts(accounts, ProposeAuthority::FLAGS, ProposeAuthority::PINNED)?;
    let (mut accounts, _) = ProposeAuthority::Accounts::split(accounts).ok_or_else(|| refused(EnergyTokenError::MissingAccount))?;

    // Checks
    let args = settings::arguments::<ProposeAuthority::Args>(data)?;
    let config = settings::config_of_authority(&mut accounts.config, &accounts.authority)?;

    // Effect
    config.pending_authority = args.new_authority;
    let authority = *key(accounts.authority.address());
    let told = AuthorityProposed { authority, pending_authority: args.new_authority };
    emit(&accounts.event_authority, &AuthorityProposed::DISCRIMINATOR, &told)
}
