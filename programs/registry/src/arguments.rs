//! How an instruction's accounts and arguments are taken apart, for every instruction alike.
use gridtokenx_guards::{refused, require};
use gridtokenx_interface::{
    registry::RegistryError,
    wire::{self, Plain},
};
use pinocchio::{error::ProgramError, AccountView};

/// The arguments after the discriminator, and nothing after them.
#[inline(always)]
pub fn arguments<T: Plain>(data: &[u8]) -> Result<&T, ProgramError> {
    let (arguments, rest) = arguments_and_rest(data)?;
    require(rest.is_empty(), RegistryError::MalformedInstruction)?;
    Ok(arguments)
}

/// The fixed arguments after the discriminator, and what follows them.
#[inline(always)]
pub fn arguments_and_rest<T: Plain>(data: &[u8]) -> Result<(&T, &[u8]), ProgramError> {
    data.get(8..).and_then(wire::split::<T>).ok_or_else(|| refused(RegistryError::MalformedInstruction))
}

/// Splits `count` accounts off.
#[inline(always)]
pub fn split_accounts(accounts: &[AccountView], count: usize) -> Result<(&[AccountView], &[AccountView]), ProgramError> {
    accounts.split_at_checked(count).ok_or_else(|| refused(RegistryError::MissingAccount))
}
