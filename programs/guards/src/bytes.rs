//! Instruction data while it is put together, on the stack.
use core::mem::MaybeUninit;

use pinocchio::ProgramResult;

use crate::{refused, require, Refusal};

/// At most `N` bytes; more than fit is a `MathOverflow`. What was not appended yet is not initialised: zeroing it would cost more
/// than all that is done with it.
pub struct Bytes<const N: usize> {
    bytes: MaybeUninit<[u8; N]>,
    length: usize,
}

impl<const N: usize> Bytes<N> {
    /// No bytes yet.
    #[inline(always)]
    #[allow(clippy::new_without_default)] // a default would be a second way to say the same
    pub const fn new() -> Self {
        Self { bytes: MaybeUninit::uninit(), length: 0 }
    }

    /// Appends bytes.
    #[inline(always)]
    pub fn push(&mut self, bytes: &[u8]) -> ProgramResult {
        let end = self.length.wrapping_add(bytes.len());
        require(end >= self.length && end <= N, Refusal::MathOverflow)?;
        // SAFETY: the range ends within the array, and a borrowed slice can't overlap it.
        unsafe {
            let place = self.bytes.as_mut_ptr().cast::<u8>().add(self.length);
            core::ptr::copy_nonoverlapping(bytes.as_ptr(), place, bytes.len());
        }
        self.length = end;
        Ok(())
    }

    /// Appends a text as Borsh does: length u32, then its bytes.
    #[inline(always)]
    pub fn push_text(&mut self, text: &[u8]) -> ProgramResult {
        self.push(&(text.len() as u32).to_le_bytes())?;
        self.push(text)
    }

    /// Puts bytes where others were appended before.
    #[inline(always)]
    pub fn overwrite(&mut self, at: usize, bytes: &[u8]) -> ProgramResult {
        let place = self.as_mut_slice().get_mut(at..at.wrapping_add(bytes.len()));
        place.ok_or_else(|| refused(Refusal::MathOverflow))?.copy_from_slice(bytes);
        Ok(())
    }

    /// What was put together.
    #[inline(always)]
    pub fn as_slice(&self) -> &[u8] {
        // SAFETY: `push` has written the first `length` bytes.
        unsafe { core::slice::from_raw_parts(self.bytes.as_ptr().cast(), self.length) }
    }

    #[inline(always)]
    fn as_mut_slice(&mut self) -> &mut [u8] {
        // SAFETY: as in `as_slice`, and the borrow is exclusive.
        unsafe { core::slice::from_raw_parts_mut(self.bytes.as_mut_ptr().cast(), self.length) }
    }
}

#[cfg(test)]
mod tests {
    use super::Bytes;

    #[test]
    fn bytes_and_texts_follow_each_other() {
        let mut bytes = Bytes::<8>::new();
        bytes.push(&[1, 2]).unwrap();
        bytes.push_text(b"ab").unwrap();
        bytes.overwrite(1, &[9]).unwrap();
        assert_eq!(bytes.as_slice(), [1, 9, 2, 0, 0, 0, b'a', b'b']);
    }

    #[test]
    fn only_what_was_appended_can_be_overwritten() {
        let mut bytes = Bytes::<4>::new();
        bytes.push(&[1]).unwrap();
        assert!(bytes.overwrite(1, &[2]).is_err());
        assert!(bytes.overwrite(usize::MAX, &[2]).is_err());
        assert_eq!(bytes.as_slice(), [1]);
    }

    #[test]
    fn what_does_not_fit_is_refused_and_changes_nothing() {
        let mut bytes = Bytes::<2>::new();
        bytes.push(&[1]).unwrap();
        assert!(bytes.push(&[2, 3]).is_err());
        assert_eq!(bytes.as_slice(), [1]);
    }
}
