//! What the Ed25519 precompile has verified, read so that nobody can make program and precompile look at different bytes.
//!
//! The rules: this program runs at top level (a wrapper could show genuine bytes there and hand over forged ones by CPI); the
//! instruction at the sysvar's current index is this very one; the Ed25519 instruction stands directly before it; of each entry all
//! seven offset fields are exactly those of a place in *this* instruction's data; and what is read is the sysvar's copy.
use pinocchio::{error::ProgramError, sysvars::instructions::INSTRUCTIONS_ID, AccountView, Address};

use crate::{refused, require, Refusal};

/// Ed25519SigVerify111111111111111111111111111
pub const ED25519_PROGRAM: Address = Address::new_from_array([
    3, 125, 70, 214, 124, 147, 251, 190, 18, 249, 66, 143, 131, 141, 64, 255, 5, 112, 116, 73, 39, 244, 138, 100, 252, 202, 112, 68, 128,
    0, 0, 0,
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
    pub fn open(sysvar: &'a AccountView, own: &Address, data: &[u8]) -> Result<Self, ProgramError> {
        require(stack_height() == TOP_LEVEL, Refusal::NotTopLevel)?;
        require(sysvar.address() == &INSTRUCTIONS_ID, Refusal::WrongAddress)?;
        // SAFETY: no program can write the instructions sysvar, so nothing borrows it mutably.
        Self::read(unsafe { sysvar.borrow_unchecked() }, own, data)
    }

    #[inline(always)]
    fn read(sysvar: &'a [u8], own: &Address, data: &[u8]) -> Result<Self, ProgramError> {
        let index = sysvar.last_chunk::<2>().map_or(0, |i| u16::from_le_bytes(*i));
        let (program, own_data) = instruction_at(sysvar, index).ok_or_else(|| refused(Refusal::NotTopLevel))?;
        require(program == own.as_array() && own_data == data, Refusal::NotTopLevel)?;
        let (program, checks) = index
            .checked_sub(1)
            .and_then(|before| instruction_at(sysvar, before))
            .ok_or_else(|| refused(Refusal::SignatureCheckMissing))?;
        require(program == ED25519_PROGRAM.as_array(), Refusal::SignatureCheckMissing)?;
        let entries = entries_in(checks).ok_or_else(|| refused(Refusal::SignatureCheckMismatch))?;
        Ok(Self { own_index: index, own_data, entries })
    }

    /// How many signatures were verified.
    #[inline(always)]
    pub fn count(&self) -> usize {
        self.entries.len().wrapping_div(ENTRY_LENGTH)
    }

    /// Message and key of entry `index`, all seven of whose fields must name `place` in this instruction.
    #[inline(always)]
    pub fn signed(&self, index: usize, place: Place) -> Result<Signed<'a>, ProgramError> {
        self.find(index, place).ok_or_else(|| refused(Refusal::SignatureCheckMismatch))
    }

    #[inline(always)]
    fn find(&self, index: usize, place: Place) -> Option<Signed<'a>> {
        let entry = self.entries.get(index.checked_mul(ENTRY_LENGTH)?..)?;
        if *entry.first_chunk::<ENTRY_LENGTH>()? != entry_of(place, self.own_index) {
            return None;
        }
        let key = self.own_data.get(usize::from(place.key)..)?.first_chunk::<32>()?;
        let message = self.own_data.get(usize::from(place.message)..)?;
        Some(Signed { message: message.get(..usize::from(place.message_length))?, key })
    }
}

/// The entries of an Ed25519 instruction: count u8, padding u8, then exactly that many.
#[inline(always)]
fn entries_in(data: &[u8]) -> Option<&[u8]> {
    let ([count, padding], entries) = data.split_first_chunk::<HEADER_LENGTH>()?;
    let length = usize::from(*count).checked_mul(ENTRY_LENGTH)?;
    (*padding == 0 && entries.len() == length).then_some(entries)
}

/// The fourteen bytes of an entry whose signature, key and message all lie in instruction `index`.
#[inline(always)]
fn entry_of(place: Place, index: u16) -> [u8; ENTRY_LENGTH] {
    let ([s0, s1], [k0, k1]) = (place.signature.to_le_bytes(), place.key.to_le_bytes());
    let ([m0, m1], [l0, l1]) = (place.message.to_le_bytes(), place.message_length.to_le_bytes());
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
    let offset = offsets.get(usize::from(index).checked_mul(2)?..)?.first_chunk::<2>()?;
    let (accounts, rest) = sysvar.get(usize::from(u16::from_le_bytes(*offset))..)?.split_first_chunk::<2>()?;
    let accounts_length = usize::from(u16::from_le_bytes(*accounts)).checked_mul(33)?;
    let (program, rest) = rest.get(accounts_length..)?.split_first_chunk::<32>()?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    Some((program, rest.get(..usize::from(u16::from_le_bytes(*length)))?))
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

#[cfg(test)]
mod tests {
    extern crate std;
    use std::{vec, vec::Vec};

    use super::*;
    use crate::Code;

    const OWN: Address = Address::new_from_array([5; 32]);
    const PLACE: Place = Place { signature: 72, key: 136, message: 8, message_length: 64 };

    fn own_data() -> Vec<u8> {
        (0..168).collect()
    }

    fn checks(entry: [u8; 14]) -> Vec<u8> {
        [&[1, 0][..], &entry].concat()
    }

    /// The sysvar of a transaction with these instructions (program, data), each with one account, while `current` runs.
    fn sysvar(instructions: &[(Address, Vec<u8>)], current: u16) -> Vec<u8> {
        let mut offsets = (instructions.len() as u16).to_le_bytes().to_vec();
        let mut bodies = Vec::new();
        for (program, data) in instructions {
            let offset = 2 + 2 * instructions.len() + bodies.len();
            offsets.extend((offset as u16).to_le_bytes());
            bodies.extend(1u16.to_le_bytes());
            bodies.extend([0; 33]);
            bodies.extend(program.as_array());
            bodies.extend((data.len() as u16).to_le_bytes());
            bodies.extend(data);
        }
        offsets.extend(bodies);
        offsets.extend(current.to_le_bytes());
        offsets
    }

    fn genuine() -> Vec<u8> {
        let proof = checks(entry_of(PLACE, 1));
        sysvar(&[(ED25519_PROGRAM, proof), (OWN, own_data())], 1)
    }

    fn refusal(sysvar: &[u8]) -> ProgramError {
        let opened = Verified::read(sysvar, &OWN, &own_data());
        opened.and_then(|verified| verified.signed(0, PLACE).map(|_| ())).unwrap_err()
    }

    fn code(error: Refusal) -> ProgramError {
        ProgramError::Custom(error.code())
    }

    #[test]
    fn message_and_key_are_read_from_the_sysvars_copy() {
        let (sysvar, data) = (genuine(), own_data());
        let verified = Verified::read(&sysvar, &OWN, &data).unwrap();
        let signed = verified.signed(0, PLACE).unwrap();
        assert_eq!(verified.count(), 1);
        assert_eq!(signed.message, &data[8..72]);
        assert_eq!(signed.key.as_slice(), &data[136..168]);
    }

    #[test]
    fn each_of_the_seven_fields_must_be_exact() {
        for byte in 0..14 {
            for flip in [1, 0x80] {
                let mut entry = entry_of(PLACE, 1);
                entry[byte] ^= flip;
                let sysvar = sysvar(&[(ED25519_PROGRAM, checks(entry)), (OWN, own_data())], 1);
                assert_eq!(refusal(&sysvar), code(Refusal::SignatureCheckMismatch));
            }
        }
    }

    #[test]
    fn the_count_must_be_that_of_the_entries() {
        for header in [[0, 0], [2, 0], [1, 1]] {
            let proof = [&header[..], &entry_of(PLACE, 1)].concat();
            let sysvar = sysvar(&[(ED25519_PROGRAM, proof), (OWN, own_data())], 1);
            assert_eq!(refusal(&sysvar), code(Refusal::SignatureCheckMismatch));
        }
    }

    #[test]
    fn an_entry_that_does_not_exist_was_not_verified() {
        let (sysvar, data) = (genuine(), own_data());
        let verified = Verified::read(&sysvar, &OWN, &data).unwrap();
        let missing = verified.signed(1, PLACE).unwrap_err();
        assert_eq!(missing, code(Refusal::SignatureCheckMismatch));
    }

    #[test]
    fn a_place_beyond_the_data_is_refused() {
        let beyond = Place { key: 137, ..PLACE };
        let proof = checks(entry_of(beyond, 1));
        let (sysvar, data) = (sysvar(&[(ED25519_PROGRAM, proof), (OWN, own_data())], 1), own_data());
        let verified = Verified::read(&sysvar, &OWN, &data).unwrap();
        assert!(verified.signed(0, beyond).is_err());
    }

    #[test]
    fn the_check_must_stand_directly_before() {
        let proof = checks(entry_of(PLACE, 2));
        let between = sysvar(&[(ED25519_PROGRAM, proof.clone()), (OWN, vec![1]), (OWN, own_data())], 2);
        let first = sysvar(&[(OWN, own_data()), (ED25519_PROGRAM, proof)], 0);
        assert_eq!(refusal(&between), code(Refusal::SignatureCheckMissing));
        assert_eq!(refusal(&first), code(Refusal::SignatureCheckMissing));
    }

    #[test]
    fn the_current_instruction_must_be_this_one() {
        let proof = checks(entry_of(PLACE, 1));
        let other = Address::new_from_array([6; 32]);
        let wrapper = sysvar(&[(ED25519_PROGRAM, proof.clone()), (other, own_data())], 1);
        let mut forged = own_data();
        forged[20] ^= 1;
        let swapped = sysvar(&[(ED25519_PROGRAM, proof), (OWN, forged)], 1);
        assert_eq!(refusal(&wrapper), code(Refusal::NotTopLevel));
        assert_eq!(refusal(&swapped), code(Refusal::NotTopLevel));
    }

    #[test]
    fn a_truncated_sysvar_is_refused_without_a_panic() {
        let (whole, data) = (genuine(), own_data());
        for length in 0..whole.len() {
            let _ = Verified::read(&whole[..length], &OWN, &data);
        }
    }
}
