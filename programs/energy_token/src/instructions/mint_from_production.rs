//! Mints what the registry's ledger says was produced: one amount for each token account.
use gridtokenx_guards::{load_mut, refused, require, require_address, require_flags, require_role};
use gridtokenx_interface::{
    energy_token::{Config, EnergyTokenError, MintFromProduction, TokensMinted},
    ids::{self, energy_token},
};
use pinocchio::{AccountView, ProgramResult};

use crate::{moves::Moves, token_2022, totals, PROGRAM_ID};

#[inline(never)]
pub fn mint_from_production(accounts: &[AccountView], data: &[u8]) -> ProgramResult {
    // Accounts
    require_flags(accounts, MintFromProduction::FLAGS)?;
    let (mut fixed, token_accounts) =
        MintFromProduction::Accounts::split(accounts).ok_or_else(|| refused(EnergyTokenError::MissingAccount))?;
    require_address(&fixed.config, &energy_token::CONFIG)?;
    require_address(&fixed.mint, &energy_token::MINT)?;
    require_address(&fixed.token_program, &ids::TOKEN_2022)?;

    // Checks
    let (items, sum) = totals::amounts(data, token_accounts)?;
    let config = load_mut::<Config>(&mut fixed.config, PROGRAM_ID)?;
    require_role(&fixed.registry_authority, &config.registry_authority, EnergyTokenError::Unauthorized)?;
    require(config.minting_enabled == 1, EnergyTokenError::MintingDisabled)?;

    // Effect
    totals::add(&mut config.minted_units, sum)?;
    let mut moves = Moves::new(&TokensMinted::DISCRIMINATOR, items.len())?;
    for (item, token_account) in items.iter().zip(token_accounts) {
        moves.push(token_account, item)?;
        token_2022::mint_to(&fixed.mint, token_account, &fixed.config, item.amount)?;
    }
    moves.emit(&fixed.mint, &fixed.event_authority)
}
