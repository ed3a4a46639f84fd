//! Events: written into a buffer on the stack and emitted by a call of the program to itself.
use gridtokenx_guards::{emit_event, refused};
use gridtokenx_interface::{
    ids,
    registry::RegistryError,
    wire::{bytes_of, Plain},
    EVENT_TAG,
};
use pinocchio::{error::ProgramError, sysvars::clock::Clock, sysvars::Sysvar, AccountView, ProgramResult};

use crate::ID;

/// The longest event without a list, with tag and discriminator.
const LONGEST: usize = 512;

/// Bytes that grow up to `N`.
pub struct Buffer<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

impl<const N: usize> Buffer<N> {
    /// Nothing yet.
    #[inline(always)]
    pub fn new() -> Self {
        Self { bytes: [0; N], length: 0 }
    }

    /// Adds bytes at the end.
    #[inline(always)]
    pub fn push(&mut self, bytes: &[u8]) -> ProgramResult {
        let end = self.length.saturating_add(bytes.len());
        let place = self.bytes.get_mut(self.length..end).ok_or_else(|| refused(RegistryError::MathOverflow))?;
        place.copy_from_slice(bytes);
        self.length = end;
        Ok(())
    }

    /// Writes over what is at `at`.
    #[inline(always)]
    pub fn put(&mut self, at: usize, bytes: &[u8]) -> ProgramResult {
        let end = at.saturating_add(bytes.len());
        let place = self.bytes.get_mut(at..end).ok_or_else(|| refused(RegistryError::MathOverflow))?;
        place.copy_from_slice(bytes);
        Ok(())
    }

    /// What was written.
    #[inline(always)]
    pub fn written(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

impl<const N: usize> Default for Buffer<N> {
    fn default() -> Self {
        Self::new()
    }
}

/// Emits an event without a list.
#[inline(never)]
pub fn emit<E: Plain>(authority: &AccountView, discriminator: &[u8; 8], event: &E) -> ProgramResult {
    let mut buffer = Buffer::<LONGEST>::new();
    buffer.push(&EVENT_TAG)?;
    buffer.push(discriminator)?;
    buffer.push(bytes_of(event))?;
    emit_bytes(authority, buffer.written())
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
