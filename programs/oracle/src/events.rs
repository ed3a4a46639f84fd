//! Events: fixed ones from their record, and `MeterReadingAccepted` with its list.
use gridtokenx_guards::{begin_event, emit_event, event, refused, Bytes};
use gridtokenx_interface::{
    ids::oracle::EVENT_AUTHORITY_BUMP,
    oracle::{AcceptedReading, MeterReadingAccepted, OracleError},
    wire::{bytes_of, Plain},
};
use pinocchio::{
    error::ProgramError,
    sysvars::{clock::Clock, Sysvar},
    AccountView, ProgramResult,
};

use crate::{handover::MAX_READINGS, PROGRAM_ID};

/// Tag, discriminator and the longest fixed event: `AttestersChanged`.
const LONGEST_FIXED: usize = 16 + 258;
/// Tag, discriminator, head, count and one record for each reading.
const LONGEST_LIST: usize = 16 + MeterReadingAccepted::LEN + 4 + MAX_READINGS * AcceptedReading::LEN;

/// Emits an event without a list.
#[inline(never)]
pub fn emit<E: Plain>(authority: &AccountView, discriminator: &[u8; 8], fields: &E) -> ProgramResult {
    let mut data = event::<LONGEST_FIXED>(discriminator)?;
    data.push(bytes_of(fields))?;
    emit_event(PROGRAM_ID, authority, EVENT_AUTHORITY_BUMP, data.as_slice())
}

/// `MeterReadingAccepted` while it is put together.
pub struct Accepted(Bytes<LONGEST_LIST>);

impl Accepted {
    /// No bytes yet.
    #[inline(always)]
    pub fn new() -> Self {
        Self(Bytes::new())
    }

    /// Begins an event of `count` readings.
    #[inline(always)]
    pub fn begin(&mut self, head: &MeterReadingAccepted, count: usize) -> ProgramResult {
        begin_event(&mut self.0, &MeterReadingAccepted::DISCRIMINATOR)?;
        self.0.push(bytes_of(head))?;
        self.0.push(&(count as u32).to_le_bytes())
    }

    /// Adds a reading with what the registry made of it.
    #[inline(always)]
    pub fn push(&mut self, reading: &AcceptedReading) -> ProgramResult {
        self.0.push(bytes_of(reading))
    }

    /// Emits it.
    #[inline(always)]
    pub fn emit(&self, authority: &AccountView) -> ProgramResult {
        emit_event(PROGRAM_ID, authority, EVENT_AUTHORITY_BUMP, self.0.as_slice())
    }
}

/// The chain's clock, Unix seconds: as events show it and as times are compared.
#[inline(always)]
pub fn chain_time() -> Result<(i64, u64), ProgramError> {
    let timestamp = Clock::get()?.unix_timestamp;
    let now = u64::try_from(timestamp).map_err(|_| refused(OracleError::MathOverflow))?;
    Ok((timestamp, now))
}
