//! Events: written into a buffer on the stack and emitted by a call of the program to itself.
use gridtokenx_guards::{begin_event, emit_event, refused, Bytes};
use gridtokenx_interface::{
    ids,
    registry::RegistryError,
    wire::{bytes_of, Plain},
};
use pinocchio::{
    error::ProgramError,
    sysvars::{clock::Clock, Sysvar},
    AccountView, ProgramResult,
};

use crate::ID;

/// The longest event without a list, with tag and discriminator.
const LONGEST: usize = 512;

/// Emits an event without a list.
#[inline(never)]
pub fn emit<E: Plain>(authority: &AccountView, discriminator: &[u8; 8], fields: &E) -> ProgramResult {
    let mut bytes = Bytes::<LONGEST>::new();
    begin_event(&mut bytes, discriminator)?;
    bytes.push(bytes_of(fields))?;
    emit_bytes(authority, bytes.as_slice())
}

/// Emits an event whose bytes are complete.
#[inline(never)]
pub fn emit_bytes(authority: &AccountView, bytes: &[u8]) -> ProgramResult {
    emit_event(ID, authority, ids::registry::EVENT_AUTHORITY_BUMP, bytes)
}

/// The chain's clock, Unix seconds: as events show it and as the ledger compares it.
#[inline(always)]
pub fn chain_time() -> Result<(i64, u64), ProgramError> {
    let timestamp = Clock::get()?.unix_timestamp;
    let now = u64::try_from(timestamp).map_err(|_| refused(RegistryError::MathOverflow))?;
    Ok((timestamp, now))
}
