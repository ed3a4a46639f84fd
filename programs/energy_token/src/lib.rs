//! energy_token: the mint of which one token is one kWh of attested net production, and nothing else ever mints.
//!
//! One file per instruction, each in three parts: accounts, checks, effect. Layouts are those of the interface crate.
#![no_std]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test may panic"))]

mod events;
mod instructions;
mod settings;
mod text;
mod token_2022;
mod totals;

use gridtokenx_guards::{address, refused, require_event_authority};
use gridtokenx_interface::{
    energy_token::{
        AcceptAuthority, BurnForConsumption, EnergyTokenError, Initialize, MintFromProduction, ProposeAuthority, RetireTokens,
        SetMintingEnabled,
    },
    ids::energy_token::{EVENT_AUTHORITY, ID},
    EVENT_TAG,
};
use pinocchio::{AccountView, Address, ProgramResult};

/// This program's address.
pub const PROGRAM_ID: &Address = address(&ID);

#[cfg(feature = "entrypoint")]
mod entry {
    // Six fixed accounts and a token account for each of at most 24 meters.
    pinocchio::program_entrypoint!(crate::process_instruction, 32);
    pinocchio::no_allocator!();
    pinocchio::nostd_panic_handler!();
}

/// Hands the instruction to its file.
pub fn process_instruction(_program_id: &Address, accounts: &mut [AccountView], data: &[u8]) -> ProgramResult {
    let (discriminator, data) = data.split_first_chunk::<8>().ok_or_else(|| refused(EnergyTokenError::MalformedInstruction))?;
    match *discriminator {
        EVENT_TAG => require_event_authority(accounts, &EVENT_AUTHORITY),
        MintFromProduction::DISCRIMINATOR => instructions::mint_from_production(accounts, data),
        BurnForConsumption::DISCRIMINATOR => instructions::burn_for_consumption(accounts, data),
        RetireTokens::DISCRIMINATOR => instructions::retire_tokens(accounts, data),
        SetMintingEnabled::DISCRIMINATOR => instructions::set_minting_enabled(accounts, data),
        ProposeAuthority::DISCRIMINATOR => instructions::propose_authority(accounts, data),
        AcceptAuthority::DISCRIMINATOR => instructions::accept_authority(accounts, data),
        Initialize::DISCRIMINATOR => instructions::initialize(accounts, data),
        _ => Err(refused(EnergyTokenError::UnknownInstruction)),
    }
}
