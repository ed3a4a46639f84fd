//! Changes a zone's cap and window and proposes its next authority; by the zone's authority.
use gridtokenx_guards::{refused, require, require_accounts};
use gridtokenx_interface::registry::{RegistryError, SetZone, ZoneChanged};
use pinocchio::{AccountView, ProgramResult};

use crate::{arguments::arguments, event::emit, roles::zone_of_authority};

/// See the interface.
#[inline(never)]
pub fn process(accounts: &mut [AccountView], data: &[u8]) -> ProgramResult {
    // Accounts
    require_accounts(accounts, SetZone::FLAGS, SetZone::PINNED)?;
    let (mut a, _) = SetZone::Accounts::split(accounts).ok_or_else(|| refused(RegistryError::MissingAccount))?;
    let args = arguments::<SetZone::Args>(data)?;

    // Checks
    let zone = zone_of_authority(&mut a.zone, &a.zone_authority)?;
    require(args.window_s > 0, RegistryError::InvalidLimit)?;

    // Effect
    zone.mint_cap_wh = args.mint_cap_wh;
    zone.window_s = args.window_s;
    zone.pending_authority = args.pending_authority;
    let event = ZoneChanged {
        zone: zone.id,
        authority: zone.authority,
        pending_authority: zone.pending_authority,
        mint_cap_wh: zone.mint_cap_wh,
        window_s: zone.window_s,
    };
    emit(&a.event_authority, &ZoneChanged::DISCRIMINATOR, &event)
}
