//! The calls to the energy token: one for all mints of a batch, one for all its burns.
use core::mem::MaybeUninit;

use gridtokenx_guards::{address, refused, require_address, Bytes};
use gridtokenx_interface::{
    energy_token::UNITS_PER_WH,
    ids,
    registry::{RegistryError, MAX_METERS},
    seeds,
};
use pinocchio::{
    cpi::{invoke_signed_with_bounds, Seed, Signer},
    error::ProgramError,
    instruction::{InstructionAccount, InstructionView},
    AccountView, ProgramResult,
};

use super::{moves::Moves, Batch};

/// How many accounts a desk is made of.
pub const DESK_ACCOUNTS: usize = 6;
/// Accounts of a call before the token accounts.
const FIXED: usize = 6;
/// All accounts of a call.
const MOST: usize = FIXED + MAX_METERS;
/// Discriminator, count, one amount a meter.
const LONGEST: usize = 12 + 8 * MAX_METERS;

/// The accounts that minting and burning need; all have constant addresses.
pub struct Desk<'a> {
    /// Signs for the registry.
    pub registry_authority: &'a AccountView,
    /// The settings of the energy token.
    pub energy_token_config: &'a AccountView,
    /// The mint.
    pub mint: &'a AccountView,
    /// Signs the energy token's events.
    pub energy_token_event_authority: &'a AccountView,
    /// Token-2022.
    pub token_program: &'a AccountView,
    /// The energy token program.
    pub energy_token_program: &'a AccountView,
}

impl<'a> Desk<'a> {
    /// Registry authority, energy token program, its config, mint, its event authority, Token-2022: the pinned ones and no others.
    #[inline(always)]
    pub fn open(accounts: &'a [AccountView]) -> Result<Self, ProgramError> {
        let [registry_authority, energy_token_program, energy_token_config, mint, energy_token_event_authority, token_program] = accounts
        else {
            return Err(refused(RegistryError::MissingAccount));
        };
        require_address(registry_authority, &ids::registry::AUTHORITY)?;
        require_address(energy_token_program, &ids::energy_token::ID)?;
        require_address(energy_token_config, &ids::energy_token::CONFIG)?;
        require_address(mint, &ids::energy_token::MINT)?;
        require_address(energy_token_event_authority, &ids::energy_token::EVENT_AUTHORITY)?;
        require_address(token_program, &ids::TOKEN_2022)?;
        Ok(Self { registry_authority, energy_token_config, mint, energy_token_event_authority, token_program, energy_token_program })
    }
}

/// Mints to or burns from every token account of `moves` by one call; no call when there is none.
#[inline(never)]
pub fn call(batch: &Batch, discriminator: &[u8; 8], moves: &Moves) -> ProgramResult {
    if moves.count() == 0 {
        return Ok(());
    }
    let desk = &batch.desk;
    let mut data = Bytes::<LONGEST>::new();
    data.push(discriminator)?;
    data.push(&(moves.count() as u32).to_le_bytes())?;
    let mut metas = [const { MaybeUninit::<InstructionAccount>::uninit() }; MOST];
    let mut views = [desk.registry_authority; MOST];
    let fixed = [
        (desk.registry_authority, false, true),
        (desk.energy_token_config, true, false),
        (desk.mint, true, false),
        (desk.token_program, false, false),
        (desk.energy_token_event_authority, false, false),
        (desk.energy_token_program, false, false),
    ];
    let mut places = metas.iter_mut().zip(views.iter_mut());
    let mut count = 0usize;
    for ((account, writable, signer), (meta, view)) in fixed.into_iter().zip(places.by_ref()) {
        meta.write(InstructionAccount::new(account.address(), writable, signer));
        *view = account;
        count = count.saturating_add(1);
    }
    for ((account, amount_wh), (meta, view)) in moves.each(batch.pairs).zip(places) {
        meta.write(InstructionAccount::writable(account.address()));
        *view = account;
        count = count.saturating_add(1);
        let units = amount_wh.checked_mul(UNITS_PER_WH).ok_or_else(|| refused(RegistryError::MathOverflow))?;
        data.push(&units.to_le_bytes())?;
    }
    // SAFETY: the first `count` elements, at most `MOST`, were written above.
    let accounts = unsafe { core::slice::from_raw_parts(metas.as_ptr().cast::<InstructionAccount>(), count) };
    let views = views.get(..count).ok_or_else(|| refused(RegistryError::TooManyMeters))?;
    let instruction = InstructionView { program_id: address(&ids::energy_token::ID), accounts, data: data.as_slice() };
    let bump = [ids::registry::AUTHORITY_BUMP];
    let seeds = [Seed::from(seeds::AUTHORITY), Seed::from(&bump)];
    invoke_signed_with_bounds::<MOST, _>(&instruction, views, &[Signer::from(&seeds)])
}
