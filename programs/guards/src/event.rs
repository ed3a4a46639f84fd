//! Events by self-CPI in Anchor's `emit_cpi` layout: logs can be flooded by anyone, inner instructions cannot.
use pinocchio::{
    cpi::{invoke_signed, Seed, Signer},
    instruction::{InstructionAccount, InstructionView},
    AccountView, Address, ProgramResult,
};

use crate::{account::require_signer, require_address};

/// What an event's instruction data begins with: Anchor's `EVENT_IX_TAG`, little-endian.
pub const EVENT_TAG: [u8; 8] = 0x1d9a_cb51_2ea5_45e4_u64.to_le_bytes();

/// Seed of the account in whose name a program calls itself.
pub const EVENT_AUTHORITY_SEED: &[u8] = b"__event_authority";

/// Emits `data` (tag, event discriminator, Borsh fields) as an inner instruction of the program `own` to itself.
///
/// `authority` needs no check before: the runtime refuses an account whose seeds do not sign. The program's own account must be among
/// the instruction's accounts, or the runtime does not find whom to call.
#[inline(always)]
pub fn emit_event(own: &Address, authority: &AccountView, bump: u8, data: &[u8]) -> ProgramResult {
    let bump = [bump];
    let seeds = [Seed::from(EVENT_AUTHORITY_SEED), Seed::from(&bump)];
    let accounts = [InstructionAccount::readonly_signer(authority.address())];
    let instruction = InstructionView {
        program_id: own,
        accounts: &accounts,
        data,
    };
    invoke_signed(&instruction, &[authority], &[Signer::from(&seeds)])
}

/// What the program does when it receives its own event: nothing, but only from itself.
#[inline(always)]
pub fn require_event_authority<E: Into<u32> + Copy>(
    authority: &AccountView,
    address: &[u8; 32],
    error: E,
) -> ProgramResult {
    require_address(authority, address, error)?;
    require_signer(authority, error)
}
