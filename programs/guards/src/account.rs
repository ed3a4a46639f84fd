//! What an account handed in must be before anything is written.
use pinocchio::{error::ProgramError, AccountView, Address, ProgramResult};

use crate::{refused, require};

/// The account has signed this transaction, or its program has signed for it.
#[inline(always)]
pub fn require_signer<E: Into<u32>>(account: &AccountView, error: E) -> ProgramResult {
    require(account.is_signer(), error)
}

/// The account may be written by this instruction.
#[inline(always)]
pub fn require_writable<E: Into<u32>>(account: &AccountView, error: E) -> ProgramResult {
    require(account.is_writable(), error)
}

/// The account belongs to `program`.
#[inline(always)]
pub fn require_owner<E: Into<u32>>(
    account: &AccountView,
    program: &Address,
    error: E,
) -> ProgramResult {
    require(account.owned_by(program), error)
}

/// The account has exactly this address.
#[inline(always)]
pub fn require_address<E: Into<u32>>(
    account: &AccountView,
    address: &[u8; 32],
    error: E,
) -> ProgramResult {
    require(same_bytes(account.address().as_array(), address), error)
}

/// Two roles are played by two accounts.
#[inline(always)]
pub fn require_distinct<E: Into<u32>>(
    one: &AccountView,
    other: &AccountView,
    error: E,
) -> ProgramResult {
    require(one.address() != other.address(), error)
}

/// Whether two addresses, keys or hashes are the same 32 bytes, compared in four words.
#[inline(always)]
pub fn same_bytes(one: &[u8; 32], other: &[u8; 32]) -> bool {
    Address::new_from_array(*one) == Address::new_from_array(*other)
}

/// The bytes of an account of `program` that carries this discriminator and has exactly `length` bytes.
#[inline(always)]
pub fn data<'a, E: Into<u32> + Copy>(
    account: &'a AccountView,
    program: &Address,
    discriminator: &[u8; 8],
    length: usize,
    error: E,
) -> Result<&'a [u8], ProgramError> {
    require_owner(account, program, error)?;
    // SAFETY: programs here never hold a mutable borrow of an account while they read it: `data_mut` needs `&mut AccountView`,
    // and one account passed twice is refused by `require_distinct` or by comparing addresses before either is written.
    let bytes = unsafe { account.borrow_unchecked() };
    require(
        bytes.len() == length && bytes.first_chunk::<8>() == Some(discriminator),
        error,
    )?;
    Ok(bytes)
}

/// As `data`, for writing: the account must be writable too.
#[inline(always)]
pub fn data_mut<'a, E: Into<u32> + Copy>(
    account: &'a mut AccountView,
    program: &Address,
    discriminator: &[u8; 8],
    length: usize,
    error: E,
) -> Result<&'a mut [u8], ProgramError> {
    require_writable(account, error)?;
    data(account, program, discriminator, length, error)?;
    // SAFETY: the view is borrowed exclusively, and see `data`.
    Ok(unsafe { account.borrow_unchecked_mut() })
}

/// The first `N` bytes of `bytes`, which moves behind them.
#[inline(always)]
pub fn take<'a, const N: usize, E: Into<u32>>(
    bytes: &mut &'a [u8],
    error: E,
) -> Result<&'a [u8; N], ProgramError> {
    let (head, tail) = bytes
        .split_first_chunk::<N>()
        .ok_or_else(|| refused(error))?;
    *bytes = tail;
    Ok(head)
}
