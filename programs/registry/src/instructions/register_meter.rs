//! Binds a meter to its owner: owner, platform and device sign.
use gridtokenx_guards::{key, load, load_mut, refused, require, require_accounts, Key};
use gridtokenx_interface::{
    messages::{is_meter_id, Binding},
    registry::{
        Config, DeviceKey, Meter, MeterRegistered, RegisterMeter, RegistryError, User, Zone, ASSET_KINDS, KEY_ACTIVE, KIND_INTERVAL,
        KIND_REGISTER, PROOF_ATTESTED, PROOF_DEVICE, STATUS_ACTIVE,
    },
    seeds,
    settlement::MAX_RATED_POWER_W,
};
use pinocchio::{error::ProgramError, AccountView, ProgramResult};

use crate::{
    arguments::arguments,
    creation::{create, Birth},
    event::{chain_time, emit},
    proof,
    roles::{require_provisioner, zone_with_id},
    ID,
};

/// What the device signed, and when the chain saw it.
struct Bound {
    binding: Binding,
    device_key: Key,
    now: u64,
}

/// See the interface.
#[inline(never)]
pub fn process(accounts: &mut [AccountView], data: &[u8]) -> ProgramResult {
    // Accounts
    require_accounts(accounts, RegisterMeter::FLAGS, RegisterMeter::PINNED)?;
    let (mut a, _) = RegisterMeter::Accounts::split(accounts).ok_or_else(|| refused(RegistryError::MissingAccount))?;
    let args = arguments::<RegisterMeter::Args>(data)?;

    // Checks
    let config = load::<Config>(&a.config, ID)?;
    let (timestamp, now) = chain_time()?;
    require_provisioner(config, &a.provisioner)?;
    require(a.owner.address() != a.provisioner.address(), RegistryError::OwnerIsProvisioner)?;
    let token_account = token_account_of_verified(&a)?;
    zone_with_id(&a.zone, args.zone)?;
    require_kinds(args)?;
    let (binding, device_key) = proof::binding(&a.instructions, data, &proof::Moment { config, now })?;
    require(is_meter_id(&binding.meter_id), RegistryError::InvalidMeterId)?;
    require(binding.owner == *key(a.owner.address()), RegistryError::WrongBinding)?;
    let bound = Bound { binding, device_key, now };

    // Effect
    create_device(&mut a, &bound)?;
    let meter = create_meter(&mut a, &bound)?;
    meter.token_account = token_account;
    describe(meter, args);
    let event = event_of(meter, timestamp);
    count(&mut a)?;
    emit(&a.event_authority, &MeterRegistered::DISCRIMINATOR, &event)
}

/// The owner is a registered and verified user.
#[inline(always)]
fn token_account_of_verified(a: &RegisterMeter::Accounts<AccountView>) -> Result<Key, ProgramError> {
    let user = load::<User>(&a.user, ID)?;
    require(user.wallet == *key(a.owner.address()), RegistryError::WrongAddress)?;
    require(user.verified == 1, RegistryError::UserNotVerified)?;
    Ok(user.token_account)
}

/// Kinds are known and go together: only a register statement can be proven by itself.
#[inline(always)]
fn require_kinds(args: &RegisterMeter::Args) -> ProgramResult {
    let known = matches!(
        (args.statement_kind, args.proof),
        (KIND_REGISTER, PROOF_DEVICE) | (KIND_REGISTER, PROOF_ATTESTED) | (KIND_INTERVAL, PROOF_ATTESTED)
    );
    require(known && ASSET_KINDS.contains(&args.asset_kind), RegistryError::InvalidKind)?;
    let (out, into) = (args.rated_power_out_w, args.rated_power_in_w);
    require(out.max(into) > 0 && out.max(into) <= MAX_RATED_POWER_W, RegistryError::InvalidRatedPower)
}

#[inline(never)]
fn create_device(a: &mut RegisterMeter::Accounts<AccountView>, bound: &Bound) -> ProgramResult {
    let birth = Birth { payer: &a.payer, kind: seeds::DEVICE, name: &bound.device_key.0 };
    let (device, bump) = create::<DeviceKey>(&mut a.device, &birth)?;
    device.key = bound.device_key;
    device.meter_id = bound.binding.meter_id;
    device.valid_from = bound.binding.measured_at;
    device.valid_until = u64::MAX;
    device.status = KEY_ACTIVE;
    device.bump = bump;
    Ok(())
}

#[inline(never)]
fn create_meter<'a>(a: &'a mut RegisterMeter::Accounts<AccountView>, bound: &Bound) -> Result<&'a mut Meter, ProgramError> {
    let binding = &bound.binding;
    let birth = Birth { payer: &a.payer, kind: seeds::METER, name: &binding.meter_id };
    let (meter, bump) = create::<Meter>(&mut a.meter, &birth)?;
    meter.meter_id = binding.meter_id;
    meter.owner = binding.owner;
    meter.device_key = bound.device_key;
    meter.key_valid_from = binding.measured_at;
    meter.bump = bump;
    meter.bound_at = bound.now;
    rebase(meter, binding);
    Ok(meter)
}

/// Sequence, time and registers start from what the device signed; energy saved up until then does not count.
#[inline(always)]
pub fn rebase(meter: &mut Meter, binding: &Binding) {
    meter.raw_generation_wh = binding.base_generation_wh;
    meter.raw_consumption_wh = binding.base_consumption_wh;
    meter.last_sequence = binding.sequence;
    meter.last_measured_at = binding.measured_at;
    meter.base_sequence = binding.sequence;
    meter.base_measured_at = binding.measured_at;
    meter.generation_budget = 0;
    meter.consumption_budget = 0;
}

#[inline(always)]
fn describe(meter: &mut Meter, args: &RegisterMeter::Args) {
    meter.rated_power_out_w = args.rated_power_out_w;
    meter.rated_power_in_w = args.rated_power_in_w;
    meter.zone = args.zone;
    meter.statement_kind = args.statement_kind;
    meter.proof = args.proof;
    meter.asset_kind = args.asset_kind;
    meter.status = STATUS_ACTIVE;
    meter.quality = 100;
}

#[inline(always)]
fn event_of(meter: &Meter, timestamp: i64) -> MeterRegistered {
    MeterRegistered {
        meter_id: meter.meter_id,
        owner: meter.owner,
        device_key: meter.device_key,
        zone: meter.zone,
        statement_kind: meter.statement_kind,
        proof: meter.proof,
        asset_kind: meter.asset_kind,
        rated_power_out_w: meter.rated_power_out_w,
        rated_power_in_w: meter.rated_power_in_w,
        base_sequence: meter.base_sequence,
        base_measured_at: meter.base_measured_at,
        base_generation_wh: meter.raw_generation_wh,
        base_consumption_wh: meter.raw_consumption_wh,
        timestamp,
    }
}

#[inline(always)]
fn count(a: &mut RegisterMeter::Accounts<AccountView>) -> ProgramResult {
    let config = load_mut::<Config>(&mut a.config, ID)?;
    config.meter_count = config.meter_count.saturating_add(1);
    let user = load_mut::<User>(&mut a.user, ID)?;
    user.meter_count = user.meter_count.saturating_add(1);
    let zone = load_mut::<Zone>(&mut a.zone, ID)?;
    zone.meter_count = zone.meter_count.saturating_add(1);
    Ok(())
}
