//! What an account handed in must be before anything is written.
use gridtokenx_interface::{
    layout::Account,
    wire::{OPTIONAL, SIGNER, WRITABLE},
};
use pinocchio::{error::ProgramError, AccountView, Address, ProgramResult};

use crate::{key, refused, require, Key, Refusal};

/// The account has signed this transaction, or its program has signed for it.
#[inline(always)]
pub fn require_signer(account: &AccountView) -> ProgramResult {
    require(account.is_signer(), Refusal::MissingSigner)
}

/// The account may be written by this instruction.
#[inline(always)]
pub fn require_writable(account: &AccountView) -> ProgramResult {
    require(account.is_writable(), Refusal::AccountNotWritable)
}

/// Each account signs and is writable as the interface's flags ask; there may be more accounts than flags, not fewer.
#[inline(always)]
pub fn require_flags(accounts: &[AccountView], flags: &[u8]) -> ProgramResult {
    require(accounts.len() >= flags.len(), Refusal::MissingAccount)?;
    for (account, flag) in accounts.iter().zip(flags) {
        if flag & OPTIONAL != 0 {
            continue;
        }
        if flag & SIGNER != 0 {
            require_signer(account)?;
        }
        if flag & WRITABLE != 0 {
            require_writable(account)?;
        }
    }
    Ok(())
}

/// Enough accounts; each signs, is writable and lies at the address as the interface's flags and pins ask.
#[inline(always)]
pub fn require_accounts(accounts: &[AccountView], flags: &[u8], pinned: &[Option<Key>]) -> ProgramResult {
    require_flags(accounts, flags)?;
    for (account, pin) in accounts.iter().zip(pinned) {
        if let Some(pin) = pin {
            require_address(account, pin)?;
        }
    }
    Ok(())
}

/// The account belongs to `program`.
#[inline(always)]
pub fn require_owner(account: &AccountView, program: &Address) -> ProgramResult {
    require(account.owned_by(program), Refusal::WrongAccountOwner)
}

/// The account has exactly this address.
#[inline(always)]
pub fn require_address(account: &AccountView, address: &Key) -> ProgramResult {
    require(account.address() == crate::address(address), Refusal::WrongAddress)
}

/// Two roles are played by two accounts.
#[inline(always)]
pub fn require_distinct(one: &AccountView, other: &AccountView) -> ProgramResult {
    require(one.address() != other.address(), Refusal::DuplicateAccount)
}

/// The account is at `address` and holds a `T` of `program`, which may be read.
#[inline(always)]
pub fn load<'a, T: Account>(account: &'a AccountView, program: &Address) -> Result<&'a T, ProgramError> {
    require_owner(account, program)?;
    // SAFETY: the programs read and write accounts through `load` and `load_mut` alone, `load_mut` borrows the view exclusively, and
    // accounts of one type passed twice are refused by their address before one of them is written.
    let bytes = unsafe { account.borrow_unchecked() };
    T::load(bytes).ok_or_else(|| refused(Refusal::WrongAccountType))
}

/// As `load`, for writing: the account must be writable too.
#[inline(always)]
pub fn load_mut<'a, T: Account>(account: &'a mut AccountView, program: &Address) -> Result<&'a mut T, ProgramError> {
    require_owner(account, program)?;
    require_writable(account)?;
    // SAFETY: as in `load`, and the view is borrowed exclusively.
    let bytes = unsafe { account.borrow_unchecked_mut() };
    T::load_mut(bytes).ok_or_else(|| refused(Refusal::WrongAccountType))
}

/// The key of a signer who must be `expected`; a role without a key refuses everybody.
#[inline(always)]
pub fn require_role<E: crate::Code>(account: &AccountView, expected: &Key, error: E) -> ProgramResult {
    require_signer(account)?;
    require(!expected.is_none(), Refusal::RoleUnset)?;
    require(key(account.address()) == expected, error)
}
