//! registry: users, zones, metering points and the ledger of each. One file per instruction: accounts, checks, effect.
#![no_std]

pub mod arguments;
pub mod creation;
pub mod event;
pub mod instructions;
pub mod network;
pub mod proof;
pub mod roles;
pub mod settling;
pub mod token_account;

use gridtokenx_guards::{address, refused, require_event_authority};
use gridtokenx_interface::{ids, registry as layout, registry::RegistryError, EVENT_TAG};
use pinocchio::{AccountView, Address, ProgramResult};

/// This program's address, from `program-ids.toml`.
pub const ID: &Address = address(&ids::registry::ID);

/// Sends the instruction to its file by the first 8 bytes of its data.
pub fn process_instruction(_program_id: &Address, accounts: &mut [AccountView], data: &[u8]) -> ProgramResult {
    use instructions as i;
    let discriminator = data.first_chunk::<8>().ok_or_else(|| refused(RegistryError::MalformedInstruction))?;
    match *discriminator {
        layout::SubmitMeterReading::DISCRIMINATOR => i::submit_meter_reading::process(accounts, data),
        EVENT_TAG => require_event_authority(accounts, &ids::registry::EVENT_AUTHORITY),
        layout::SettleMeterBalance::DISCRIMINATOR => i::settle_meter_balance::process(accounts, data),
        layout::SettleAndMintTokens::DISCRIMINATOR => i::settle_and_mint_tokens::process(accounts, data),
        layout::GetUnsettledBalance::DISCRIMINATOR => i::get_unsettled_balance::process(accounts, data),
        layout::RegisterUser::DISCRIMINATOR => i::register_user::process(accounts, data),
        layout::VerifyUser::DISCRIMINATOR => i::verify_user::process(accounts, data),
        layout::RegisterMeter::DISCRIMINATOR => i::register_meter::process(accounts, data),
        layout::SetMeterStatus::DISCRIMINATOR => i::set_meter_status::process(accounts, data),
        layout::ResumeMeter::DISCRIMINATOR => i::resume_meter::process(accounts, data),
        layout::RotateDeviceKey::DISCRIMINATOR => i::rotate_device_key::process(accounts, data),
        layout::RevokeDeviceKey::DISCRIMINATOR => i::revoke_device_key::process(accounts, data),
        layout::RecordCorrection::DISCRIMINATOR => i::record_correction::process(accounts, data),
        layout::ApplyCorrection::DISCRIMINATOR => i::apply_correction::process(accounts, data),
        layout::CancelCorrection::DISCRIMINATOR => i::cancel_correction::process(accounts, data),
        layout::SetCorrectionLimits::DISCRIMINATOR => i::set_correction_limits::process(accounts, data),
        layout::CreateZone::DISCRIMINATOR => i::create_zone::process(accounts, data),
        layout::SetZone::DISCRIMINATOR => i::set_zone::process(accounts, data),
        layout::AcceptZoneAuthority::DISCRIMINATOR => i::accept_zone_authority::process(accounts, data),
        layout::SetPaused::DISCRIMINATOR => i::set_paused::process(accounts, data),
        layout::SetRoles::DISCRIMINATOR => i::set_roles::process(accounts, data),
        layout::ProposeAuthority::DISCRIMINATOR => i::propose_authority::process(accounts, data),
        layout::AcceptAuthority::DISCRIMINATOR => i::accept_authority::process(accounts, data),
        layout::Initialize::DISCRIMINATOR => i::initialize::process(accounts, data),
        _ => Err(refused(RegistryError::UnknownInstruction)),
    }
}

#[cfg(feature = "entrypoint")]
mod entry {
    // A transaction locks at most 64 accounts.
    pinocchio::program_entrypoint!(crate::process_instruction, 64);
    pinocchio::no_allocator!();
    pinocchio::nostd_panic_handler!();
}
