//! The proposed authority of a zone takes over.
use gridtokenx_guards::{load_mut, refused, require, require_accounts, require_role, Key};
use gridtokenx_interface::registry::{AcceptZoneAuthority, RegistryError, Zone, ZoneChanged};
use pinocchio::{AccountView, ProgramResult};

use crate::{arguments::arguments, event::emit, ID};

/// See the interface.
#[inline(never)]
pub fn process(accounts: &mut [AccountView], data: &[u8]) -> ProgramResult {
    // Accounts
    require_accounts(accounts, AcceptZoneAuthority::FLAGS, AcceptZoneAuthority::PINNED)?;
    let (mut a, _) = AcceptZoneAuthority::Accounts::split(accounts).ok_or_else(|| refused(RegistryError::MissingAccount))?;
    arguments::<AcceptZoneAuthority::Args>(data)?;

    // Checks
    let zone = load_mut::<Zone>(&mut a.zone, ID)?;
    require(!zone.pending_authority.is_none(), RegistryError::NoPendingAuthority)?;
    require_role(&a.pending_authority, &zone.pending_authority, RegistryError::Unauthorized)?;

    // Effect
    zone.authority = zone.pending_authority;
    zone.pending_authority = Key::NONE;
    let event = ZoneChanged {
        zone: zone.id,
        authority: zone.authority,
        pending_authority: zone.pending_authority,
        mint_cap_wh: zone.mint_cap_wh,
        window_s: zone.window_s,
    };
    emit(&a.event_authority, &ZoneChanged::DISCRIMINATOR, &event)
}
