//! Mints what the registry's ledger says was produced: one amount for each token account.
use gridtokenx_guards::{refused, require, require_accounts};
use gridtokenx_interface::energy_token::{EnergyTokenError, MintFromProduction, TokensMinted};
use pinocchio::{AccountView, ProgramResult};

use crate::{events::Moves, settings, token_2022, totals};

#[inline(never)]
pub fn mint_from_production(accounts: &[AccountView], data: &[u8]) -> ProgramResult {
    // Accounts
    require_accounts(accounts, MintFromProduction::FLAGS, MintFromProduction::PINNED)?;
    let (mut fixed, token_accounts) =
        MintFromProduction::Accounts::split(accounts).ok_or_else(|| refused(EnergyTokenError::MissingAccount))?;

    // Checks
    let (items, sum) = totals::amounts(data, token_accounts)?;
    let config = settings::config_of_registry(&mut fixed.config, &fixed.registry_authority)?;
    require(config.minting_enabled == 1, EnergyTokenError::MintingDisabled)?;

    // Effect
    totals::add(&mut config.minted_units, sum)?;
    let mut moves = Moves::new();
    moves.begin(&TokensMinted::DISCRIMINATOR, items.len())?;
    for (item, token_account) in items.iter().zip(token_accounts) {
        moves.push(token_account, item)?;
        token_2022::mint_to(&fixed.mint, token_account, &fixed.config, item.amount)?;
    }
    moves.emit(&fixed.mint, &fixed.event_authority)
}
