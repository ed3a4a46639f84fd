//! A holder retires tokens for a beneficiary and a reason: they are burned, counted and told; nothing pauses it.
use gridtokenx_guards::{event, key, load_mut, refused, require, require_accounts};
use gridtokenx_interface::{
    energy_token::{Config, EnergyTokenError, RetireTokens, TokensRetired, MAX_BENEFICIARY, MAX_REASON},
    wire::bytes_of,
};
use pinocchio::{
    sysvars::{clock::Clock, Sysvar},
    AccountView, ProgramResult,
};

use crate::{events::emit_bytes, settings, text, token_2022, totals, PROGRAM_ID};

/// Tag, discriminator, the fixed fields, and two texts with their lengths.
const LONGEST_EVENT: usize = 16 + TokensRetired::LEN + 4 + MAX_BENEFICIARY + 4 + MAX_REASON;

#[inline(never)]
pub fn retire_tokens(accounts: &[AccountView], data: &[u8]) -> ProgramResult {
    // Accounts
    require_accounts(accounts, RetireTokens::FLAGS, RetireTokens::PINNED)?;
    let (mut accounts, _) = RetireTokens::Accounts::split(accounts).ok_or_else(|| refused(EnergyTokenError::MissingAccount))?;

    // Checks
    let (args, mut texts) = settings::arguments_and_rest::<RetireTokens::Args>(data)?;
    let amount = args.amount;
    let beneficiary = text::take(&mut texts, MAX_BENEFICIARY)?;
    let reason = text::take(&mut texts, MAX_REASON)?;
    text::require_end(texts)?;
    require(!beneficiary.is_empty() && !reason.is_empty(), EnergyTokenError::BeneficiaryMissing)?;
    require(amount != 0, EnergyTokenError::ZeroAmount)?;
    let holder = *key(accounts.holder.address());
    require(token_2022::owner(&accounts.token_account)? == holder, EnergyTokenError::Unauthorized)?;

    // Effect
    let config = load_mut::<Config>(&mut accounts.config, PROGRAM_ID)?;
    totals::add(&mut config.retired_units, amount)?;
    token_2022::burn(&accounts.mint, &accounts.token_account, &accounts.holder, amount)?;
    let new_total_supply = token_2022::supply(&accounts.mint)?;
    let timestamp = Clock::get()?.unix_timestamp;
    let mut data = event::<LONGEST_EVENT>(&TokensRetired::DISCRIMINATOR)?;
    data.push(bytes_of(&TokensRetired { holder, amount, new_total_supply, timestamp }))?;
    data.push_text(beneficiary)?;
    data.push_text(reason)?;
    emit_bytes(&accounts.event_authority, data.as_slice())
}
