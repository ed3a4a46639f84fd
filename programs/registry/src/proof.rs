//! What devices signed for the registry: bindings and rotations, as the Ed25519 precompile checked them in this transaction.
use gridtokenx_guards::{
    ed25519::{Place, Verified},
    refused, require,
};
use gridtokenx_interface::{
    messages::{Binding, MeterId, Rotation, BINDING_MAGIC, ROTATION_MAGIC},
    registry::{Config, RegistryError, MAX_AHEAD_S},
    wire::{self, Key},
};
use pinocchio::{error::ProgramError, AccountView, ProgramResult};

use crate::ID;

/// `binding ‖ signature ‖ key` after the discriminator.
const BINDING: Place = Place { message: 8, message_length: 96, signature: 104, key: 168 };
/// `rotation ‖ old key ‖ old signature ‖ new signature` after the discriminator; the new key lies in the rotation.
const ROTATION_BY_OLD: Place = Place { message: 8, message_length: 72, key: 80, signature: 112 };
const ROTATION_BY_NEW: Place = Place { message: 8, message_length: 72, key: 40, signature: 176 };

/// What a binding is judged by.
pub struct Moment<'a> {
    /// Settings.
    pub config: &'a Config,
    /// The chain's clock, Unix seconds.
    pub now: u64,
}

/// The binding in this instruction and the key that signed it: for this network and purpose, not from the future.
#[inline(never)]
pub fn binding(sysvar: &AccountView, data: &[u8], at: &Moment) -> Result<(Binding, Key), ProgramError> {
    let verified = Verified::open(sysvar, ID, data)?;
    require(verified.count() == 1, RegistryError::SignatureCheckMismatch)?;
    let signed = verified.signed(0, BINDING)?;
    let (binding, _) = wire::split::<Binding>(signed.message).ok_or_else(|| refused(RegistryError::WrongBinding))?;
    require(binding.magic == BINDING_MAGIC, RegistryError::WrongBinding)?;
    require(binding.network == at.config.network, RegistryError::WrongNetwork)?;
    require(binding.measured_at <= at.now.saturating_add(MAX_AHEAD_S), RegistryError::TimeInFuture)?;
    let limit = i64::MAX.unsigned_abs();
    let largest = binding.base_generation_wh.max(binding.base_consumption_wh).max(binding.sequence);
    require(largest <= limit, RegistryError::WrongBinding)?;
    let key = Key(*signed.key);
    require(!key.is_none(), RegistryError::WrongBinding)?;
    Ok((*binding, key))
}

/// The rotation in this instruction, signed by the old and the new key; also returns the old key.
#[inline(never)]
pub fn rotation(sysvar: &AccountView, data: &[u8], config: &Config) -> Result<(Rotation, Key), ProgramError> {
    let verified = Verified::open(sysvar, ID, data)?;
    require(verified.count() == 2, RegistryError::SignatureCheckMismatch)?;
    let by_old = verified.signed(0, ROTATION_BY_OLD)?;
    verified.signed(1, ROTATION_BY_NEW)?;
    let (rotation, _) = wire::split::<Rotation>(by_old.message).ok_or_else(|| refused(RegistryError::WrongBinding))?;
    require(rotation.magic == ROTATION_MAGIC, RegistryError::WrongBinding)?;
    require(rotation.network == config.network, RegistryError::WrongNetwork)?;
    Ok((*rotation, Key(*by_old.key)))
}

/// The signed message names this meter.
#[inline(always)]
pub fn require_meter(signed: &MeterId, meter: &MeterId) -> ProgramResult {
    require(signed == meter, RegistryError::WrongBinding)
}
