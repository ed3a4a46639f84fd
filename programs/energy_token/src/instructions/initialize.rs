//! Creates the mint with its metadata and the settings, once, by the program's upgrade authority.
use gridtokenx_guards::{create, create_pda, pda::Space, refused, require, require_accounts, require_upgrade_authority, Bytes, Key};
use gridtokenx_interface::{
    energy_token::{Config, EnergyTokenError, Initialize, TokenInitialized},
    ids::{self, energy_token},
    seeds,
};
use pinocchio::{cpi::Seed, error::ProgramError, AccountView, ProgramResult};

use crate::{events::emit, settings, text, token_2022, PROGRAM_ID};

const LONGEST_NAME: usize = 64;
const LONGEST_SYMBOL: usize = 16;
const LONGEST_URI: usize = 200;
/// Discriminator and three texts with their lengths.
const LONGEST_METADATA: usize = 8 + 12 + LONGEST_NAME + LONGEST_SYMBOL + LONGEST_URI;

#[inline(never)]
pub fn initialize(accounts: &[AccountView], data: &[u8]) -> ProgramResult {
    // Accounts
    require_accounts(accounts, Initialize::FLAGS, Initialize::PINNED)?;
    let (mut accounts, _) = Initialize::Accounts::split(accounts).ok_or_else(|| refused(EnergyTokenError::MissingAccount))?;
    require_upgrade_authority(&accounts.upgrade_authority, &accounts.program_data, &energy_token::PROGRAM_DATA)?;

    // Checks
    let (args, texts) = settings::arguments_and_rest::<Initialize::Args>(data)?;
    require(!args.authority.is_none(), EnergyTokenError::RoleUnset)?;
    let texts_length = texts_length(texts)?;

    // Effect
    create_config(&accounts.payer, &mut accounts.config, &args.authority)?;
    create_mint(&accounts.payer, &accounts.mint, texts_length)?;
    token_2022::initialize_mint(&accounts.mint, accounts.config.address())?;
    // The texts are in Token-2022's own order and encoding.
    let mut metadata = Bytes::<LONGEST_METADATA>::new();
    metadata.push(&token_2022::INITIALIZE_METADATA)?;
    metadata.push(texts)?;
    token_2022::initialize_metadata(&accounts.mint, &accounts.config, metadata.as_slice())?;
    let told = TokenInitialized { authority: args.authority, mint: energy_token::MINT };
    emit(&accounts.event_authority, &TokenInitialized::DISCRIMINATOR, &told)
}

/// How long name, symbol and URI are together, each within its limit and nothing behind them.
#[inline(never)]
fn texts_length(mut texts: &[u8]) -> Result<usize, ProgramError> {
    let name = text::take(&mut texts, LONGEST_NAME)?;
    let symbol = text::take(&mut texts, LONGEST_SYMBOL)?;
    let uri = text::take(&mut texts, LONGEST_URI)?;
    text::require_end(texts)?;
    Ok([name, symbol, uri].iter().map(|text| text.len()).sum())
}

/// Minting is enabled from the start: only the registry can call it.
#[inline(never)]
fn create_config(payer: &AccountView, account: &mut AccountView, authority: &Key) -> ProgramResult {
    let bump = [energy_token::CONFIG_BUMP];
    let seeds = [Seed::from(seeds::CONFIG), Seed::from(&bump)];
    let config = create::<Config>(payer, account, PROGRAM_ID, &seeds)?;
    config.authority = *authority;
    config.mint = energy_token::MINT;
    config.registry_authority = ids::registry::AUTHORITY;
    config.minting_enabled = 1;
    config.bump = energy_token::CONFIG_BUMP;
    config.mint_bump = energy_token::MINT_BUMP;
    Ok(())
}

/// The mint's account, with lamports for the metadata that Token-2022 will append.
#[inline(never)]
fn create_mint(payer: &AccountView, mint: &AccountView, texts_length: usize) -> ProgramResult {
    let bump = [energy_token::MINT_BUMP];
    let space = Space {
        length: token_2022::MINT_LENGTH,
        paid_length: (token_2022::MINT_LENGTH + token_2022::METADATA_LENGTH).saturating_add(texts_length),
        owner: token_2022::TOKEN_2022,
    };
    let seeds = [Seed::from(seeds::MINT), Seed::from(&bump)];
    create_pda(payer, mint, &space, &seeds)
}
