//! Running totals of the config, and the amounts of one call.
use gridtokenx_guards::refused;
use gridtokenx_interface::{
    energy_token::{Amount, EnergyTokenError},
    wire::{self, U128},
};
use pinocchio::{error::ProgramError, AccountView, ProgramResult};

/// Adds base units to a total.
#[inline(always)]
pub fn add(total: &mut U128, amount: u64) -> ProgramResult {
    let sum = total.get().checked_add(u128::from(amount));
    *total = U128::new(sum.ok_or_else(|| refused(EnergyTokenError::MathOverflow))?);
    Ok(())
}

/// The amounts of a call, one for each token account, none of them zero, and their sum.
#[inline(always)]
pub fn amounts<'a>(data: &'a [u8], token_accounts: &[AccountView]) -> Result<(&'a [Amount], u64), ProgramError> {
    let items = wire::items::<Amount>(data).ok_or_else(|| refused(EnergyTokenError::MalformedInstruction))?;
    if items.is_empty() || items.len() != token_accounts.len() {
        return Err(refused(EnergyTokenError::MalformedInstruction));
    }
    let mut sum = 0u64;
    for item in items {
        let amount = item.amount;
        if amount == 0 {
            return Err(refused(EnergyTokenError::ZeroAmount));
        }
        sum = sum.checked_add(amount).ok_or_else(|| refused(EnergyTokenError::MathOverflow))?;
    }
    Ok((items, sum))
}

#[cfg(test)]
mod tests {
    use super::{add, refused, EnergyTokenError, U128};

    #[test]
    fn a_total_grows_beyond_64_bits() {
        let mut total = U128::new(u128::from(u64::MAX));
        assert_eq!(add(&mut total, 1), Ok(()));
        assert_eq!(total.get(), 1 << 64);
    }

    #[test]
    fn a_total_does_not_wrap() {
        let mut total = U128::new(u128::MAX);
        assert_eq!(add(&mut total, 1), Err(refused(EnergyTokenError::MathOverflow)));
        assert_eq!(total.get(), u128::MAX);
    }
}
