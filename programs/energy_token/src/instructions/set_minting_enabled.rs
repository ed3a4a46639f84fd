//! Enables or disables minting; burning and retiring go on.
use gridtokenx_guards::{refused, require, require_accounts};
use gridtokenx_interface::energy_token::{EnergyTokenError, MintingChanged, SetMintingEnabled};
use pinocchio::{AccountView, ProgramResult};

use crate::{events::emit, settings};

#[inline(never)]
pub fn set_minting_enabled(accounts: &[AccountView], data: &[u8]) -> ProgramResult {
    // Accounts
    require_accounts(accounts, SetMintingEnabled::FLAGS, SetMintingEnabled::PINNED)?;
    let (mut accounts, _) = SetMintingEnabled::Accounts::split(accounts).ok_or_else(|| refused(EnergyTokenError::MissingAccount))?;

    // Checks
    let args = settings::arguments::<SetMintingEnabled::Args>(data)?;
    require(args.enabled <= 1, EnergyTokenError::MalformedInstruction)?;
    let config = settings::config_of_authority(&mut accounts.config, &accounts.authority)?;

    // Effect
    config.minting_enabled = args.enabled;
    let told = MintingChanged { enabled: args.enabled };
    emit(&accounts.event_authority, &MintingChanged::DISCRIMINATOR, &told)
}
