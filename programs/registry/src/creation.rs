//! Creating the program's own accounts.
use gridtokenx_guards::{pda, refused, require};
use gridtokenx_interface::{layout::Account, registry::RegistryError};
use pinocchio::{cpi::Seed, error::ProgramError, AccountView, Address};

use crate::ID;

/// Where an account is created and who pays.
pub struct Birth<'a> {
    /// Pays the rent.
    pub payer: &'a AccountView,
    /// The seed that names the kind.
    pub kind: &'a [u8],
    /// The seed that names the one; empty for the settings, of which there is one.
    pub name: &'a [u8],
}

/// Creates an account of type `T` at `[kind, name]`, with zeroes after its discriminator; also returns its bump.
///
/// Every account is created with three seeds: a length that differs would be a sixth argument word of the guard.
#[inline(never)]
pub fn create<'a, T: Account>(account: &'a mut AccountView, birth: &Birth) -> Result<(&'a mut T, u8), ProgramError> {
    let (address, bump) =
        Address::try_find_program_address(&[birth.kind, birth.name], ID).ok_or_else(|| refused(RegistryError::WrongAddress))?;
    require(account.address() == &address, RegistryError::WrongAddress)?;
    let bumps = [bump];
    let seeds = [Seed::from(birth.kind), Seed::from(birth.name), Seed::from(&bumps)];
    Ok((pda::create::<T>(birth.payer, account, ID, &seeds)?, bump))
}
