//! Program derived addresses: checking one and creating the account at it.
use pinocchio::{
    cpi::{Seed, Signer},
    sysvars::{rent::Rent, Sysvar},
    AccountView, Address, ProgramResult,
};
use pinocchio_system::instructions::{Allocate, Assign, CreateAccount, Transfer};

use crate::{refused, require};

/// The account lies at the address that `seeds` (the bump last) give under `program`; costs about 1,500 compute units.
#[inline(always)]
pub fn require_pda<E: Into<u32> + Copy>(
    account: &AccountView,
    seeds: &[&[u8]],
    program: &Address,
    error: E,
) -> ProgramResult {
    let address = Address::create_program_address(seeds, program).map_err(|_| refused(error))?;
    require(account.address() == &address, error)
}

/// A new account of a program: how many bytes, and whose.
pub struct Space<'a> {
    /// Length of the account's data in bytes.
    pub length: usize,
    /// The program that will own it.
    pub owner: &'a Address,
}

/// Creates the account at a program derived address; lamports that somebody sent there before do not stop it.
///
/// The runtime checks `seeds` (the bump last) against the address: wrong seeds fail, so no separate address check is needed.
#[inline(never)]
pub fn create_pda(
    payer: &AccountView,
    account: &AccountView,
    space: &Space,
    seeds: &[Seed],
) -> ProgramResult {
    let signer = [Signer::from(seeds)];
    let rent = Rent::get()?.try_minimum_balance(space.length)?;
    let length = space.length as u64;
    if account.lamports() == 0 {
        let create = CreateAccount {
            from: payer,
            to: account,
            lamports: rent,
            space: length,
            owner: space.owner,
        };
        return create.invoke_signed(&signer);
    }
    let missing = rent.saturating_sub(account.lamports());
    if missing > 0 {
        Transfer {
            from: payer,
            to: account,
            lamports: missing,
        }
        .invoke()?;
    }
    Allocate {
        account,
        space: length,
    }
    .invoke_signed(&signer)?;
    Assign {
        account,
        owner: space.owner,
    }
    .invoke_signed(&signer)
}
