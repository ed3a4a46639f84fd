//! A program for tests only: it hands a part of its instruction data, and its accounts, on to the program that is its first account.
//!
//! With it a test shows the Ed25519 precompile genuine bytes at top level (the part that is kept back) and hands forged ones to a
//! program by CPI.
#![no_std]

use core::mem::MaybeUninit;

use pinocchio::{
    cpi::invoke_with_bounds,
    error::ProgramError,
    instruction::{InstructionAccount, InstructionView},
    AccountView, Address, ProgramResult,
};

/// More accounts than any test passes.
const MAX_ACCOUNTS: usize = 16;

#[cfg(feature = "entrypoint")]
mod entry {
    pinocchio::program_entrypoint!(crate::process_instruction, 17);
    pinocchio::no_allocator!();
    pinocchio::nostd_panic_handler!();
}

/// Accounts: the program to call, then its accounts with the rights they have here. Data: how many bytes are kept back (u16), those bytes,
/// then what that program receives.
pub fn process_instruction(_program_id: &Address, accounts: &mut [AccountView], data: &[u8]) -> ProgramResult {
    let (kept, data) = data.split_first_chunk::<2>().ok_or(ProgramError::InvalidInstructionData)?;
    let handed = data.get(usize::from(u16::from_le_bytes(*kept))..).ok_or(ProgramError::InvalidInstructionData)?;
    let (target, rest) = accounts.split_first().ok_or(ProgramError::NotEnoughAccountKeys)?;
    let mut metas = [const { MaybeUninit::<InstructionAccount>::uninit() }; MAX_ACCOUNTS];
    for (meta, account) in metas.iter_mut().zip(rest) {
        meta.write(InstructionAccount::from(account));
    }
    let count = rest.len().min(MAX_ACCOUNTS);
    // SAFETY: the first `count` entries were written in the loop above.
    let metas = unsafe { core::slice::from_raw_parts(metas.as_ptr().cast(), count) };
    let instruction = InstructionView { program_id: target.address(), accounts: metas, data: handed };
    invoke_with_bounds::<MAX_ACCOUNTS, AccountView>(&instruction, rest)
}
