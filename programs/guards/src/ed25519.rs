//! What the Ed25519 precompile has verified, read so that nobody can make program and precompile look at different bytes.
//!
//! The rules: this program runs at top level (a wrapper could show genuine bytes there and hand over forged ones by CPI); the
//! instruction at the sysvar's current index is this very one; the Ed25519 instruction stands directly before it; of each entry all
//! seven offset fields are exactly those of a place in *this* instruction's data; and what is read is the sysvar's copy.
use pinocchio::{
    error::ProgramError, sysvars::instructions::INSTRUCTIONS_ID, AccountView, Address,
};

use crate::{refused, require, require_address};

/// Ed25519SigVerify111111111111111111111111111
pub const ED25519_PROGRAM: Address = Address::new_from_array([
    3, 125, 70, 214, 124, 147, 251, 190, 18, 249, 66, 143, 131, 141, 64, 255, 5, 112, 116, 73, 39,
    244, 138, 100, 252, 202, 112, 68, 128, 0, 0, 0,
]);

/// Count and padding in front of the entries.
const HEADER_LENGTH: usize = 2;
/// Seven u16 fields.
const ENTRY_LENGTH: usize = 14;
/// The stack height of an instruction of the transaction itself.
const TOP_LEVEL: u64 = 1;

/// Where one signed message lies in this instruction's data, in bytes from its start (the discriminator included).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Start of the 64 signature bytes.
    pub signature: u16,
    /// Start of the 32 key bytes.
    pub key: u16,
    /// Start of the message.
    pub message: u16,
    /// Length of the message.
    pub message_length: u16,
}

/// What an entry of the Ed25519 instruction was checked against: who signed what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signed<'a> {
    /// The signed bytes.
    pub message: &'a [u8],
    /// The key that signed them.
    pub key: &'a [u8; 32],
}

/// The signatures that were verified for this instruction.
#[derive(Debug)]
pub struct Verified<'a> {
    own_index: u16,
    own_data: &'a [u8],
    entries: &'a [u8],
}

impl<'a> Verified<'a> {
    /// Opens the instructions sysvar for the running instruction `data` (whole, discriminator included) of the program `own`.
    #[inline(always)]
    pub fn open<E: Into<u32> + Copy>(
        sysvar: &'a AccountView,
        own: &Address,
        data: &[u8],
        error: E,
    ) -> Result<Self, ProgramError> {
        require(stack_height() == TOP_LEVEL, error)?;
        require_address(sysvar, INSTRUCTIONS_ID.as_array(), error)?;
        // SAFETY: no program can write the instructions sysvar, so nothing borrows it mutably.
        let bytes = unsafe { sysvar.borrow_unchecked() };
        Self::read(bytes, own, data).ok_or_else(|| refused(error))
    }

    #[inline(always)]
    fn read(sysvar: &'a [u8], own: &Address, data: &[u8]) -> Option<Self> {
        let own_index = u16::from_le_bytes(*sysvar.last_chunk::<2>()?);
        let (program, own_data) = instruction_at(sysvar, own_index)?;
        if program != own.as_array() || own_data != data {
            return None;
        }
        let (program, proof) = instruction_at(sysvar, own_index.checked_sub(1)?)?;
        let (header, entries) = proof.split_first_chunk::<HEADER_LENGTH>()?;
        let whole = usize::from(header[0]).checked_mul(ENTRY_LENGTH)? == entries.len();
        if program != ED25519_PROGRAM.as_array() || header[1] != 0 || !whole {
            return None;
        }
        Some(Self {
            own_index,
            own_data,
            entries,
        })
    }

    /// How many signatures were verified.
    #[inline(always)]
    pub fn count(&self) -> usize {
        self.entries.len().wrapping_div(ENTRY_LENGTH)
    }

    /// Message and key of entry `index`, all seven of whose fields must name `place` in this instruction.
    #[inline(always)]
    pub fn signed<E: Into<u32> + Copy>(
        &self,
        index: usize,
        place: Place,
        error: E,
    ) -> Result<Signed<'a>, ProgramError> {
        self.find(index, place).ok_or_else(|| refused(error))
    }

    #[inline(always)]
    fn find(&self, index: usize, place: Place) -> Option<Signed<'a>> {
        let entry = self.entries.get(index.checked_mul(ENTRY_LENGTH)?..)?;
        if *entry.first_chunk::<ENTRY_LENGTH>()? != entry_of(place, self.own_index) {
            return None;
        }
        let key = self
            .own_data
            .get(usize::from(place.key)..)?
            .first_chunk::<32>()?;
        let message = self.own_data.get(usize::from(place.message)..)?;
        Some(Signed {
            message: message.get(..usize::from(place.message_length))?,
            key,
        })
    }
}

/// The fourteen bytes of an entry whose signature, key and message all lie in instruction `index`.
#[inline(always)]
fn entry_of(place: Place, index: u16) -> [u8; ENTRY_LENGTH] {
    let ([s0, s1], [k0, k1]) = (place.signature.to_le_bytes(), place.key.to_le_bytes());
    let ([m0, m1], [l0, l1]) = (
        place.message.to_le_bytes(),
        place.message_length.to_le_bytes(),
    );
    let [i0, i1] = index.to_le_bytes();
    [s0, s1, i0, i1, k0, k1, i0, i1, m0, m1, l0, l1, i0, i1]
}

/// Program id and data of an instruction in the sysvar: count u16, offsets u16 each; at the offset: account count u16, accounts
/// of 33 bytes, program id 32 bytes, data length u16, data.
#[inline(always)]
fn instruction_at(sysvar: &[u8], index: u16) -> Option<(&[u8; 32], &[u8])> {
    let (count, offsets) = sysvar.split_first_chunk::<2>()?;
    if index >= u16::from_le_bytes(*count) {
        return None;
    }
    let offset = offsets
        .get(usize::from(index).checked_mul(2)?..)?
        .first_chunk::<2>()?;
    let (accounts, rest) = sysvar
        .get(usize::from(u16::from_le_bytes(*offset))..)?
        .split_first_chunk::<2>()?;
    let accounts_length = usize::from(u16::from_le_bytes(*accounts)).checked_mul(33)?;
    let (program, rest) = rest.get(accounts_length..)?.split_first_chunk::<32>()?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    Some((
        program,
        rest.get(..usize::from(u16::from_le_bytes(*length)))?,
    ))
}

#[cfg(any(target_os = "solana", target_arch = "bpf"))]
#[inline(always)]
fn stack_height() -> u64 {
    // SAFETY: the system call takes no arguments and has no effect.
    unsafe { pinocchio::syscalls::sol_get_stack_height() }
}

/// Host tests call instructions directly, as a transaction does.
#[cfg(not(any(target_os = "solana", target_arch = "bpf")))]
fn stack_height() -> u64 {
    TOP_LEVEL
}
