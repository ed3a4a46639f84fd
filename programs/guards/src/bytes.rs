//! Instruction data while it is put together, on the stack.
use pinocchio::{error::ProgramError, ProgramResult};

use crate::{refused, Refusal};

/// At most `N` bytes; more than fit is a `MathOverflow`.
pub struct Bytes<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

impl<const N: usize> Bytes<N> {
    /// No bytes yet.
    #[inline(always)]
    #[allow(clippy::new_without_default)] // a default would be a second way to say the same
    pub const fn new() -> Self {
        Self { bytes: [0; N], length: 0 }
    }

    /// Appends bytes.
    #[inline(always)]
    pub fn push(&mut self, bytes: &[u8]) -> ProgramResult {
        let end = self.length.wrapping_add(bytes.len());
        place(&mut self.bytes, self.length..end)?.copy_from_slice(bytes);
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
        let end = at.wrapping_add(bytes.len());
        place(&mut self.bytes, at..end)?.copy_from_slice(bytes);
        Ok(())
    }

    /// What was put together.
    #[inline(always)]
    pub fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or(&[])
    }
}

/// The bytes in this range.
#[inline(always)]
fn place(bytes: &mut [u8], range: core::ops::Range<usize>) -> Result<&mut [u8], ProgramError> {
    bytes.get_mut(range).ok_or_else(|| refused(Refusal::MathOverflow))
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
    fn what_does_not_fit_is_refused_and_changes_nothing() {
        let mut bytes = Bytes::<2>::new();
        bytes.push(&[1]).unwrap();
        assert!(bytes.push(&[2, 3]).is_err());
        assert_eq!(bytes.as_slice(), [1]);
    }
}
