//! A wallet registers: user account, token account at its own cost, revocable burn delegation.
use gridtokenx_guards::{address, key, load_mut, refused, require, require_accounts};
use gridtokenx_interface::{
    ids,
    registry::{Config, RegisterUser, RegistryError, User, UserRegistered, USER_ACTIVE, USER_KINDS},
    seeds,
};
use pinocchio::{
    cpi::invoke,
    instruction::{InstructionAccount, InstructionView},
    AccountView, ProgramResult,
};
use pinocchio_token_2022::instructions::Approve;

use crate::{
    arguments::arguments,
    creation::{create, Birth},
    event::{chain_time, emit},
    token_account::burnable,
    ID,
};

/// The associated token program's instruction that accepts an account that exists already.
const CREATE_IDEMPOTENT: [u8; 1] = [1];

/// See the interface.
#[inline(never)]
pub fn process(accounts: &mut [AccountView], data: &[u8]) -> ProgramResult {
    // Accounts
    require_accounts(accounts, RegisterUser::FLAGS, RegisterUser::PINNED)?;
    let (mut a, _) = RegisterUser::Accounts::split(accounts).ok_or_else(|| refused(RegistryError::MissingAccount))?;
    let args = arguments::<RegisterUser::Args>(data)?;

    // Checks
    require(USER_KINDS.contains(&args.kind), RegistryError::InvalidKind)?;
    let wallet = *key(a.wallet.address());
    let (timestamp, now) = chain_time()?;

    // Effect
    create_token_account(&a)?;
    Approve::new(&a.token_account, &a.registry_authority, &a.wallet, u64::MAX).invoke()?;
    require(burnable(&a.token_account, &wallet).is_some(), RegistryError::UnfitTokenAccount)?;
    let birth = Birth { payer: &a.wallet, kind: seeds::USER, name: &wallet.0 };
    let (user, bump) = create::<User>(&mut a.user, &birth)?;
    user.wallet = wallet;
    user.token_account = *key(a.token_account.address());
    user.registered_at = now;
    user.kind = args.kind;
    user.status = USER_ACTIVE;
    user.bump = bump;
    let config = load_mut::<Config>(&mut a.config, ID)?;
    config.user_count = config.user_count.saturating_add(1);
    let event = UserRegistered { wallet, token_account: user.token_account, kind: args.kind, timestamp };
    emit(&a.event_authority, &UserRegistered::DISCRIMINATOR, &event)
}

/// The associated token program refuses an account that is not the wallet's for this mint.
#[inline(never)]
fn create_token_account(a: &RegisterUser::Accounts<AccountView>) -> ProgramResult {
    let accounts = [
        InstructionAccount::writable_signer(a.wallet.address()),
        InstructionAccount::writable(a.token_account.address()),
        InstructionAccount::readonly(a.wallet.address()),
        InstructionAccount::readonly(a.mint.address()),
        InstructionAccount::readonly(a.system_program.address()),
        InstructionAccount::readonly(a.token_program.address()),
    ];
    let instruction = InstructionView { program_id: address(&ids::ASSOCIATED_TOKEN), accounts: &accounts, data: &CREATE_IDEMPOTENT };
    invoke(&instruction, &[&a.wallet, &a.token_account, &a.wallet, &a.mint, &a.system_program, &a.token_program])
}
