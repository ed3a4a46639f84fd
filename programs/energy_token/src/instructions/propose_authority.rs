//! The authority proposes who follows it.
use gridtokenx_guards::{emit_event, event, key, load_mut, refused, require, require_address, require_flags, require_role};
use gridtokenx_interface::{
    energy_token::{AuthorityProposed, Config, EnergyTokenError, ProposeAuthority},
    ids::energy_token::{CONFIG, EVENT_AUTHORITY_BUMP},
    wire,
};
use pinocchio::{AccountView, ProgramResult};

use crate::PROGRAM_ID;

#[inline(never)]
pub fn propose_authority(accounts: &[AccountView], data: &[u8]) -> ProgramResult {
    // Accounts
    require_flags(accounts, ProposeAuthority::FLAGS)?;
    let (mut accounts, _) = ProposeAuthority::Accounts::split(accounts).ok_or_else(|| refused(EnergyTokenError::MissingAccount))?;
    let (args, rest) = wire::split::<ProposeAuthority::Args>(data).ok_or_else(|| refused(EnergyTokenError::MalformedInstruction))?;

    // Checks
    require(rest.is_empty(), EnergyTokenError::MalformedInstruction)?;
    require_address(&accounts.config, &CONFIG)?;
    let config = load_mut::<Config>(&mut accounts.config, PROGRAM_ID)?;
    require_role(&accounts.authority, &config.authority, EnergyTokenError::Unauthorized)?;

    // Effect
    config.pending_authority = args.new_authority;
    let mut data = event::<80>(&AuthorityProposed::DISCRIMINATOR)?;
    data.push(&key(accounts.authority.address()).0)?;
    data.push(&args.new_authority.0)?;
    emit_event(PROGRAM_ID, &accounts.event_authority, EVENT_AUTHORITY_BUMP, data.as_slice())
}
