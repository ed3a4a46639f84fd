//! Events by self-CPI in Anchor's `emit_cpi` layout: logs can be flooded by anyone, inner instructions cannot.
use gridtokenx_interface::{seeds::EVENT_AUTHORITY, EVENT_TAG};
use pinocchio::{
    cpi::{invoke_signed, Seed, Signer},
    error::ProgramError,
    instruction::{InstructionAccount, InstructionView},
    AccountView, Address, ProgramResult,
};

use crate::{bytes::Bytes, refused, require_address, require_signer, Key, Refusal};

/// Emits `data` (tag, event discriminator, Borsh fields) as an inner instruction of the program `own` to itself.
///
/// `authority` needs no check before: the runtime refuses an account whose seeds do not sign. The program's own account must be among
/// the instruction's accounts, or the runtime does not find whom to call.
#[inline(always)]
pub fn emit_event(own: &Address, authority: &AccountView, bump: u8, data: &[u8]) -> ProgramResult {
    let bump = [bump];
    let seeds = [Seed::from(EVENT_AUTHORITY), Seed::from(&bump)];
    let accounts = [InstructionAccount::readonly_signer(authority.address())];
    let instruction = InstructionView { program_id: own, accounts: &accounts, data };
    invoke_signed(&instruction, &[authority], &[Signer::from(&seeds)])
}

/// What a program does with its own event: nothing, but from itself alone.
#[inline(always)]
pub fn require_event_authority(accounts: &[AccountView], address: &Key) -> ProgramResult {
    let authority = accounts.first().ok_or_else(|| refused(Refusal::MissingAccount))?;
    require_address(authority, address)?;
    require_signer(authority)
}

/// The instruction data of an event that gets its fields next: tag and discriminator, at most `N` bytes in all.
#[inline(always)]
pub fn event<const N: usize>(discriminator: &[u8; 8]) -> Result<Bytes<N>, ProgramError> {
    let mut data = Bytes::new();
    begin_event(&mut data, discriminator)?;
    Ok(data)
}

/// Tag and discriminator, in place: a long event is not moved around.
#[inline(always)]
pub fn begin_event<const N: usize>(data: &mut Bytes<N>, discriminator: &[u8; 8]) -> ProgramResult {
    data.push(&EVENT_TAG)?;
    data.push(discriminator)
}
