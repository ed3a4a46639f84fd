//! The one call by which readings reach the registry, and what it made of them.
use core::mem::MaybeUninit;

use gridtokenx_guards::{address, load, refused, require, Bytes};
use gridtokenx_interface::{
    ids,
    oracle::{OracleError, CREDIT_ONLY},
    registry::{Meter, MeterReading, SubmitMeterReading, MAX_METERS},
    seeds,
    wire::bytes_of,
};
use pinocchio::{
    cpi::{invoke_signed_with_bounds, Seed, Signer},
    error::ProgramError,
    instruction::{InstructionAccount, InstructionView},
    AccountView, Address, ProgramResult,
};

/// Readings in one call: as many as the registry takes.
pub const MAX_READINGS: usize = MAX_METERS;
/// The registry's address.
const REGISTRY: &Address = address(&ids::registry::ID);
/// A transaction holds at most 64 accounts.
const MAX_ACCOUNTS: usize = 64;
/// Oracle authority, registry config, its event authority, the registry.
const FIXED_ACCOUNTS: usize = 4;
/// Accounts between the fixed ones and the zones, when the call settles.
const SETTLEMENT_ACCOUNTS: usize = 6;
/// Discriminator, proof, zones, count and the readings.
const LONGEST: usize = 14 + MAX_READINGS * MeterReading::LEN;
/// A reading's result and its settlement's.
const RESULT_LENGTH: usize = 2;

/// The registry's accounts as they were handed in.
pub struct RegistryAccounts<'a> {
    /// Signs for the oracle.
    pub oracle_authority: &'a AccountView,
    /// Settings.
    pub config: &'a AccountView,
    /// Signs its events.
    pub event_authority: &'a AccountView,
    /// The program.
    pub program: &'a AccountView,
    /// What follows, in the registry's order.
    pub remaining: &'a [AccountView],
}

/// The meters among the remaining accounts: all of them, or every second one behind settlement accounts and zones.
pub struct Meters<'a> {
    accounts: &'a [AccountView],
    step: usize,
}

impl<'a> Meters<'a> {
    /// Finds `count` meters.
    #[inline(always)]
    pub fn find(remaining: &'a [AccountView], zones: u8, count: usize) -> Result<Self, ProgramError> {
        require(count != 0, OracleError::NoReadings)?;
        require(count <= MAX_READINGS, OracleError::TooManyReadings)?;
        let (skipped, step) = match zones {
            CREDIT_ONLY => (0, 1),
            zones => (SETTLEMENT_ACCOUNTS.wrapping_add(usize::from(zones)), 2),
        };
        let accounts = remaining.get(skipped..).ok_or_else(|| refused(OracleError::MissingAccount))?;
        require(accounts.len() == count.wrapping_mul(step), OracleError::MissingAccount)?;
        Ok(Self { accounts, step })
    }

    /// The meter of reading `index`, which belongs to the registry.
    #[inline(always)]
    pub fn get(&self, index: usize) -> Result<&'a Meter, ProgramError> {
        let account = self.accounts.get(index.wrapping_mul(self.step));
        load::<Meter>(account.ok_or_else(|| refused(OracleError::MissingAccount))?, REGISTRY)
    }
}

/// The registry's instruction while it is put together.
pub struct Handover(Bytes<LONGEST>);

impl Handover {
    /// No bytes yet.
    #[inline(always)]
    pub fn new() -> Self {
        Self(Bytes::new())
    }

    /// Begins a call for `count` readings.
    #[inline(always)]
    pub fn begin(&mut self, proof: u8, zones: u8, count: usize) -> ProgramResult {
        self.0.push(&SubmitMeterReading::DISCRIMINATOR)?;
        self.0.push(&[proof, zones])?;
        self.0.push(&(count as u32).to_le_bytes())
    }

    /// Adds a reading.
    #[inline(always)]
    pub fn push(&mut self, reading: &MeterReading) -> ProgramResult {
        self.0.push(bytes_of(reading))
    }

    /// Calls the registry in the oracle's name.
    #[inline(never)]
    pub fn call(&self, accounts: &RegistryAccounts) -> ProgramResult {
        let mut metas = [const { MaybeUninit::<InstructionAccount>::uninit() }; MAX_ACCOUNTS];
        let mut views = [const { MaybeUninit::<AccountView>::uninit() }; MAX_ACCOUNTS];
        let fixed = [accounts.oracle_authority, accounts.config, accounts.event_authority, accounts.program];
        let all = fixed.into_iter().chain(accounts.remaining);
        for ((meta, view), account) in metas.iter_mut().zip(&mut views).zip(all) {
            meta.write(InstructionAccount::new(account.address(), account.is_writable(), account.is_signer()));
            view.write(*account);
        }
        if let Some(first) = metas.first_mut() {
            first.write(InstructionAccount::readonly_signer(accounts.oracle_authority.address()));
        }
        let count = FIXED_ACCOUNTS.wrapping_add(accounts.remaining.len());
        require(count <= MAX_ACCOUNTS, OracleError::TooManyReadings)?;
        // SAFETY: the loop wrote the first `count` entries of both arrays.
        let (metas, views) = unsafe {
            (core::slice::from_raw_parts(metas.as_ptr().cast(), count), core::slice::from_raw_parts(views.as_ptr().cast(), count))
        };
        invoke(&InstructionView { program_id: REGISTRY, accounts: metas, data: self.0.as_slice() }, views)
    }
}

/// Calls with the oracle's signature: a frame of its own, because the accounts need most of it.
#[inline(never)]
fn invoke(instruction: &InstructionView, accounts: &[AccountView]) -> ProgramResult {
    let bump = [ids::oracle::AUTHORITY_BUMP];
    let seeds = [Seed::from(seeds::AUTHORITY), Seed::from(&bump)];
    invoke_signed_with_bounds::<MAX_ACCOUNTS, AccountView>(instruction, accounts, &[Signer::from(&seeds)])
}

/// What the registry made of each reading: its return data, two bytes each.
pub struct Results {
    bytes: [u8; RESULT_LENGTH * MAX_READINGS],
}

impl Results {
    /// Reads the registry's answer to a call with `count` readings.
    #[inline(never)]
    pub fn read(count: usize) -> Result<Self, ProgramError> {
        let mut results = Self { bytes: [0; RESULT_LENGTH * MAX_READINGS] };
        let (length, program) = return_data(&mut results.bytes);
        let whole = length == count.wrapping_mul(RESULT_LENGTH) && program == *REGISTRY;
        require(whole, OracleError::WrongRegistry)?;
        Ok(results)
    }

    /// Result of reading `index` and of its settlement.
    #[inline(always)]
    pub fn get(&self, index: usize) -> (u8, u8) {
        let (pairs, _) = self.bytes.as_chunks::<RESULT_LENGTH>();
        pairs.get(index).map_or((u8::MAX, u8::MAX), |[reading, settlement]| (*reading, *settlement))
    }
}

/// Length of the return data and the program that set it.
#[cfg(any(target_os = "solana", target_arch = "bpf"))]
#[inline(always)]
fn return_data(buffer: &mut [u8]) -> (usize, Address) {
    let mut program = [0u8; 32];
    // SAFETY: the system call writes at most the buffer's length, and 32 bytes of program id.
    let length = unsafe { pinocchio::syscalls::sol_get_return_data(buffer.as_mut_ptr(), buffer.len() as u64, program.as_mut_ptr()) };
    (length as usize, Address::new_from_array(program))
}

/// There is no registry to call on the host.
#[cfg(not(any(target_os = "solana", target_arch = "bpf")))]
fn return_data(_buffer: &mut [u8]) -> (usize, Address) {
    (0, Address::default())
}
