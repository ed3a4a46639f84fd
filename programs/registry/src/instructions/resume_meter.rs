//! Resumes a suspended meter from a new base that its device signs.
use gridtokenx_guards::{load, load_mut, refused, require, require_accounts};
use gridtokenx_interface::registry::{
    Config, Meter, MeterStatusChanged, RegistryError, ResumeMeter, KIND_REGISTER, MAX_BASE_AGE_S, STATUS_ACTIVE, STATUS_RETIRED,
    STATUS_SUSPENDED,
};
use pinocchio::{AccountView, ProgramResult};

use crate::{
    arguments::arguments,
    event::{chain_time, emit},
    instructions::register_meter::rebase,
    proof,
    roles::require_provisioner,
    ID,
};

/// See the interface.
#[inline(never)]
pub fn process(accounts: &mut [AccountView], data: &[u8]) -> ProgramResult {
    // Accounts
    require_accounts(accounts, ResumeMeter::FLAGS, ResumeMeter::PINNED)?;
    let (mut a, _) = ResumeMeter::Accounts::split(accounts).ok_or_else(|| refused(RegistryError::MissingAccount))?;
    arguments::<ResumeMeter::Args>(data)?;

    // Checks
    let config = load::<Config>(&a.config, ID)?;
    let (timestamp, now) = chain_time()?;
    require_provisioner(config, &a.provisioner)?;
    let (binding, device_key) = proof::binding(&a.instructions, data, &proof::Moment { config, now })?;
    let meter = load_mut::<Meter>(&mut a.meter, ID)?;
    require(meter.status != STATUS_RETIRED, RegistryError::MeterRetired)?;
    require(meter.status == STATUS_SUSPENDED, RegistryError::InvalidStatus)?;
    require(device_key == meter.device_key, RegistryError::DeviceKeyRevoked)?;
    proof::require_meter(&binding.meter_id, &meter.meter_id)?;
    require(binding.owner == meter.owner, RegistryError::WrongBinding)?;
    require(binding.measured_at >= now.saturating_sub(MAX_BASE_AGE_S), RegistryError::BaseBehind)?;
    let later = binding.sequence >= meter.last_sequence && binding.measured_at >= meter.last_measured_at;
    let grown = binding.base_generation_wh >= meter.raw_generation_wh && binding.base_consumption_wh >= meter.raw_consumption_wh;
    require(later && (grown || meter.statement_kind != KIND_REGISTER), RegistryError::BaseBehind)?;

    // Effect
    rebase(meter, &binding);
    meter.status = STATUS_ACTIVE;
    // Silence is counted anew: the owner's way past the attesters is not open at once.
    meter.credited_at = now;
    let event = MeterStatusChanged {
        meter_id: meter.meter_id,
        old_status: STATUS_SUSPENDED,
        new_status: STATUS_ACTIVE,
        gap_credited: 0,
        last_sequence: meter.last_sequence,
        timestamp,
    };
    emit(&a.event_authority, &MeterStatusChanged::DISCRIMINATOR, &event)
}
