//! Creating the program's own accounts.
use gridtokenx_guards::{create_pda, load_mut, pda::Space, refused, require};
use gridtokenx_interface::{layout::Account, registry::RegistryError};
use pinocchio::{cpi::Seed, error::ProgramError, AccountView, Address};

use crate::ID;

/// Where an account is created and who pays.
pub struct Birth<'a> {
    /// Pays the rent.
    pub payer: &'a AccountView,
    /// The seed that names the kind.
    pub kind: &'a [u8],
    /// The seed that names the one.
    pub name: &'a [u8],
}

/// Creates an account of type `T` at `[kind, name]`, with zeroes after its discriminator; also returns its bump.
#[inline(never)]
pub fn create<'a, T: Account>(account: &'a mut AccountView, birth: &Birth) -> Result<(&'a mut T, u8), ProgramError> {
    let (address, bump) =
        Address::try_find_program_address(&[birth.kind, birth.name], ID).ok_or_else(|| refused(RegistryError::WrongAddress))?;
    require(account.address() == &address, RegistryError::WrongAddress)?;
    let bumps = [bump];
    let seeds = [Seed::from(birth.kind), Seed::from(birth.name), Seed::from(&bumps)];
    let account = create_at::<T>(account, birth.payer, &seeds)?;
    Ok((account, bump))
}

/// Creates an account of type `T` at known seeds, with zeroes after its discriminator.
#[inline(never)]
pub fn create_at<'a, T: Account>(account: &'a mut AccountView, payer: &AccountView, seeds: &[Seed]) -> Result<&'a mut T, ProgramError> {
    let length = core::mem::size_of::<T>();
    create_pda(payer, account, &Space { length, paid_length: length, owner: ID }, seeds)?;
    account
        .try_borrow_mut()?
        .first_chunk_mut::<8>()
        .ok_or_else(|| refused(RegistryError::WrongAccountType))?
        .copy_from_slice(&T::DISCRIMINATOR);
    load_mut::<T>(account, ID)
}
