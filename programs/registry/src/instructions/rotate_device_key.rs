//! Replaces a device's key: the old and the new key sign.
use gridtokenx_guards::{load, load_mut, refused, require, require_accounts, Key};
use gridtokenx_interface::{
    messages::Rotation,
    registry::{
        Config, DeviceKey, DeviceKeyRotated, Meter, RegistryError, RotateDeviceKey, KEY_ACTIVE, KEY_ROTATED, MAX_AHEAD_S, ROTATION_GRACE_S,
        STATUS_RETIRED,
    },
    seeds,
};
use pinocchio::{AccountView, ProgramResult};

use crate::{
    arguments::arguments,
    creation::{create, Birth},
    event::{chain_time, emit},
    proof,
    roles::require_provisioner,
    ID,
};

/// See the interface.
#[inline(never)]
pub fn process(accounts: &mut [AccountView], data: &[u8]) -> ProgramResult {
    // Accounts
    require_accounts(accounts, RotateDeviceKey::FLAGS, RotateDeviceKey::PINNED)?;
    let (mut a, _) = RotateDeviceKey::Accounts::split(accounts).ok_or_else(|| refused(RegistryError::MissingAccount))?;
    arguments::<RotateDeviceKey::Args>(data)?;

    // Checks
    let config = load::<Config>(&a.config, ID)?;
    let (_, now) = chain_time()?;
    require_provisioner(config, &a.provisioner)?;
    let (rotation, old_key) = proof::rotation(&a.instructions, data, config)?;
    let meter = load_mut::<Meter>(&mut a.meter, ID)?;
    proof::require_meter(&rotation.meter_id, &meter.meter_id)?;
    require_rotatable(meter, &rotation, &old_key, now)?;
    let old_device = load_mut::<DeviceKey>(&mut a.old_device, ID)?;
    require(old_device.key == old_key && old_device.meter_id == meter.meter_id, RegistryError::WrongAddress)?;

    // Effect
    old_device.status = KEY_ROTATED;
    old_device.valid_until = rotation.valid_from;
    meter.previous_device_key = old_key;
    meter.previous_key_valid_until = rotation.valid_from;
    meter.device_key = rotation.new_key;
    meter.key_valid_from = rotation.valid_from;
    meter.key_changed_at = now;
    create_device(&mut a, &rotation)?;
    let event = DeviceKeyRotated { meter_id: rotation.meter_id, old_key, new_key: rotation.new_key, valid_from: rotation.valid_from };
    emit(&a.event_authority, &DeviceKeyRotated::DISCRIMINATOR, &event)
}

/// The old key is the meter's, the last change is seven days old, and the new key begins about now.
#[inline(always)]
fn require_rotatable(meter: &Meter, rotation: &Rotation, old_key: &Key, now: u64) -> ProgramResult {
    require(meter.status != STATUS_RETIRED, RegistryError::MeterRetired)?;
    require(!meter.device_key.is_none() && *old_key == meter.device_key, RegistryError::DeviceKeyRevoked)?;
    require(!rotation.new_key.is_none() && rotation.new_key != *old_key, RegistryError::WrongBinding)?;
    require(now >= meter.key_changed_at.saturating_add(ROTATION_GRACE_S), RegistryError::RotationTooSoon)?;
    require(rotation.valid_from <= now.saturating_add(MAX_AHEAD_S), RegistryError::TimeInFuture)?;
    let earliest = now.saturating_sub(ROTATION_GRACE_S).max(meter.key_valid_from);
    require(rotation.valid_from >= earliest, RegistryError::StaleTime)
}

#[inline(never)]
fn create_device(a: &mut RotateDeviceKey::Accounts<AccountView>, rotation: &Rotation) -> ProgramResult {
    let birth = Birth { payer: &a.payer, kind: seeds::DEVICE, name: &rotation.new_key.0 };
    let (device, bump) = create::<DeviceKey>(&mut a.new_device, &birth)?;
    device.key = rotation.new_key;
    device.meter_id = rotation.meter_id;
    device.valid_from = rotation.valid_from;
    device.valid_until = u64::MAX;
    device.status = KEY_ACTIVE;
    device.bump = bump;
    Ok(())
}
