//! Program derived addresses: checking one and creating the account at it.
use core::mem::size_of;

use gridtokenx_interface::layout::Account;
use pinocchio::{
    cpi::{Seed, Signer},
    error::ProgramError,
    sysvars::{rent::Rent, Sysvar},
    AccountView, Address, ProgramResult,
};
use pinocchio_system::instructions::{Allocate, Assign, CreateAccount, Transfer};

use crate::{refused, require, Refusal};

/// The account lies at the address that `seeds` (the bump last) give under `program`; costs about 1,500 compute units.
#[inline(always)]
pub fn require_pda(account: &AccountView, seeds: &[&[u8]], program: &Address) -> ProgramResult {
    let address = Address::create_program_address(seeds, program).map_err(|_| refused(Refusal::WrongAddress))?;
    require(account.address() == &address, Refusal::WrongAddress)
}

/// Creates an account of type `T` for `program`, zero but for its discriminator, and hands it over for writing.
#[inline(always)]
pub fn create<'a, T: Account>(
    payer: &AccountView,
    account: &'a mut AccountView,
    program: &Address,
    seeds: &[Seed],
) -> Result<&'a mut T, ProgramError> {
    let space = Space { length: size_of::<T>(), paid_length: size_of::<T>(), owner: program };
    create_pda(payer, account, &space, seeds)?;
    // SAFETY: the account is new and the view is borrowed exclusively.
    let bytes = unsafe { account.borrow_unchecked_mut() };
    if let Some(discriminator) = bytes.first_chunk_mut::<8>() {
        *discriminator = T::DISCRIMINATOR;
    }
    T::load_mut(bytes).ok_or_else(|| refused(Refusal::WrongAccountType))
}

/// A new account of a program: how many bytes, and whose.
pub struct Space<'a> {
    /// Length of the account's data in bytes.
    pub length: usize,
    /// Length in bytes that its lamports are to pay for: more than `length` when the owner will make it longer.
    pub paid_length: usize,
    /// The program that will own it.
    pub owner: &'a Address,
}

/// Creates the account at a program derived address; lamports that somebody sent there before do not stop it.
///
/// The runtime checks `seeds` (the bump last) against the address. An account that exists is refused with `AlreadyInitialized`.
#[inline(never)]
pub fn create_pda(payer: &AccountView, account: &AccountView, space: &Space, seeds: &[Seed]) -> ProgramResult {
    require(account.owned_by(&pinocchio_system::ID) && account.is_data_empty(), Refusal::AlreadyInitialized)?;
    let signer = [Signer::from(seeds)];
    let rent = Rent::get()?.try_minimum_balance(space.paid_length)?;
    let length = space.length as u64;
    if account.lamports() == 0 {
        let create = CreateAccount { from: payer, to: account, lamports: rent, space: length, owner: space.owner };
        return create.invoke_signed(&signer);
    }
    let missing = rent.saturating_sub(account.lamports());
    if missing > 0 {
        Transfer { from: payer, to: account, lamports: missing }.invoke()?;
    }
    Allocate { account, space: length }.invoke_signed(&signer)?;
    Assign { account, owner: space.owner }.invoke_signed(&signer)
}
