//! Sets the hash of the rule set that attesters apply.
use gridtokenx_guards::{refused, require_accounts};
use gridtokenx_interface::oracle::{OracleError, RuleSetChanged, SetRuleSet};
use pinocchio::{AccountView, ProgramResult};

use crate::{events::emit, settings};

#[inline(never)]
pub fn set_rule_set(accounts: &[AccountView], data: &[u8]) -> ProgramResult {
    // Accounts
    require_accounts(accounts, SetRuleSet::FLAGS, SetRuleSet::PINNED)?;
    let (mut accounts, _) = SetRuleSet::Accounts::split(accounts).ok_or_else(|| refused(OracleError::MissingAccount))?;

    // Checks
    let args = settings::arguments::<SetRuleSet::Args>(data)?;
    let config = settings::config_of_authority(&mut accounts.config, &accounts.authority)?;

    // Effect
    config.rule_set_hash = args.rule_set_hash;
    let told = RuleSetChanged { rule_set_hash: args.rule_set_hash };
    emit(&accounts.event_authority, &RuleSetChanged::DISCRIMINATOR, &told)
}
