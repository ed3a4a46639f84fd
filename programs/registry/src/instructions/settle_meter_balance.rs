//! Anyone settles meters; it can only do the right thing.
use gridtokenx_guards::{load, refused, require, require_accounts};
use gridtokenx_interface::{
    registry::{Config, RegistryError, SettleMeterBalance},
    settlement::SettlementResult,
};
use pinocchio::{AccountView, ProgramResult};

use crate::{
    arguments::arguments,
    event::chain_time,
    settling::{obstacle, settle_all, split_zones, Batch, Desk, Outcome},
    ID,
};

/// See the interface.
#[inline(never)]
pub fn process(accounts: &mut [AccountView], data: &[u8]) -> ProgramResult {
    // Accounts
    require_accounts(accounts, SettleMeterBalance::FLAGS, SettleMeterBalance::PINNED)?;
    let (a, rest) = SettleMeterBalance::Accounts::split(accounts).ok_or_else(|| refused(RegistryError::MissingAccount))?;
    let args = arguments::<SettleMeterBalance::Args>(data)?;
    let (zones, pairs) = split_zones(rest, args.zones)?;

    // Checks
    let config = load::<Config>(&a.config, ID)?;
    require(!pairs.is_empty(), RegistryError::MissingAccount)?;
    let (timestamp, _) = chain_time()?;

    // Effect
    let desk = Desk {
        registry_authority: &a.registry_authority,
        energy_token_config: &a.energy_token_config,
        mint: &a.mint,
        energy_token_event_authority: &a.energy_token_event_authority,
        token_program: &a.token_program,
        energy_token_program: &a.energy_token_program,
    };
    let mut outcome = Outcome::new();
    settle_all(&Batch { desk, config, event_authority: &a.event_authority, zones, pairs, timestamp }, &mut outcome)?;
    if outcome.moved > 0 {
        return Ok(());
    }
    let stuck = |result: &&SettlementResult| !matches!(**result, SettlementResult::Nothing | SettlementResult::NotAsked);
    Err(obstacle(outcome.results.iter().find(stuck).copied().unwrap_or(SettlementResult::Nothing)))
}
