//! oracle: takes readings by two doors, device-proven and attested, and hands them to the registry in one call.
//!
//! One file per instruction, each in three parts: accounts, checks, effect. Layouts are those of the interface crate.
#![no_std]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test may panic"))]

mod attestation;
mod events;
mod handover;
mod instructions;
mod mountains;
mod proven;
mod settings;

use gridtokenx_guards::{address, refused, require_event_authority};
use gridtokenx_interface::{
    ids::oracle::{EVENT_AUTHORITY, ID},
    oracle::{
        AcceptAuthority, Initialize, OracleError, ProposeAuthority, SetAttesters, SetPaused, SetRuleSet, SubmitMeterReading,
        SubmitReadingBatch,
    },
    EVENT_TAG,
};
use pinocchio::{AccountView, Address, ProgramResult};

/// This program's address.
pub const PROGRAM_ID: &Address = address(&ID);

#[cfg(feature = "entrypoint")]
mod entry {
    // A transaction holds at most 64 accounts.
    pinocchio::program_entrypoint!(crate::process_instruction, 64);
    pinocchio::no_allocator!();
    pinocchio::nostd_panic_handler!();
}

/// Hands the instruction, with its whole data, to its file.
pub fn process_instruction(_program_id: &Address, accounts: &mut [AccountView], data: &[u8]) -> ProgramResult {
    let discriminator = data.first_chunk::<8>().ok_or_else(|| refused(OracleError::MalformedInstruction))?;
    match *discriminator {
        EVENT_TAG => require_event_authority(accounts, &EVENT_AUTHORITY),
        SubmitMeterReading::DISCRIMINATOR => instructions::submit_meter_reading(accounts, data),
        SubmitReadingBatch::DISCRIMINATOR => instructions::submit_reading_batch(accounts, data),
        SetAttesters::DISCRIMINATOR => instructions::set_attesters(accounts, data),
        SetRuleSet::DISCRIMINATOR => instructions::set_rule_set(accounts, data),
        SetPaused::DISCRIMINATOR => instructions::set_paused(accounts, data),
        ProposeAuthority::DISCRIMINATOR => instructions::propose_authority(accounts, data),
        AcceptAuthority::DISCRIMINATOR => instructions::accept_authority(accounts, data),
        Initialize::DISCRIMINATOR => instructions::initialize(accounts, data),
        _ => Err(refused(OracleError::UnknownInstruction)),
    }
}
