//! Burns what the registry's ledger says was consumed, by the delegation that each holder gave to the registry.
//!
//! It is never paused: `set_minting_enabled` stops minting only.
use gridtokenx_guards::{load_mut, refused, require_address, require_flags, require_role};
use gridtokenx_interface::{
    energy_token::{BurnForConsumption, Config, EnergyTokenError, TokensBurned},
    ids::{self, energy_token},
};
use pinocchio::{AccountView, ProgramResult};

use crate::{moves::Moves, token_2022, totals, PROGRAM_ID};

#[inline(never)]
pub fn burn_for_consumption(accounts: &[AccountView], data: &[u8]) -> ProgramResult {
    // Accounts
    require_flags(accounts, BurnForConsumption::FLAGS)?;
    let (mut fixed, token_accounts) =
        BurnForConsumption::Accounts::split(accounts).ok_or_else(|| refused(EnergyTokenError::MissingAccount))?;
    require_address(&fixed.config, &energy_token::CONFIG)?;
    require_address(&fixed.mint, &energy_token::MINT)?;
    require_address(&fixed.token_program, &ids::TOKEN_2022)?;

    // Checks
    let (items, sum) = totals::amounts(data, token_accounts)?;
    let config = load_mut::<Config>(&mut fixed.config, PROGRAM_ID)?;
    require_role(&fixed.registry_authority, &config.registry_authority, EnergyTokenError::Unauthorized)?;

    // Effect
    totals::add(&mut config.burned_units, sum)?;
    let mut moves = Moves::new(&TokensBurned::DISCRIMINATOR, items.len())?;
    for (item, token_account) in items.iter().zip(token_accounts) {
        moves.push(token_account, item)?;
        token_2022::burn(&fixed.mint, token_account, &fixed.registry_authority, item.amount)?;
    }
    moves.emit(&fixed.mint, &fixed.event_authority)
}
