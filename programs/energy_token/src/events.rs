//! Events: fixed ones from their record, and those of mints and burns with their list.
use gridtokenx_guards::{begin_event, emit_event, event, Bytes};
use gridtokenx_interface::{
    energy_token::Amount,
    ids::energy_token::EVENT_AUTHORITY_BUMP,
    wire::{bytes_of, Plain},
};
use pinocchio::{
    sysvars::{clock::Clock, Sysvar},
    AccountView, ProgramResult,
};

use crate::{token_2022, PROGRAM_ID};

/// Token accounts in one call: the most meters of the registry, with room.
const MAX_MOVES: usize = 26;
/// Tag, discriminator, supply and time, count, and 40 bytes for each move.
const LONGEST_LIST: usize = 36 + 40 * MAX_MOVES;
/// Tag, discriminator and two keys.
const LONGEST_FIXED: usize = 16 + 64;
/// Where the supply goes, once it is known.
const SUPPLY: usize = 16;
/// Where the time goes.
const TIME: usize = 24;

/// Emits bytes that begin with tag and discriminator.
#[inline(always)]
pub fn emit_bytes(authority: &AccountView, bytes: &[u8]) -> ProgramResult {
    emit_event(PROGRAM_ID, authority, EVENT_AUTHORITY_BUMP, bytes)
}

/// Emits an event without a list.
#[inline(never)]
pub fn emit<E: Plain>(authority: &AccountView, discriminator: &[u8; 8], fields: &E) -> ProgramResult {
    let mut data = event::<LONGEST_FIXED>(discriminator)?;
    data.push(bytes_of(fields))?;
    emit_bytes(authority, data.as_slice())
}

/// `TokensMinted` or `TokensBurned` while it is put together.
pub struct Moves(Bytes<LONGEST_LIST>);

impl Moves {
    /// No bytes yet.
    #[inline(always)]
    pub fn new() -> Self {
        Self(Bytes::new())
    }

    /// Begins an event of `count` moves.
    #[inline(always)]
    pub fn begin(&mut self, discriminator: &[u8; 8], count: usize) -> ProgramResult {
        begin_event(&mut self.0, discriminator)?;
        self.0.push(&[0; 16])?; // supply and time
        self.0.push(&(count as u32).to_le_bytes())
    }

    /// Adds a move of the owner of `token_account`.
    #[inline(always)]
    pub fn push(&mut self, token_account: &AccountView, item: &Amount) -> ProgramResult {
        self.0.push(&token_2022::owner(token_account)?.0)?;
        self.0.push(bytes_of(item))
    }

    /// Emits it with the supply that the mint has now.
    #[inline(always)]
    pub fn emit(&mut self, mint: &AccountView, authority: &AccountView) -> ProgramResult {
        self.0.overwrite(SUPPLY, &token_2022::supply(mint)?.to_le_bytes())?;
        self.0.overwrite(TIME, &Clock::get()?.unix_timestamp.to_le_bytes())?;
        emit_bytes(authority, self.0.as_slice())
    }
}
