//! The checks that every GridTokenX program makes on its accounts and its caller, each written once.
//!
//! A guard refuses with one of the errors that all programs share (6000 to 6039 of the interface); `require` takes any error. Guards are
//! `#[inline(always)]` where their arguments would need more than five words: arguments on the stack do not work on every cluster.
#![no_std]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "a test may panic"))]

pub mod account;
pub mod bytes;
pub mod ed25519;
pub mod event;
pub mod hash;
pub mod pda;
pub mod upgrade;

use pinocchio::{error::ProgramError, Address, ProgramResult};

pub use account::{
    load, load_mut, require_accounts, require_address, require_distinct, require_flags, require_owner, require_role, require_signer,
    require_writable,
};
pub use bytes::Bytes;
pub use event::{begin_event, emit_event, event, require_event_authority};
pub use gridtokenx_interface::{guard::GuardError as Refusal, wire::Key};
pub use hash::sha256;
pub use pda::{create, create_pda, require_pda};
pub use upgrade::require_upgrade_authority;

/// The number of an error of the interface.
pub trait Code: Copy {
    /// Its custom code.
    fn code(self) -> u32;
}

macro_rules! codes {
    ($($error:ty),* $(,)?) => { $(
        impl Code for $error {
            #[inline(always)]
            fn code(self) -> u32 {
                self as u32
            }
        }
    )* };
}
codes!(
    Refusal,
    gridtokenx_interface::registry::RegistryError,
    gridtokenx_interface::oracle::OracleError,
    gridtokenx_interface::energy_token::EnergyTokenError,
);

/// The program error that carries this error's number.
#[inline(always)]
pub fn refused<E: Code>(error: E) -> ProgramError {
    ProgramError::Custom(error.code())
}

/// Refuses with `error` unless `condition` holds.
#[inline(always)]
pub fn require<E: Code>(condition: bool, error: E) -> ProgramResult {
    if condition {
        Ok(())
    } else {
        Err(refused(error))
    }
}

/// A key of the interface as the runtime's address.
#[inline(always)]
pub const fn address(key: &Key) -> &Address {
    // SAFETY: both are transparent wrappers of 32 bytes.
    unsafe { &*core::ptr::from_ref(key).cast::<Address>() }
}

/// The runtime's address as a key of the interface.
#[inline(always)]
pub const fn key(address: &Address) -> &Key {
    // SAFETY: both are transparent wrappers of 32 bytes.
    unsafe { &*core::ptr::from_ref(address).cast::<Key>() }
}
