//! A Merkle mountain range: an append-only list of batches whose every entry can be proven against a few peaks.
//!
//! An entry is H(2 ‖ Merkle root ‖ rule-set hash), an inner node H(1 ‖ left ‖ right); H(0 ‖ …) is a reading inside a batch's tree. The
//! peak of height i counts where bit i of the count is 1. A range of 2^32 entries is one mountain, kept in the last place until the next
//! range begins with H(3 ‖ that mountain ‖ entry) as its first entry: no number of batches closes the door.
use gridtokenx_guards::{refused, sha256};
use gridtokenx_interface::oracle::{OracleError, Roots};
use pinocchio::error::ProgramError;

const INNER: u8 = 1;
const ENTRY: u8 = 2;
const NEXT_RANGE: u8 = 3;

/// Appends a batch and returns its number, from 1.
#[inline(never)]
pub fn append(roots: &mut Roots, merkle_root: &[u8; 32], rule_set_hash: &[u8; 32]) -> Result<u64, ProgramError> {
    let full = || refused(OracleError::RootsFull);
    let number = roots.count.checked_add(1).ok_or_else(full)?;
    let mut entry = node(ENTRY, merkle_root, rule_set_hash);
    // The low 32 bits of the count: how many entries this range holds.
    let held = roots.count as u32;
    if held == 0 && roots.count != 0 {
        entry = node(NEXT_RANGE, roots.peaks.last().ok_or_else(full)?, &entry);
    }
    // The bits that turn from 1 to 0 are the peaks that merge, from the lowest up.
    let (merging, rest) = roots.peaks.split_at_mut_checked(held.trailing_ones() as usize).ok_or_else(full)?;
    let peak = merging.iter().fold(entry, |right, left| node(INNER, left, &right));
    *rest.first_mut().or(merging.last_mut()).ok_or_else(full)? = peak;
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
    fn a_full_range_becomes_one_mountain_and_the_next_range_begins_with_it() {
        let mut roots = Roots::zeroed();
        roots.count = u64::from(u32::MAX);
        for (height, peak) in roots.peaks.iter_mut().enumerate() {
            *peak = [height as u8; 32];
        }
        let whole = roots.peaks.iter().fold(entry(1), |right, left| node(INNER, left, &right));
        assert_eq!(append(&mut roots, &[1; 32], &RULES), Ok(1 << 32));
        assert_eq!(roots.peaks[31], whole);
        assert_eq!(append(&mut roots, &[2; 32], &RULES), Ok((1 << 32) + 1));
        let first = node(NEXT_RANGE, &whole, &entry(2));
        assert_eq!(roots.peaks[0], first);
        assert_eq!(append(&mut roots, &[3; 32], &RULES), Ok((1 << 32) + 2));
        assert_eq!(roots.peaks[1], node(INNER, &first, &entry(3)));
    }

    #[test]
    fn a_count_at_the_end_of_its_64_bits_is_refused_and_unchanged() {
        let mut full = Roots::zeroed();
        full.count = u64::MAX;
        assert_eq!(append(&mut full, &[1; 32], &RULES), Err(refused(OracleError::RootsFull)));
        assert_eq!(full.count, u64::MAX);
    }
}
