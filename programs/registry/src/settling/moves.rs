//! The mints or burns that one batch asks for.
use gridtokenx_guards::refused;
use gridtokenx_interface::registry::{RegistryError, MAX_METERS};
use pinocchio::{AccountView, ProgramResult};

/// Which meter's token account, and how much.
pub struct Moves {
    count: usize,
    meters: [u8; MAX_METERS],
    amounts_wh: [u64; MAX_METERS],
}

impl Moves {
    /// None yet.
    #[inline(always)]
    pub fn new() -> Self {
        Self { count: 0, meters: [0; MAX_METERS], amounts_wh: [0; MAX_METERS] }
    }

    /// How many.
    #[inline(always)]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Adds one.
    #[inline(always)]
    pub fn add(&mut self, meter: u8, amount_wh: u64) -> ProgramResult {
        let places = self.meters.get_mut(self.count).zip(self.amounts_wh.get_mut(self.count));
        let (place, amount) = places.ok_or_else(|| refused(RegistryError::TooManyMeters))?;
        (*place, *amount) = (meter, amount_wh);
        self.count = self.count.saturating_add(1);
        Ok(())
    }

    /// Each with its token account.
    #[inline(always)]
    pub fn each<'a>(&'a self, pairs: &'a [AccountView]) -> impl Iterator<Item = (&'a AccountView, u64)> {
        let planned = self.meters.iter().zip(&self.amounts_wh).take(self.count);
        planned.filter_map(move |(meter, amount)| {
            let at = usize::from(*meter).saturating_mul(2).saturating_add(1);
            pairs.get(at).map(|account| (account, *amount))
        })
    }

    /// What is planned already for a token account: two meters of one owner share it.
    #[inline(always)]
    pub fn planned_wh(&self, pairs: &[AccountView], account: &AccountView) -> u64 {
        let mut sum = 0u64;
        for (other, amount) in self.each(pairs) {
            if other.account_ptr() == account.account_ptr() {
                sum = sum.saturating_add(amount);
            }
        }
        sum
    }
}
