//! A Merkle mountain range: an append-only list of batches whose every entry can be proven against a few peaks.
//!
//! An entry is H(2 ‖ Merkle root ‖ rule-set hash), an inner node H(1 ‖ left ‖ right); H(0 ‖ …) is a reading inside a batch's tree. The
//! peak of height i counts where bit i of the count is 1.
use gridtokenx_guards::{refused, sha256};
use gridtokenx_interface::oracle::{OracleError, Roots};
use pinocchio::error::ProgramError;

const INNER: u8 = 1;
const ENTRY: u8 = 2;

/// Appends a batch and returns its number, from 1.
#[inline(never)]
pub fn append(roots: &mut Roots, merkle_root: &[u8; 32], rule_set_hash: &[u8; 32]) -> Result<u64, ProgramError> {
    let full = || refused(OracleError::RootsFull);
    let number = roots.count.checked_add(1).ok_or_else(full)?;
    // The bits that turn from 1 to 0 are the peaks that merge, from the lowest up.
    let height = roots.count.trailing_ones() as usize;
    let (merging, rest) = roots.peaks.split_at_mut_checked(height).ok_or_else(full)?;
    let place = rest.first_mut().ok_or_else(full)?;
    let entry = node(ENTRY, merkle_root, rule_set_hash);
    *place = merging.iter().fold(entry, |right, left| node(INNER, left, &right));
    roots.count = number;
    Ok(number)
}

/// H(tag ‖ left ‖ right).
#[inline(always)]
fn node(tag: u8, left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    let mut preimage = [tag; 65];
    let (_, pair) = preimage.split_at_mut(1);
    let (first, second) = pair.split_at_mut(32);
    first.copy_from_slice(left);
    second.copy_from_slice(right);
    sha256(&preimage)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: [u8; 32] = [9; 32];

    fn entry(root: u8) -> [u8; 32] {
        node(ENTRY, &[root; 32], &RULES)
    }

    fn range(roots: &[u8]) -> Roots {
        let mut range = Roots::zeroed();
        for root in roots {
            append(&mut range, &[*root; 32], &RULES).unwrap();
        }
        range
    }

    #[test]
    fn the_first_batch_is_its_own_peak() {
        let range = range(&[1]);
        assert_eq!((range.count, range.peaks[0]), (1, entry(1)));
    }

    #[test]
    fn two_batches_merge_and_a_third_stands_alone() {
        let range = range(&[1, 2, 3]);
        assert_eq!(range.peaks[1], node(INNER, &entry(1), &entry(2)));
        assert_eq!(range.peaks[0], entry(3));
    }

    #[test]
    fn four_batches_are_one_mountain() {
        let (one, two) = (node(INNER, &entry(1), &entry(2)), node(INNER, &entry(3), &entry(4)));
        assert_eq!(range(&[1, 2, 3, 4]).peaks[2], node(INNER, &one, &two));
    }

    #[test]
    fn another_rule_set_gives_another_entry() {
        let mut other = Roots::zeroed();
        append(&mut other, &[1; 32], &[8; 32]).unwrap();
        assert_ne!(other.peaks[0], entry(1));
    }

    #[test]
    fn a_full_range_is_refused_and_unchanged() {
        let mut full = Roots::zeroed();
        full.count = u64::from(u32::MAX);
        assert_eq!(append(&mut full, &[1; 32], &RULES), Err(refused(OracleError::RootsFull)));
        assert_eq!(full.count, u64::from(u32::MAX));
    }
}
