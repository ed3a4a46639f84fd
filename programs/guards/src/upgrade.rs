//! Who may upgrade a program, and therefore initialise it.
use pinocchio::{error::ProgramError, AccountView, Address};

use crate::{refused, require, require_owner};

/// BPFLoaderUpgradeab1e11111111111111111111111
pub const LOADER: Address = Address::new_from_array([
    2, 168, 246, 145, 78, 136, 161, 176, 226, 16, 21, 62, 247, 99, 174, 43, 0, 194, 185, 61, 22,
    193, 36, 210, 192, 83, 122, 16, 4, 128, 0, 0,
]);

/// First field of a ProgramData account: the variant of the loader's state.
const PROGRAM_DATA: [u8; 4] = 3u32.to_le_bytes();

/// The upgrade authority of `program`, read from its ProgramData account; a program made immutable has none and is refused.
#[inline(never)]
pub fn upgrade_authority<E: Into<u32> + Copy>(
    program_data: &AccountView,
    program: &Address,
    error: E,
) -> Result<[u8; 32], ProgramError> {
    let (address, _) = Address::find_program_address(&[program.as_ref()], &LOADER);
    require(program_data.address() == &address, error)?;
    require_owner(program_data, &LOADER, error)?;
    // SAFETY: no program here writes or mutably borrows a ProgramData account.
    let bytes = unsafe { program_data.borrow_unchecked() };
    authority_in(bytes).ok_or_else(|| refused(error))
}

/// Layout: variant u32, slot u64, presence u8, authority 32 bytes.
fn authority_in(bytes: &[u8]) -> Option<[u8; 32]> {
    let (variant, rest) = bytes.split_first_chunk::<4>()?;
    let (_slot, rest) = rest.split_first_chunk::<8>()?;
    let (presence, rest) = rest.split_first()?;
    let (authority, _) = rest.split_first_chunk::<32>()?;
    (*variant == PROGRAM_DATA && *presence == 1).then_some(*authority)
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec::Vec;

    use super::authority_in;

    fn program_data(variant: u32, presence: u8) -> Vec<u8> {
        let mut bytes = variant.to_le_bytes().to_vec();
        bytes.extend([9; 8]);
        bytes.push(presence);
        bytes.extend([7; 32]);
        bytes.extend([0; 16]);
        bytes
    }

    #[test]
    fn the_authority_of_an_upgradeable_program_is_read() {
        assert_eq!(authority_in(&program_data(3, 1)), Some([7; 32]));
    }

    #[test]
    fn an_immutable_program_has_no_authority() {
        assert_eq!(authority_in(&program_data(3, 0)), None);
    }

    #[test]
    fn a_buffer_or_program_account_is_not_program_data() {
        assert_eq!(authority_in(&program_data(1, 1)), None);
        assert_eq!(authority_in(&program_data(2, 1)), None);
        assert_eq!(authority_in(&[3, 0, 0, 0]), None);
    }
}
