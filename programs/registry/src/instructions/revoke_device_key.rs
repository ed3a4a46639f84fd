//! Ends a device key at once and for all times.
use gridtokenx_guards::{load, load_mut, refused, require, require_accounts, Key};
use gridtokenx_interface::registry::{
    Config, DeviceKey, DeviceKeyRevoked, Meter, RegistryError, RevokeDeviceKey, KEY_REVOKED, STATUS_ACTIVE, STATUS_SUSPENDED,
};
use pinocchio::{AccountView, ProgramResult};

use crate::{
    arguments::arguments,
    event::{chain_time, emit},
    roles::require_operator,
    ID,
};

/// See the interface.
#[inline(never)]
pub fn process(accounts: &mut [AccountView], data: &[u8]) -> ProgramResult {
    // Accounts
    require_accounts(accounts, RevokeDeviceKey::FLAGS, RevokeDeviceKey::PINNED)?;
    let (mut a, _) = RevokeDeviceKey::Accounts::split(accounts).ok_or_else(|| refused(RegistryError::MissingAccount))?;
    let args = arguments::<RevokeDeviceKey::Args>(data)?;

    // Checks
    require_operator(load::<Config>(&a.config, ID)?, &a.signer)?;
    let meter = load_mut::<Meter>(&mut a.meter, ID)?;
    let device = load_mut::<DeviceKey>(&mut a.device, ID)?;
    require(device.key == args.key && device.meter_id == meter.meter_id, RegistryError::WrongAddress)?;
    let (timestamp, _) = chain_time()?;

    // Effect
    device.status = KEY_REVOKED;
    device.valid_until = 0;
    if meter.previous_device_key == args.key {
        meter.previous_device_key = Key::NONE;
    }
    if meter.device_key == args.key {
        meter.device_key = Key::NONE;
        meter.status = if meter.status == STATUS_ACTIVE { STATUS_SUSPENDED } else { meter.status };
    }
    let event = DeviceKeyRevoked { meter_id: meter.meter_id, key: args.key, timestamp };
    emit(&a.event_authority, &DeviceKeyRevoked::DISCRIMINATOR, &event)
}
