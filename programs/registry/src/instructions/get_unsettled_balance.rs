//! Returns what is not settled yet, Wh, as return data (i64).
use gridtokenx_guards::{load, refused, require_accounts};
use gridtokenx_interface::{
    registry::{GetUnsettledBalance, Meter, RegistryError},
    settlement::unsettled,
};
use pinocchio::{cpi::set_return_data, AccountView, ProgramResult};

use crate::{arguments::arguments, ID};

/// See the interface.
#[inline(never)]
pub fn process(accounts: &mut [AccountView], data: &[u8]) -> ProgramResult {
    // Accounts
    require_accounts(accounts, GetUnsettledBalance::FLAGS, GetUnsettledBalance::PINNED)?;
    let (a, _) = GetUnsettledBalance::Accounts::split(accounts).ok_or_else(|| refused(RegistryError::MissingAccount))?;
    arguments::<GetUnsettledBalance::Args>(data)?;

    // Checks
    let delta = unsettled(load::<Meter>(&a.meter, ID)?).ok_or_else(|| refused(RegistryError::MathOverflow))?;

    // Effect
    set_return_data(&delta.to_le_bytes());
    Ok(())
}
