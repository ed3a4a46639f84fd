//! The owner settles his meter and gets the tokens.
use gridtokenx_guards::{key, load, refused, require, require_accounts};
use gridtokenx_interface::{
    registry::{Config, Meter, RegistryError, SettleAndMintTokens},
    settlement::unsettled,
};
use pinocchio::{AccountView, ProgramResult};

use crate::{
    arguments::arguments,
    event::chain_time,
    settling::{obstacle, settle_all, Batch, Desk, Outcome},
    ID,
};

/// See the interface.
#[inline(never)]
pub fn process(accounts: &mut [AccountView], data: &[u8]) -> ProgramResult {
    // Accounts
    require_accounts(accounts, SettleAndMintTokens::FLAGS, SettleAndMintTokens::PINNED)?;
    let (a, _) = SettleAndMintTokens::Accounts::split(accounts).ok_or_else(|| refused(RegistryError::MissingAccount))?;
    arguments::<SettleAndMintTokens::Args>(data)?;

    // Checks
    let config = load::<Config>(&a.config, ID)?;
    let meter = load::<Meter>(&a.meter, ID)?;
    require(meter.owner == *key(a.owner.address()), RegistryError::Unauthorized)?;
    let mintable = unsettled(meter).is_some_and(|delta| delta > 0);
    require(mintable, RegistryError::InsufficientBalance)?;
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
    let (zones, pairs) = ([a.zone], [a.meter, a.token_account]);
    let mut outcome = Outcome::new();
    let batch = Batch { desk, config, event_authority: &a.event_authority, zones: &zones, pairs: &pairs, timestamp };
    settle_all(&batch, &mut outcome)?;
    match outcome.results.first() {
        Some(result) if outcome.moved == 0 => Err(obstacle(*result)),
        _ => Ok(()),
    }
}
