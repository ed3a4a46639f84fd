//! Who attests.
use gridtokenx_guards::{key, require, require_distinct, require_signer, Key};
use gridtokenx_interface::oracle::{Config, OracleError, MAX_THRESHOLD};
use pinocchio::{AccountView, ProgramResult};

/// Whether this key is one of the attesters; an unused place is nobody.
#[inline(always)]
pub fn is_attester(config: &Config, candidate: &Key) -> bool {
    let used = config.attesters.get(..usize::from(config.attester_count)).unwrap_or(&[]);
    !candidate.is_none() && used.iter().any(|attester| attester == candidate)
}

/// All of these sign, are attesters and differ, and there are as many as the threshold asks for.
#[inline(always)]
pub fn require_attested(config: &Config, signers: &[AccountView]) -> ProgramResult {
    let enough = config.threshold != 0 && signers.len() >= usize::from(config.threshold);
    require(enough, OracleError::NotEnoughAttesters)?;
    let mut before: &[AccountView] = &[];
    for (position, signer) in signers.iter().enumerate() {
        require_signer(signer)?;
        require(is_attester(config, key(signer.address())), OracleError::NotAttester)?;
        for other in before {
            require_distinct(signer, other)?;
        }
        before = signers.get(..=position).unwrap_or(signers);
    }
    Ok(())
}

/// How many attesters this list holds: at least one, all different, the unused places at the end; none otherwise.
pub fn count(attesters: &[Key]) -> Option<u8> {
    let used = attesters.iter().position(Key::is_none).unwrap_or(attesters.len());
    let (names, unused) = attesters.split_at_checked(used)?;
    let mut rest = names;
    while let Some((name, others)) = rest.split_first() {
        if others.contains(name) {
            return None;
        }
        rest = others;
    }
    let sound = !names.is_empty() && unused.iter().all(Key::is_none);
    sound.then_some(used as u8)
}

/// Whether this threshold fits so many attesters.
pub fn fits(threshold: u8, count: u8) -> bool {
    threshold >= 1 && threshold <= count && threshold <= MAX_THRESHOLD
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Key = Key([1; 32]);
    const B: Key = Key([2; 32]);

    #[test]
    fn attesters_are_counted_up_to_the_first_unused_place() {
        assert_eq!(count(&[A, B, Key::NONE, Key::NONE]), Some(2));
        assert_eq!(count(&[A, B]), Some(2));
    }

    #[test]
    fn an_empty_a_repeated_and_a_gappy_list_are_refused() {
        assert_eq!(count(&[Key::NONE, Key::NONE]), None);
        assert_eq!(count(&[A, B, A]), None);
        assert_eq!(count(&[A, Key::NONE, B]), None);
    }

    #[test]
    fn a_threshold_lies_between_one_and_the_count_and_three() {
        assert!(fits(1, 1) && fits(3, 8));
        assert!(!fits(0, 3) && !fits(2, 1) && !fits(4, 8));
    }

    #[test]
    fn nobody_is_an_attester_while_none_is_set() {
        let config = Config::zeroed();
        assert!(!is_attester(&config, &Key::NONE));
        assert!(!is_attester(&config, &A));
    }

    #[test]
    fn a_place_beyond_the_count_is_not_an_attester() {
        let mut config = Config::zeroed();
        (config.attesters[0], config.attesters[1]) = (A, B);
        config.attester_count = 1;
        assert!(is_attester(&config, &A));
        assert!(!is_attester(&config, &B));
    }
}
