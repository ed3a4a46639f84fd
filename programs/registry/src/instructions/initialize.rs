//! Sets the registry up: once, by the upgrade authority.
use gridtokenx_guards::{refused, require, require_accounts, require_upgrade_authority};
use gridtokenx_interface::{
    ids,
    registry::{Config, Initialize, RegistryError, RegistryInitialized},
    seeds,
};
use pinocchio::{AccountView, ProgramResult};

use crate::{
    arguments::arguments,
    creation::{create, Birth},
    event::emit,
    network::network,
    roles::require_roles,
};

/// See the interface.
#[inline(never)]
pub fn process(accounts: &mut [AccountView], data: &[u8]) -> ProgramResult {
    // Accounts
    require_accounts(accounts, Initialize::FLAGS, Initialize::PINNED)?;
    let (mut a, _) = Initialize::Accounts::split(accounts).ok_or_else(|| refused(RegistryError::MissingAccount))?;
    let args = arguments::<Initialize::Args>(data)?;

    // Checks
    require_upgrade_authority(&a.upgrade_authority, &a.program_data, &ids::registry::PROGRAM_DATA)?;
    require(args.correction_window_s > 0, RegistryError::InvalidLimit)?;
    require(args.genesis_hash != [0; 32], RegistryError::WrongNetwork)?;

    // Effect
    let birth = Birth { payer: &a.payer, kind: seeds::CONFIG, name: &[] };
    let (config, bump) = create::<Config>(&mut a.config, &birth)?;
    config.authority = args.authority;
    config.provisioner = args.provisioner;
    config.auditor = args.auditor;
    config.oracle_program = ids::oracle::ID;
    config.oracle_authority = ids::oracle::AUTHORITY;
    config.energy_token_program = ids::energy_token::ID;
    config.energy_mint = ids::energy_token::MINT;
    config.governance_program = args.governance_program;
    config.genesis_hash = args.genesis_hash;
    config.network = network(&args.genesis_hash);
    config.correction_cap_wh = args.correction_cap_wh;
    config.correction_window_s = args.correction_window_s;
    config.correction_delay_s = args.correction_delay_s;
    config.bump = bump;
    require_roles(config)?;
    let event =
        RegistryInitialized { authority: args.authority, provisioner: args.provisioner, auditor: args.auditor, network: config.network };
    emit(&a.event_authority, &RegistryInitialized::DISCRIMINATOR, &event)
}
