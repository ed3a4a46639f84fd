//! Sets provisioner and auditor; who is auditor agrees to a change of it, and so does who will be.
use gridtokenx_guards::{refused, require_accounts, require_role};
use gridtokenx_interface::registry::{RegistryError, RolesChanged, SetRoles};
use pinocchio::{AccountView, ProgramResult};

use crate::{
    arguments::arguments,
    event::emit,
    roles::{config_of_authority, require_roles},
};

/// See the interface.
#[inline(never)]
pub fn process(accounts: &mut [AccountView], data: &[u8]) -> ProgramResult {
    // Accounts
    require_accounts(accounts, SetRoles::FLAGS, SetRoles::PINNED)?;
    let (mut a, _) = SetRoles::Accounts::split(accounts).ok_or_else(|| refused(RegistryError::MissingAccount))?;
    let args = arguments::<SetRoles::Args>(data)?;

    // Checks
    let config = config_of_authority(&mut a.config, &a.authority)?;
    if args.auditor != config.auditor {
        require_role(&a.old_auditor, &config.auditor, RegistryError::Unauthorized)?;
        require_role(&a.new_auditor, &args.auditor, RegistryError::Unauthorized)?;
    }

    // Effect: the roles are judged as they would be; a refusal undoes them with the transaction.
    config.provisioner = args.provisioner;
    config.auditor = args.auditor;
    require_roles(config)?;
    let event = RolesChanged { provisioner: config.provisioner, auditor: config.auditor };
    emit(&a.event_authority, &RolesChanged::DISCRIMINATOR, &event)
}
