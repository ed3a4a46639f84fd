//! The proposed authority takes over.
use gridtokenx_guards::{emit_event, event, load_mut, refused, require, require_address, require_flags, require_role, Key};
use gridtokenx_interface::{
    energy_token::{AcceptAuthority, AuthorityChanged, Config, EnergyTokenError},
    ids::energy_token::{CONFIG, EVENT_AUTHORITY_BUMP},
};
use pinocchio::{AccountView, ProgramResult};

use crate::PROGRAM_ID;

#[inline(never)]
pub fn accept_authority(accounts: &[AccountView]) -> ProgramResult {
    // Accounts
    require_flags(accounts, AcceptAuthority::FLAGS)?;
    let (mut accounts, _) = AcceptAuthority::Accounts::split(accounts).ok_or_else(|| refused(EnergyTokenError::MissingAccount))?;

    // Checks
    require_address(&accounts.config, &CONFIG)?;
    let config = load_mut::<Config>(&mut accounts.config, PROGRAM_ID)?;
    let (old, new) = (config.authority, config.pending_authority);
    require(!new.is_none(), EnergyTokenError::NoPendingAuthority)?;
    require_role(&accounts.pending_authority, &new, EnergyTokenError::Unauthorized)?;

    // Effect
    config.authority = new;
    config.pending_authority = Key::NONE;
    let mut data = event::<80>(&AuthorityChanged::DISCRIMINATOR)?;
    data.push(&old.0)?;
    data.push(&new.0)?;
    emit_event(PROGRAM_ID, &accounts.event_authority, EVENT_AUTHORITY_BUMP, data.as_slice())
}
