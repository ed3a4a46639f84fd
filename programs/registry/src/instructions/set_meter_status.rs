//! Suspends or retires a meter, or resumes one with the energy of its gap credited.
use gridtokenx_guards::{load, load_mut, refused, require, require_accounts};
use gridtokenx_interface::{
    registry::{
        Config, Meter, MeterStatusChanged, RegistryError, SetMeterStatus, STATUS_ACTIVE, STATUS_PENDING, STATUS_RETIRED, STATUS_SUSPENDED,
    },
    settlement::unsettled,
};
use pinocchio::{AccountView, ProgramResult};

use crate::{
    arguments::arguments,
    event::{chain_time, emit},
    roles::{require_both, require_operator},
    ID,
};

/// See the interface.
#[inline(never)]
pub fn process(accounts: &mut [AccountView], data: &[u8]) -> ProgramResult {
    // Accounts
    require_accounts(accounts, SetMeterStatus::FLAGS, SetMeterStatus::PINNED)?;
    let (mut a, _) = SetMeterStatus::Accounts::split(accounts).ok_or_else(|| refused(RegistryError::MissingAccount))?;
    let args = arguments::<SetMeterStatus::Args>(data)?;

    // Checks
    let config = load::<Config>(&a.config, ID)?;
    let meter = load_mut::<Meter>(&mut a.meter, ID)?;
    let old_status = meter.status;
    require(old_status != STATUS_RETIRED, RegistryError::MeterRetired)?;
    match (old_status, args.status) {
        (STATUS_ACTIVE | STATUS_PENDING, STATUS_SUSPENDED) => require_operator(config, &a.signer)?,
        (_, STATUS_RETIRED) => {
            require_operator(config, &a.signer)?;
            let owed = unsettled(meter).is_none_or(|delta| delta < 0);
            require(!owed, RegistryError::EnergyOwed)?;
        }
        (STATUS_SUSPENDED, STATUS_ACTIVE) => {
            require_both(config, &a.signer, &a.auditor)?;
            require(!meter.device_key.is_none(), RegistryError::DeviceKeyRevoked)?;
        }
        _ => return Err(refused(RegistryError::InvalidStatus)),
    }
    let (timestamp, now) = chain_time()?;

    // Effect
    meter.status = args.status;
    if args.status == STATUS_ACTIVE {
        // Silence is counted anew: the owner's way past the attesters is not open at once.
        meter.credited_at = now;
    }
    let event = MeterStatusChanged {
        meter_id: meter.meter_id,
        old_status,
        new_status: args.status,
        gap_credited: u8::from(args.status == STATUS_ACTIVE),
        last_sequence: meter.last_sequence,
        timestamp,
    };
    emit(&a.event_authority, &MeterStatusChanged::DISCRIMINATOR, &event)
}
