//! A holder retires tokens for a beneficiary and a reason: they are burned, counted and told; nothing pauses it.
use gridtokenx_guards::{emit_event, event, key, load_mut, refused, require, require_address, require_flags};
use gridtokenx_interface::{
    energy_token::{Config, EnergyTokenError, RetireTokens, TokensRetired, MAX_BENEFICIARY, MAX_REASON},
    ids::{self, energy_token},
    wire,
};
use pinocchio::{
    sysvars::{clock::Clock, Sysvar},
    AccountView, ProgramResult,
};

use crate::{text, token_2022, totals, PROGRAM_ID};

/// Tag, discriminator, holder, amount, supply, time, and two texts with their lengths.
const LONGEST_EVENT: usize = 16 + 32 + 8 + 8 + 8 + 4 + MAX_BENEFICIARY + 4 + MAX_REASON;

#[inline(never)]
pub fn retire_tokens(accounts: &[AccountView], data: &[u8]) -> ProgramResult {
    // Accounts
    require_flags(accounts, RetireTokens::FLAGS)?;
    let (mut accounts, _) = RetireTokens::Accounts::split(accounts).ok_or_else(|| refused(EnergyTokenError::MissingAccount))?;
    require_address(&accounts.config, &energy_token::CONFIG)?;
    require_address(&accounts.mint, &energy_token::MINT)?;
    require_address(&accounts.token_program, &ids::TOKEN_2022)?;

    // Checks
    let (args, mut rest) = wire::split::<RetireTokens::Args>(data).ok_or_else(|| refused(EnergyTokenError::MalformedInstruction))?;
    let amount = args.amount;
    let beneficiary = text::take(&mut rest, MAX_BENEFICIARY)?;
    let reason = text::take(&mut rest, MAX_REASON)?;
    text::require_end(rest)?;
    let named = !beneficiary.is_empty() && !reason.is_empty();
    require(named, EnergyTokenError::BeneficiaryMissing)?;
    require(amount != 0, EnergyTokenError::ZeroAmount)?;
    let holder = key(accounts.holder.address());
    require(token_2022::owner(&accounts.token_account)? == *holder, EnergyTokenError::Unauthorized)?;

    // Effect
    let config = load_mut::<Config>(&mut accounts.config, PROGRAM_ID)?;
    totals::add(&mut config.retired_units, amount)?;
    token_2022::burn(&accounts.mint, &accounts.token_account, &accounts.holder, amount)?;
    let mut data = event::<LONGEST_EVENT>(&TokensRetired::DISCRIMINATOR)?;
    data.push(&holder.0)?;
    data.push(&amount.to_le_bytes())?;
    data.push(&token_2022::supply(&accounts.mint)?.to_le_bytes())?;
    data.push(&Clock::get()?.unix_timestamp.to_le_bytes())?;
    data.push_text(beneficiary)?;
    data.push_text(reason)?;
    emit_event(PROGRAM_ID, &accounts.event_authority, energy_token::EVENT_AUTHORITY_BUMP, data.as_slice())
}
