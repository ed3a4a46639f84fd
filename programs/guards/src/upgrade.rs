//! Who may upgrade a program, and therefore initialise it.
use pinocchio::{AccountView, Address, ProgramResult};

use crate::{key, require, require_address, require_owner, require_signer, Key, Refusal};

/// BPFLoaderUpgradeab1e11111111111111111111111
pub const LOADER: Address = Address::new_from_array([
    2, 168, 246, 145, 78, 136, 161, 176, 226, 16, 21, 62, 247, 99, 174, 43, 0, 194, 185, 61, 22, 193, 36, 210, 192, 83, 122, 16, 4, 128, 0,
    0,
]);

/// First field of a ProgramData account: the variant of the loader's state.
const PROGRAM_DATA: [u8; 4] = 3u32.to_le_bytes();

/// The signer is the program's upgrade authority, as its ProgramData account (at `address`) says; an immutable program has none.
#[inline(never)]
pub fn require_upgrade_authority(signer: &AccountView, program_data: &AccountView, address: &Key) -> ProgramResult {
    require_signer(signer)?;
    require_address(program_data, address)?;
    require_owner(program_data, &LOADER)?;
    // SAFETY: no program here writes or mutably borrows a ProgramData account.
    let authority = authority_in(unsafe { program_data.borrow_unchecked() });
    require(authority.as_ref() == Some(key(signer.address())), Refusal::NotUpgradeAuthority)
}

/// Layout: variant u32, slot u64, presence u8, authority 32 bytes.
fn authority_in(bytes: &[u8]) -> Option<Key> {
    let (variant, rest) = bytes.split_first_chunk::<4>()?;
    let (_slot, rest) = rest.split_first_chunk::<8>()?;
    let (presence, rest) = rest.split_first()?;
    let (authority, _) = rest.split_first_chunk::<32>()?;
    (*variant == PROGRAM_DATA && *presence == 1).then_some(Key(*authority))
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec::Vec;

    use super::{authority_in, Key};

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
        assert_eq!(authority_in(&program_data(3, 1)), Some(Key([7; 32])));
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
