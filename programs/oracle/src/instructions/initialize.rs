//! Sets the oracle up, once, by the program's upgrade authority; no attester is set, so every reading is refused until one is.
use gridtokenx_guards::{create, refused, require, require_accounts, require_upgrade_authority, sha256};
use gridtokenx_interface::{
    ids::{self, oracle},
    messages::network_preimage,
    oracle::{Config, Initialize, OracleError, OracleInitialized, Roots},
    seeds,
};
use pinocchio::{cpi::Seed, AccountView, ProgramResult};

use crate::{events::emit, settings, PROGRAM_ID};

type Args = Initialize::Args;

#[inline(never)]
pub fn initialize(accounts: &[AccountView], data: &[u8]) -> ProgramResult {
    // Accounts
    require_accounts(accounts, Initialize::FLAGS, Initialize::PINNED)?;
    let (mut accounts, _) = Initialize::Accounts::split(accounts).ok_or_else(|| refused(OracleError::MissingAccount))?;
    require_upgrade_authority(&accounts.upgrade_authority, &accounts.program_data, &oracle::PROGRAM_DATA)?;

    // Checks
    let args = settings::arguments::<Args>(data)?;
    require(!args.authority.is_none(), OracleError::RoleUnset)?;
    require(args.genesis_hash != [0; 32], OracleError::WrongNetwork)?;

    // Effect
    let network = network(&args.genesis_hash);
    create_config(&accounts.payer, &mut accounts.config, args, network)?;
    create_roots(&accounts.payer, &mut accounts.roots)?;
    let told = OracleInitialized { authority: args.authority, network };
    emit(&accounts.event_authority, &OracleInitialized::DISCRIMINATOR, &told)
}

/// First 8 bytes of SHA-256(`gridtokenx-network` ‖ genesis hash ‖ registry program id).
#[inline(always)]
fn network(genesis_hash: &[u8; 32]) -> [u8; 8] {
    let [a, b, c, d, e, f, g, h, ..] = sha256(&network_preimage(genesis_hash, &ids::registry::ID));
    [a, b, c, d, e, f, g, h]
}

#[inline(never)]
fn create_config(payer: &AccountView, account: &mut AccountView, args: &Args, network: [u8; 8]) -> ProgramResult {
    let bump = [oracle::CONFIG_BUMP];
    let seeds = [Seed::from(seeds::CONFIG), Seed::from(&bump)];
    let config = create::<Config>(payer, account, PROGRAM_ID, &seeds)?;
    config.authority = args.authority;
    config.rule_set_hash = args.rule_set_hash;
    config.network = network;
    config.bump = oracle::CONFIG_BUMP;
    Ok(())
}

#[inline(never)]
fn create_roots(payer: &AccountView, account: &mut AccountView) -> ProgramResult {
    let bump = [oracle::ROOTS_BUMP];
    let seeds = [Seed::from(seeds::ROOTS), Seed::from(&bump)];
    create::<Roots>(payer, account, PROGRAM_ID, &seeds)?.bump = oracle::ROOTS_BUMP;
    Ok(())
}
