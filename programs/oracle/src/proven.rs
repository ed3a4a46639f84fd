//! The device-proven door: where things lie in its data, and what a statement must be.
use gridtokenx_guards::{ed25519::Place, refused, require, Key};
use gridtokenx_interface::{
    messages::{Statement, REGISTER_MAGIC},
    oracle::{Config, OracleError, ProvenReading, OWNER_ALONE_AFTER_S},
    registry::Meter,
    settlement::key_counts,
    wire,
};
use pinocchio::{error::ProgramError, ProgramResult};

use crate::attestation::is_attester;

/// Discriminator, zones, count.
const FIRST: u16 = 13;
/// Key, signature and statement of one reading.
const STRIDE: u16 = ProvenReading::LEN as u16;
const _: () = assert!(ProvenReading::LEN == 160);

/// Where reading `index` lies in the instruction's data: key, signature, statement.
#[inline(always)]
pub fn place(index: usize) -> Result<Place, ProgramError> {
    let start = u16::try_from(index).ok().and_then(|index| index.checked_mul(STRIDE)).and_then(|at| at.checked_add(FIRST));
    let start = start.filter(|start| *start <= u16::MAX - STRIDE);
    let start = start.ok_or_else(|| refused(OracleError::TooManyReadings))?;
    Ok(Place { key: start, signature: start.wrapping_add(32), message: start.wrapping_add(96), message_length: Statement::LEN as u16 })
}

/// The statement in these bytes: of a register, of this deployment, of this meter, signed by a key that counts at its time.
#[inline(always)]
pub fn statement<'a>(message: &'a [u8], key: &Key, meter: &Meter, against: &Against) -> Result<&'a Statement, ProgramError> {
    let (statement, _) = wire::split::<Statement>(message).ok_or_else(|| refused(OracleError::WrongStatement))?;
    require(statement.magic == REGISTER_MAGIC, OracleError::WrongStatement)?;
    require(statement.network == against.config.network, OracleError::WrongNetwork)?;
    require(statement.meter_id == meter.meter_id, OracleError::WrongMeter)?;
    require(key_counts(meter, key, statement.measured_at, against.now), OracleError::WrongKey)?;
    Ok(statement)
}

/// What statements are checked against.
pub struct Against<'a> {
    /// The oracle's settings.
    pub config: &'a Config,
    /// The chain's clock, Unix seconds.
    pub now: u64,
}

impl Against<'_> {
    /// The submitter is an attester, or the meter's owner after seven days without an update: a quarantine can't be bypassed sooner.
    #[inline(always)]
    pub fn require_submitter(&self, submitter: &Key, meter: &Meter) -> ProgramResult {
        if is_attester(self.config, submitter) {
            return Ok(());
        }
        require(*submitter == meter.owner, OracleError::NotAttester)?;
        let updated_at = meter.credited_at.max(meter.bound_at);
        let waited = self.now.saturating_sub(updated_at);
        require(waited >= OWNER_ALONE_AFTER_S, OracleError::OwnerTooEarly)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWNER: Key = Key([3; 32]);
    const NOW: u64 = 2_000_000_000;

    fn meter() -> Meter {
        let mut meter = Meter::zeroed();
        meter.owner = OWNER;
        meter.bound_at = NOW - 2 * OWNER_ALONE_AFTER_S;
        meter.credited_at = NOW - OWNER_ALONE_AFTER_S;
        meter
    }

    fn submit(submitter: Key, meter: &Meter) -> ProgramResult {
        let mut config = Config::zeroed();
        (config.attesters[0], config.attester_count) = (Key([1; 32]), 1);
        Against { config: &config, now: NOW }.require_submitter(&submitter, meter)
    }

    #[test]
    fn readings_lie_one_behind_the_other() {
        assert_eq!(place(0).unwrap(), Place { key: 13, signature: 45, message: 109, message_length: 64 });
        assert_eq!(place(2).unwrap().key, 13 + 320);
    }

    #[test]
    fn a_place_beyond_sixteen_bits_is_refused() {
        assert!(place(408).is_ok());
        assert!(place(409).is_err());
        assert!(place(usize::MAX).is_err());
    }

    #[test]
    fn an_attester_may_submit_at_any_time() {
        assert_eq!(submit(Key([1; 32]), &meter()), Ok(()));
    }

    #[test]
    fn the_owner_may_submit_after_seven_days_and_not_a_second_sooner() {
        let mut recent = meter();
        recent.credited_at += 1;
        assert_eq!(submit(OWNER, &meter()), Ok(()));
        assert_eq!(submit(OWNER, &recent), Err(refused(OracleError::OwnerTooEarly)));
    }

    #[test]
    fn a_meter_just_bound_is_not_silent() {
        let mut bound = meter();
        (bound.credited_at, bound.bound_at) = (0, NOW);
        assert_eq!(submit(OWNER, &bound), Err(refused(OracleError::OwnerTooEarly)));
    }

    #[test]
    fn a_stranger_may_not_submit() {
        assert_eq!(submit(Key([4; 32]), &meter()), Err(refused(OracleError::NotAttester)));
    }
}
