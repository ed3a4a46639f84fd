//! Texts in instruction data: length u32, then UTF-8.
use gridtokenx_guards::{refused, require};
use gridtokenx_interface::energy_token::EnergyTokenError;
use pinocchio::error::ProgramError;

/// Takes a text of at most `longest` bytes off the front of `data`.
#[inline(never)]
pub fn take<'a>(data: &mut &'a [u8], longest: usize) -> Result<&'a [u8], ProgramError> {
    let malformed = || refused(EnergyTokenError::MalformedInstruction);
    let (length, rest) = data.split_first_chunk::<4>().ok_or_else(malformed)?;
    let length = u32::from_le_bytes(*length) as usize;
    require(length <= longest, EnergyTokenError::TextTooLong)?;
    let (text, rest) = rest.split_at_checked(length).ok_or_else(malformed)?;
    require(core::str::from_utf8(text).is_ok(), EnergyTokenError::TextTooLong)?;
    *data = rest;
    Ok(text)
}

/// Nothing follows the last argument.
#[inline(always)]
pub fn require_end(data: &[u8]) -> Result<(), ProgramError> {
    require(data.is_empty(), EnergyTokenError::MalformedInstruction)
}

#[cfg(test)]
mod tests {
    use super::{refused, take, EnergyTokenError};

    #[test]
    fn a_text_is_taken_and_the_rest_stays() {
        let mut data: &[u8] = &[2, 0, 0, 0, b'h', b'i', 7];
        assert_eq!(take(&mut data, 2), Ok(&b"hi"[..]));
        assert_eq!(data, [7]);
    }

    #[test]
    fn a_text_longer_than_its_field_is_refused() {
        let mut data: &[u8] = &[3, 0, 0, 0, b'a', b'b', b'c'];
        assert_eq!(take(&mut data, 2), Err(refused(EnergyTokenError::TextTooLong)));
    }

    #[test]
    fn a_text_that_is_not_utf8_is_refused() {
        let mut data: &[u8] = &[1, 0, 0, 0, 0xff];
        assert_eq!(take(&mut data, 2), Err(refused(EnergyTokenError::TextTooLong)));
    }

    #[test]
    fn a_length_beyond_the_data_is_refused() {
        let mut data: &[u8] = &[4, 0, 0, 0, b'a'];
        assert_eq!(take(&mut data, 9), Err(refused(EnergyTokenError::MalformedInstruction)));
    }
}
