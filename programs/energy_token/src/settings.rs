//! The settings in the hands of their authority, and arguments.
use gridtokenx_guards::{load_mut, refused, require, require_role};
use gridtokenx_interface::{
    energy_token::{Config, EnergyTokenError},
    wire::{self, Plain},
};
use pinocchio::{error::ProgramError, AccountView};

use crate::PROGRAM_ID;

/// The fixed arguments, and what follows them.
#[inline(always)]
pub fn arguments_and_rest<T: Plain>(data: &[u8]) -> Result<(&T, &[u8]), ProgramError> {
    wire::split::<T>(data).ok_or_else(|| refused(EnergyTokenError::MalformedInstruction))
}

/// The arguments, and nothing after them.
#[inline(always)]
pub fn arguments<T: Plain>(data: &[u8]) -> Result<&T, ProgramError> {
    let (arguments, rest) = arguments_and_rest(data)?;
    require(rest.is_empty(), EnergyTokenError::MalformedInstruction)?;
    Ok(arguments)
}

/// The config, when `authority` is its own and signs.
#[inline(always)]
pub fn config_of_authority<'a>(config: &'a mut AccountView, authority: &AccountView) -> Result<&'a mut Config, ProgramError> {
    let config = load_mut::<Config>(config, PROGRAM_ID)?;
    require_role(authority, &config.authority, EnergyTokenError::Unauthorized)?;
    Ok(config)
}

/// The config, when the registry signs with the address that is stored there.
#[inline(always)]
pub fn config_of_registry<'a>(config: &'a mut AccountView, registry: &AccountView) -> Result<&'a mut Config, ProgramError> {
    let config = load_mut::<Config>(config, PROGRAM_ID)?;
    require_role(registry, &config.registry_authority, EnergyTokenError::Unauthorized)?;
    Ok(config)
}
