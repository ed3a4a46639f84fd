//! Token-2022 as this program calls it: raw instruction bytes and the fields it reads.
//!
//! Offsets and tags are those of spl-token-2022's `TokenInstruction`, `Mint` and `Account`, which never change.
use gridtokenx_guards::{address, refused, require, require_owner, Key};
use gridtokenx_interface::{
    energy_token::{EnergyTokenError, DECIMALS},
    ids,
    seeds::CONFIG,
};
use pinocchio::{
    cpi::{invoke, invoke_signed, Seed, Signer},
    error::ProgramError,
    instruction::{InstructionAccount, InstructionView},
    AccountView, Address, ProgramResult,
};

/// Token-2022's address.
pub const TOKEN_2022: &Address = address(&ids::TOKEN_2022);

/// Bytes of a mint with a metadata pointer: account base 165, account type 1, extension header 4, pointer 64.
pub const MINT_LENGTH: usize = 234;
/// Bytes that the metadata adds besides its texts: extension header 4, two keys, four lengths.
pub const METADATA_LENGTH: usize = 84;

const MINT_TO: u8 = 7;
const BURN: u8 = 8;
const INITIALIZE_MINT_2: u8 = 20;
const METADATA_POINTER: u8 = 39;
/// First 8 bytes of SHA-256(`spl_token_metadata_interface:initialize_account`).
pub const INITIALIZE_METADATA: [u8; 8] = [210, 225, 30, 162, 88, 184, 77, 141];

const SUPPLY_OFFSET: usize = 36;
const ACCOUNT_LENGTH: usize = 165;
const OWNER_OFFSET: usize = 32;

/// The mint's supply, base units.
#[inline(always)]
pub fn supply(mint: &AccountView) -> Result<u64, ProgramError> {
    // SAFETY: this program never borrows a mint's data mutably.
    let data = unsafe { mint.borrow_unchecked() };
    let supply = data.get(SUPPLY_OFFSET..).and_then(|rest| rest.first_chunk());
    supply.map(|bytes| u64::from_le_bytes(*bytes)).ok_or_else(|| refused(EnergyTokenError::WrongAccountType))
}

/// The owner of a token account; Token-2022 itself checks mint and state when it is called.
#[inline(always)]
pub fn owner(token_account: &AccountView) -> Result<Key, ProgramError> {
    require_owner(token_account, TOKEN_2022)?;
    // SAFETY: this program never borrows a token account's data mutably.
    let data = unsafe { token_account.borrow_unchecked() };
    require(data.len() >= ACCOUNT_LENGTH, EnergyTokenError::UnfitTokenAccount)?;
    let owner = data.get(OWNER_OFFSET..).and_then(|rest| rest.first_chunk());
    owner.map(|bytes| Key(*bytes)).ok_or_else(|| refused(EnergyTokenError::UnfitTokenAccount))
}

/// Mints base units to a token account; this program's config signs as the mint's authority.
#[inline(always)]
pub fn mint_to(mint: &AccountView, token_account: &AccountView, config: &AccountView, amount: u64) -> ProgramResult {
    let bump = [ids::energy_token::CONFIG_BUMP];
    let seeds = [Seed::from(CONFIG), Seed::from(&bump)];
    let accounts = [
        InstructionAccount::writable(mint.address()),
        InstructionAccount::writable(token_account.address()),
        InstructionAccount::readonly_signer(config.address()),
    ];
    let instruction = InstructionView { program_id: TOKEN_2022, accounts: &accounts, data: &tagged(MINT_TO, amount) };
    invoke_signed(&instruction, &[mint, token_account, config], &[Signer::from(&seeds)])
}

/// Burns base units from a token account in the name of `authority`, its owner or delegate, who has signed.
#[inline(always)]
pub fn burn(mint: &AccountView, token_account: &AccountView, authority: &AccountView, amount: u64) -> ProgramResult {
    let accounts = [
        InstructionAccount::writable(token_account.address()),
        InstructionAccount::writable(mint.address()),
        InstructionAccount::readonly_signer(authority.address()),
    ];
    let instruction = InstructionView { program_id: TOKEN_2022, accounts: &accounts, data: &tagged(BURN, amount) };
    invoke(&instruction, &[token_account, mint, authority])
}

/// Makes the new account a mint that points to itself for its metadata; nobody may change the pointer, and nobody can freeze.
#[inline(never)]
pub fn initialize_mint(mint: &AccountView, authority: &Address) -> ProgramResult {
    let accounts = [InstructionAccount::writable(mint.address())];
    // Pointer: tag, variant 0, authority (none), address of the metadata.
    let mut pointer = [0u8; 66];
    copy(&mut pointer, 0, &[METADATA_POINTER])?;
    copy(&mut pointer, 34, mint.address().as_ref())?;
    let set_pointer = InstructionView { program_id: TOKEN_2022, accounts: &accounts, data: &pointer };
    invoke(&set_pointer, &[mint])?;
    // Mint: tag, decimals, mint authority, no freeze authority.
    let mut settings = [0u8; 35];
    copy(&mut settings, 0, &[INITIALIZE_MINT_2, DECIMALS])?;
    copy(&mut settings, 2, authority.as_ref())?;
    let initialize = InstructionView { program_id: TOKEN_2022, accounts: &accounts, data: &settings };
    invoke(&initialize, &[mint])
}

/// Writes the metadata into the mint; the config is its update authority, and no instruction uses that.
#[inline(never)]
pub fn initialize_metadata(mint: &AccountView, config: &AccountView, data: &[u8]) -> ProgramResult {
    let bump = [ids::energy_token::CONFIG_BUMP];
    let seeds = [Seed::from(CONFIG), Seed::from(&bump)];
    let accounts = [
        InstructionAccount::writable(mint.address()),
        InstructionAccount::readonly(config.address()),
        InstructionAccount::readonly(mint.address()),
        InstructionAccount::readonly_signer(config.address()),
    ];
    let instruction = InstructionView { program_id: TOKEN_2022, accounts: &accounts, data };
    invoke_signed(&instruction, &[mint, config, mint, config], &[Signer::from(&seeds)])
}

/// A tag and an amount.
#[inline(always)]
fn tagged(tag: u8, amount: u64) -> [u8; 9] {
    let [a, b, c, d, e, f, g, h] = amount.to_le_bytes();
    [tag, a, b, c, d, e, f, g, h]
}

/// Copies `bytes` to `at`.
#[inline(always)]
fn copy(target: &mut [u8], at: usize, bytes: &[u8]) -> ProgramResult {
    let end = at.wrapping_add(bytes.len());
    let place = target.get_mut(at..end).ok_or_else(|| refused(EnergyTokenError::MathOverflow))?;
    place.copy_from_slice(bytes);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::tagged;

    #[test]
    fn an_amount_follows_its_tag_in_little_endian() {
        assert_eq!(tagged(7, 0x0102), [7, 2, 1, 0, 0, 0, 0, 0, 0]);
    }
}
