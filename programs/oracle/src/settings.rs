//! The settings as each instruction takes them: arguments, and the config in the hands of its authority.
use gridtokenx_guards::{load_mut, refused, require, require_role};
use gridtokenx_interface::{
    oracle::{Config, OracleError, PAUSE_CREDIT},
    wire::{self, Plain},
};
use pinocchio::{error::ProgramError, AccountView, ProgramResult};

use crate::PROGRAM_ID;

/// The fixed arguments after the discriminator, and what follows them.
#[inline(always)]
pub fn arguments_and_rest<T: Plain>(data: &[u8]) -> Result<(&T, &[u8]), ProgramError> {
    let arguments = data.get(8..).and_then(wire::split::<T>);
    arguments.ok_or_else(|| refused(OracleError::MalformedInstruction))
}

/// The arguments after the discriminator, and nothing after them.
#[inline(always)]
pub fn arguments<T: Plain>(data: &[u8]) -> Result<&T, ProgramError> {
    let (arguments, rest) = arguments_and_rest(data)?;
    require(rest.is_empty(), OracleError::MalformedInstruction)?;
    Ok(arguments)
}

/// The config, when `authority` is its own and signs.
#[inline(always)]
pub fn config_of_authority<'a>(config: &'a mut AccountView, authority: &AccountView) -> Result<&'a mut Config, ProgramError> {
    let config = load_mut::<Config>(config, PROGRAM_ID)?;
    require_role(authority, &config.authority, OracleError::Unauthorized)?;
    Ok(config)
}

/// The doors are open.
#[inline(always)]
pub fn require_open(config: &Config) -> ProgramResult {
    require(config.paused & PAUSE_CREDIT == 0, OracleError::Paused)
}
