//! The event of a mint or a burn: supply afterwards, time, and who got or gave how much.
use gridtokenx_guards::{emit_event, event, Bytes};
use gridtokenx_interface::{energy_token::Amount, ids::energy_token::EVENT_AUTHORITY_BUMP};
use pinocchio::{
    error::ProgramError,
    sysvars::{clock::Clock, Sysvar},
    AccountView, ProgramResult,
};

use crate::{token_2022, PROGRAM_ID};

/// Token accounts in one call: the most meters of the registry, with room.
const MAX_MOVES: usize = 26;
/// Tag, discriminator, supply and time, count, and 40 bytes for each move.
const LONGEST: usize = 36 + 40 * MAX_MOVES;
/// Where the supply goes, once it is known.
const SUPPLY: usize = 16;
/// Where the time goes.
const TIME: usize = 24;

/// `TokensMinted` or `TokensBurned` while it is put together.
pub struct Moves(Bytes<LONGEST>);

impl Moves {
    /// An event of `count` moves.
    #[inline(always)]
    pub fn new(discriminator: &[u8; 8], count: usize) -> Result<Self, ProgramError> {
        let mut data = event(discriminator)?;
        data.push(&[0; 16])?; // supply and time
        data.push(&(count as u32).to_le_bytes())?;
        Ok(Self(data))
    }

    /// Adds a move of the owner of `token_account`.
    #[inline(always)]
    pub fn push(&mut self, token_account: &AccountView, item: &Amount) -> ProgramResult {
        self.0.push(&token_2022::owner(token_account)?.0)?;
        self.0.push(&{ item.amount }.to_le_bytes())
    }

    /// Emits it with the supply that the mint has now.
    #[inline(always)]
    pub fn emit(mut self, mint: &AccountView, event_authority: &AccountView) -> ProgramResult {
        let supply = token_2022::supply(mint)?.to_le_bytes();
        let time = Clock::get()?.unix_timestamp.to_le_bytes();
        self.0.overwrite(SUPPLY, &supply)?;
        self.0.overwrite(TIME, &time)?;
        emit_event(PROGRAM_ID, event_authority, EVENT_AUTHORITY_BUMP, self.0.as_slice())
    }
}
