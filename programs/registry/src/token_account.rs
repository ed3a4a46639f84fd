//! What a token account says about itself, read before any call could fail because of it.
use gridtokenx_guards::key;
use gridtokenx_interface::{ids, wire::Key};
use pinocchio::AccountView;

/// Length of an account without extensions.
const BASE_LENGTH: usize = 165;
/// Length of a multisig, which has no type byte.
const MULTISIG_LENGTH: usize = 355;
/// Type byte of an account with extensions.
const ACCOUNT_TYPE: u8 = 2;
/// State of an account that is neither frozen nor uninitialised.
const INITIALIZED: u8 = 1;

/// What may be taken from the account by the registry's delegation, base units. None when the account is closed, frozen, of another
/// program, mint or owner: such an account is skipped. A memo is asked of transfers only, so an account that wants memos is fit.
#[inline(always)]
pub fn burnable(account: &AccountView, owner: &Key) -> Option<u64> {
    if key(&account.owner()) != &ids::TOKEN_2022 {
        return None;
    }
    // SAFETY: the program never borrows a token account for writing.
    read(unsafe { account.borrow_unchecked() }, owner)
}

/// Layout: mint 0, owner 32, amount 64, delegate tag 72, delegate 76, state 108, delegated amount 121, type byte 165.
#[inline(always)]
fn read(data: &[u8], owner: &Key) -> Option<u64> {
    let long = data.len() != MULTISIG_LENGTH && data.get(BASE_LENGTH) == Some(&ACCOUNT_TYPE);
    if data.len() != BASE_LENGTH && !long {
        return None;
    }
    let base = data.first_chunk::<BASE_LENGTH>()?;
    let (mint, rest) = base.split_first_chunk::<32>()?;
    let (holder, rest) = rest.split_first_chunk::<32>()?;
    let (amount, rest) = rest.split_first_chunk::<8>()?;
    let (tag, rest) = rest.split_first_chunk::<4>()?;
    let (delegate, rest) = rest.split_first_chunk::<32>()?;
    let (state, rest) = rest.split_first()?;
    let (_native, rest) = rest.split_first_chunk::<12>()?;
    let (delegated, _) = rest.split_first_chunk::<8>()?;
    if Key(*mint) != ids::energy_token::MINT || Key(*holder) != *owner || *state != INITIALIZED {
        return None;
    }
    let ours = u32::from_le_bytes(*tag) == 1 && Key(*delegate) == ids::registry::AUTHORITY;
    Some(if ours { u64::from_le_bytes(*amount).min(u64::from_le_bytes(*delegated)) } else { 0 })
}

/// The supply of a mint, base units; None when the account is no mint.
#[inline(always)]
pub fn supply(mint: &AccountView) -> Option<u64> {
    // SAFETY: the program never borrows the mint for writing.
    let data = unsafe { mint.borrow_unchecked() };
    data.get(36..44)?.first_chunk::<8>().map(|units| u64::from_le_bytes(*units))
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)] // a test may panic
mod tests {
    use super::*;

    const OWNER: Key = Key([7; 32]);

    fn account() -> [u8; BASE_LENGTH] {
        let mut data = [0; BASE_LENGTH];
        data[..32].copy_from_slice(&ids::energy_token::MINT.0);
        data[32..64].copy_from_slice(&OWNER.0);
        data[64..72].copy_from_slice(&500u64.to_le_bytes());
        data[72] = 1;
        data[76..108].copy_from_slice(&ids::registry::AUTHORITY.0);
        data[108] = INITIALIZED;
        data[121..129].copy_from_slice(&300u64.to_le_bytes());
        data
    }

    #[test]
    fn no_more_than_balance_and_allowance_is_burnable() {
        let mut data = account();
        assert_eq!(read(&data, &OWNER), Some(300));
        data[121..129].copy_from_slice(&900u64.to_le_bytes());
        assert_eq!(read(&data, &OWNER), Some(500));
    }

    #[test]
    fn a_revoked_or_foreign_delegation_burns_nothing() {
        let mut revoked = account();
        revoked[72] = 0;
        let mut foreign = account();
        foreign[76] ^= 1;
        assert_eq!((read(&revoked, &OWNER), read(&foreign, &OWNER)), (Some(0), Some(0)));
    }

    #[test]
    fn a_frozen_foreign_or_closed_account_is_unfit() {
        for at in [0, 32, 108] {
            let mut data = account();
            data[at] ^= 2;
            assert_eq!(read(&data, &OWNER), None);
        }
        assert_eq!(read(&[], &OWNER), None);
        assert_eq!(read(&account()[..164], &OWNER), None);
    }

    #[test]
    fn a_mint_or_multisig_that_looks_like_an_account_is_unfit() {
        let mut mint = [0; 180];
        mint[..BASE_LENGTH].copy_from_slice(&account());
        mint[BASE_LENGTH] = 1;
        assert_eq!(read(&mint, &OWNER), None);
        mint[BASE_LENGTH] = ACCOUNT_TYPE;
        assert_eq!(read(&mint, &OWNER), Some(300));
        let mut multisig = [ACCOUNT_TYPE; MULTISIG_LENGTH];
        multisig[..BASE_LENGTH].copy_from_slice(&account());
        assert_eq!(read(&multisig, &OWNER), None);
    }
}
