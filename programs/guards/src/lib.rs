//! The checks that every GridTokenX program makes on its accounts and its caller, each written once.
//!
//! A guard takes the program's own error (anything that becomes its number) and returns it when the check fails, so that
//! callers meet a name of the program they called. Guards are `#[inline(always)]` where their arguments would need more than
//! five words: arguments on the stack do not work on every cluster.
#![no_std]

pub mod account;
pub mod ed25519;
pub mod event;
pub mod pda;
pub mod upgrade;

use pinocchio::{error::ProgramError, ProgramResult};

pub use account::{
    data, data_mut, require_address, require_distinct, require_owner, require_signer,
    require_writable,
};
pub use event::{emit_event, require_event_authority};
pub use pda::{create_pda, require_pda};
pub use upgrade::upgrade_authority;

/// The program error that carries this number.
#[inline(always)]
pub fn refused<E: Into<u32>>(error: E) -> ProgramError {
    ProgramError::Custom(error.into())
}

/// Refuses with `error` unless `condition` holds.
#[inline(always)]
pub fn require<E: Into<u32>>(condition: bool, error: E) -> ProgramResult {
    if condition {
        Ok(())
    } else {
        Err(refused(error))
    }
}
