//! Creates a zone with its own authority and mint cap.
use gridtokenx_guards::{load_mut, refused, require, require_accounts, Key};
use gridtokenx_interface::{
    registry::{Config, CreateZone, RegistryError, Zone, ZoneChanged},
    seeds,
};
use pinocchio::{AccountView, ProgramResult};

use crate::{
    arguments::arguments,
    creation::{create, Birth},
    event::{chain_time, emit},
    roles::require_authority,
    ID,
};

/// See the interface.
#[inline(never)]
pub fn process(accounts: &mut [AccountView], data: &[u8]) -> ProgramResult {
    // Accounts
    require_accounts(accounts, CreateZone::FLAGS, CreateZone::PINNED)?;
    let (mut a, _) = CreateZone::Accounts::split(accounts).ok_or_else(|| refused(RegistryError::MissingAccount))?;
    let args = arguments::<CreateZone::Args>(data)?;

    // Checks
    let config = load_mut::<Config>(&mut a.config, ID)?;
    require_authority(config, &a.authority)?;
    require(!args.zone_authority.is_none(), RegistryError::RoleUnset)?;
    require(args.window_s > 0, RegistryError::InvalidLimit)?;
    let (_, now) = chain_time()?;

    // Effect
    config.zone_count = config.zone_count.saturating_add(1);
    let birth = Birth { payer: &a.payer, kind: seeds::ZONE, name: &args.zone.to_le_bytes() };
    let (zone, bump) = create::<Zone>(&mut a.zone, &birth)?;
    zone.id = args.zone;
    zone.authority = args.zone_authority;
    zone.mint_cap_wh = args.mint_cap_wh;
    zone.window_s = args.window_s;
    zone.window_started_at = now;
    zone.bump = bump;
    let event = ZoneChanged {
        zone: args.zone,
        authority: args.zone_authority,
        pending_authority: Key::NONE,
        mint_cap_wh: args.mint_cap_wh,
        window_s: args.window_s,
    };
    emit(&a.event_authority, &ZoneChanged::DISCRIMINATOR, &event)
}
