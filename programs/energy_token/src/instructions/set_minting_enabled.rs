//! Enables or disables minting; burning and retiring go on.
use gridtokenx_guards::{emit_event, event, load_mut, refused, require_address, require_flags, require_role};
use gridtokenx_interface::{
    energy_token::{Config, EnergyTokenError, MintingChanged, SetMintingEnabled},
    ids::energy_token::{CONFIG, EVENT_AUTHORITY_BUMP},
};
use pinocchio::{AccountView, ProgramResult};

use crate::PROGRAM_ID;

#[inline(never)]
pub fn set_minting_enabled(accounts: &[AccountView], data: &[u8]) -> ProgramResult {
    // Accounts
    require_flags(accounts, SetMintingEnabled::FLAGS)?;
    let (mut accounts, _) = SetMintingEnabled::Accounts::split(accounts).ok_or_else(|| refused(EnergyTokenError::MissingAccount))?;

    // Checks
    let [enabled @ (0 | 1)] = *data else {
        return Err(refused(EnergyTokenError::MalformedInstruction));
    };
    require_address(&accounts.config, &CONFIG)?;
    let config = load_mut::<Config>(&mut accounts.config, PROGRAM_ID)?;
    require_role(&accounts.authority, &config.authority, EnergyTokenError::Unauthorized)?;

    // Effect
    config.minting_enabled = enabled;
    let mut data = event::<17>(&MintingChanged::DISCRIMINATOR)?;
    data.push(&[enabled])?;
    emit_event(PROGRAM_ID, &accounts.event_authority, EVENT_AUTHORITY_BUMP, data.as_slice())
}
