//! Marks a user as verified, or not, and sets the zone.
use gridtokenx_guards::{load, load_mut, refused, require, require_accounts};
use gridtokenx_interface::registry::{Config, RegistryError, User, UserVerified, VerifyUser};
use pinocchio::{AccountView, ProgramResult};

use crate::{
    arguments::arguments,
    event::{chain_time, emit},
    roles::{require_authority, zone_with_id},
    ID,
};

/// See the interface.
#[inline(never)]
pub fn process(accounts: &mut [AccountView], data: &[u8]) -> ProgramResult {
    // Accounts
    require_accounts(accounts, VerifyUser::FLAGS, VerifyUser::PINNED)?;
    let (mut a, _) = VerifyUser::Accounts::split(accounts).ok_or_else(|| refused(RegistryError::MissingAccount))?;
    let args = arguments::<VerifyUser::Args>(data)?;

    // Checks
    require_authority(load::<Config>(&a.config, ID)?, &a.authority)?;
    let user = load_mut::<User>(&mut a.user, ID)?;
    zone_with_id(&a.zone, args.zone)?;
    require(args.verified <= 1, RegistryError::MalformedInstruction)?;
    let (_, now) = chain_time()?;

    // Effect
    user.zone = args.zone;
    user.verified = args.verified;
    user.verified_at = if args.verified == 1 { now } else { 0 };
    let event = UserVerified { wallet: user.wallet, zone: args.zone, verified: args.verified };
    emit(&a.event_authority, &UserVerified::DISCRIMINATOR, &event)
}
