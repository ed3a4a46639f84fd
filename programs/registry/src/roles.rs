//! Who may do what: each gate once.
use gridtokenx_guards::{load, load_mut, require, require_distinct, require_role};
use gridtokenx_interface::registry::{Config, RegistryError, Zone};
use pinocchio::{error::ProgramError, AccountView, ProgramResult};

use crate::ID;

/// The settings, when `authority` is theirs.
#[inline(always)]
pub fn config_of_authority<'a>(config: &'a mut AccountView, authority: &AccountView) -> Result<&'a mut Config, ProgramError> {
    let config = load_mut::<Config>(config, ID)?;
    require_role(authority, &config.authority, RegistryError::Unauthorized)?;
    Ok(config)
}

/// The authority signs.
#[inline(always)]
pub fn require_authority(config: &Config, signer: &AccountView) -> ProgramResult {
    require_role(signer, &config.authority, RegistryError::Unauthorized)
}

/// The provisioner signs.
#[inline(always)]
pub fn require_provisioner(config: &Config, signer: &AccountView) -> ProgramResult {
    require_role(signer, &config.provisioner, RegistryError::Unauthorized)
}

/// Authority and auditor sign: two keys, never one twice.
#[inline(always)]
pub fn require_both(config: &Config, authority: &AccountView, auditor: &AccountView) -> ProgramResult {
    require_authority(config, authority)?;
    require_role(auditor, &config.auditor, RegistryError::Unauthorized)?;
    require_distinct(authority, auditor)
}

/// Authority or provisioner signs.
#[inline(always)]
pub fn require_operator(config: &Config, signer: &AccountView) -> ProgramResult {
    require_provisioner(config, signer).or_else(|_| require_authority(config, signer))
}

/// Authority or auditor signs.
#[inline(always)]
pub fn require_either(config: &Config, signer: &AccountView) -> ProgramResult {
    require_authority(config, signer).or_else(|_| require_role(signer, &config.auditor, RegistryError::Unauthorized))
}

/// The zone, when `authority` is its own.
#[inline(always)]
pub fn zone_of_authority<'a>(zone: &'a mut AccountView, authority: &AccountView) -> Result<&'a mut Zone, ProgramError> {
    let zone = load_mut::<Zone>(zone, ID)?;
    require_role(authority, &zone.authority, RegistryError::Unauthorized)?;
    Ok(zone)
}

/// The zone with this id.
#[inline(always)]
pub fn zone_with_id(zone: &AccountView, id: u32) -> ProgramResult {
    require(load::<Zone>(zone, ID)?.id == id, RegistryError::WrongAddress)
}

/// Authority and auditor are keys, and not the same one.
#[inline(always)]
pub fn require_roles(config: &Config) -> ProgramResult {
    let unset = config.authority.is_none() || config.provisioner.is_none() || config.auditor.is_none();
    require(!unset, RegistryError::RoleUnset)?;
    require(config.authority != config.auditor, RegistryError::SameKeyTwice)
}
