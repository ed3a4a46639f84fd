//! Sets attesters and threshold: never nobody, nobody twice, and a threshold that they can reach.
use gridtokenx_guards::{refused, require, require_accounts};
use gridtokenx_interface::oracle::{AttestersChanged, OracleError, SetAttesters};
use pinocchio::{AccountView, ProgramResult};

use crate::{attestation, events::emit, settings};

#[inline(never)]
pub fn set_attesters(accounts: &[AccountView], data: &[u8]) -> ProgramResult {
    // Accounts
    require_accounts(accounts, SetAttesters::FLAGS, SetAttesters::PINNED)?;
    let (mut accounts, _) = SetAttesters::Accounts::split(accounts).ok_or_else(|| refused(OracleError::MissingAccount))?;

    // Checks
    let args = settings::arguments::<SetAttesters::Args>(data)?;
    let attester_count = attestation::count(&args.attesters).ok_or_else(|| refused(OracleError::InvalidAttesters))?;
    require(attestation::fits(args.threshold, attester_count), OracleError::InvalidAttesters)?;
    let config = settings::config_of_authority(&mut accounts.config, &accounts.authority)?;

    // Effect
    config.attesters = args.attesters;
    config.attester_count = attester_count;
    config.threshold = args.threshold;
    let told = AttestersChanged { attesters: args.attesters, attester_count, threshold: args.threshold };
    emit(&accounts.event_authority, &AttestersChanged::DISCRIMINATOR, &told)
}
