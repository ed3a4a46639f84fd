//! Burns what the registry's ledger says was consumed, by the delegation that each holder gave to the registry.
//!
//! It is never paused: `set_minting_enabled` stops minting only.
use gridtokenx_guards::{refused, require_accounts};
use gridtokenx_interface::energy_token::{BurnForConsumption, EnergyTokenError, TokensBurned};
use pinocchio::{AccountView, ProgramResult};

use crate::{events::Moves, settings, token_2022, totals};

#[inline(never)]
pub fn burn_for_consumption(accounts: &[AccountView], data: &[u8]) -> ProgramResult {
    // Accounts
    require_accounts(accounts, BurnForConsumption::FLAGS, BurnForConsumption::PINNED)?;
    let (mut fixed, token_accounts) =
        BurnForConsumption::Accounts::split(accounts).ok_or_else(|| refused(EnergyTokenError::MissingAccount))?;

    // Checks
    let (items, sum) = totals::amounts(data, token_accounts)?;
    let config = settings::config_of_registry(&mut fixed.config, &fixed.registry_authority)?;

    // Effect
    totals::add(&mut config.burned_units, sum)?;
    let mut moves = Moves::new();
    moves.begin(&TokensBurned::DISCRIMINATOR, items.len())?;
    for (item, token_account) in items.iter().zip(token_accounts) {
        moves.push(token_account, item)?;
        token_2022::burn(&fixed.mint, token_account, &fixed.registry_authority, item.amount)?;
    }
    moves.emit(&fixed.mint, &fixed.event_authority)
}
