//! Attested readings of several meters: k attesters have checked the devices' signatures, and answer for it with theirs.
use gridtokenx_guards::{load, load_mut, refused, require, require_accounts};
use gridtokenx_interface::{
    oracle::{AcceptedReading, AttestedReading, Config, MeterReadingAccepted, OracleError, Roots, SubmitReadingBatch, MAX_QUALITY},
    registry::{MeterReading, PROOF_ATTESTED},
    wire,
};
use pinocchio::{error::ProgramError, AccountView, ProgramResult};

use crate::{
    attestation::require_attested,
    events::{chain_time, Accepted},
    handover::{Handover, Meters, RegistryAccounts, Results},
    mountains, settings, PROGRAM_ID,
};

type Accounts = SubmitReadingBatch::Accounts<AccountView>;
type Args = SubmitReadingBatch::Args;

#[inline(never)]
pub fn submit_reading_batch(accounts: &[AccountView], data: &[u8]) -> ProgramResult {
    // Accounts
    require_accounts(accounts, SubmitReadingBatch::FLAGS, SubmitReadingBatch::PINNED)?;
    let (mut fixed, rest) = SubmitReadingBatch::Accounts::split(accounts).ok_or_else(|| refused(OracleError::MissingAccount))?;
    let (args, items) = settings::arguments_and_rest::<Args>(data)?;
    let readings = wire::items::<AttestedReading>(items).ok_or_else(|| refused(OracleError::MalformedInstruction))?;
    let (attesters, remaining) = rest.split_at_checked(usize::from(args.attesters)).ok_or_else(|| refused(OracleError::MissingAccount))?;
    let meters = Meters::find(remaining, args.zones, readings.len())?;

    // Checks
    let config = load::<Config>(&fixed.config, PROGRAM_ID)?;
    settings::require_open(config)?;
    require_attested(config, attesters)?;
    let batch = Batch { args, readings, meters: &meters };
    let mut handover = Handover::new();
    batch.fill(&mut handover)?;

    // Effect
    let head = record(&mut fixed, &batch)?;
    handover.call(&RegistryAccounts {
        oracle_authority: &fixed.oracle_authority,
        config: &fixed.registry_config,
        event_authority: &fixed.registry_event_authority,
        program: &fixed.registry_program,
        remaining,
    })?;
    batch.tell(&fixed.event_authority, &head)
}

/// Counts the readings and appends the batch to the range of roots.
#[inline(never)]
fn record(fixed: &mut Accounts, batch: &Batch) -> Result<MeterReadingAccepted, ProgramError> {
    let config = load_mut::<Config>(&mut fixed.config, PROGRAM_ID)?;
    let count = config.reading_count.checked_add(batch.readings.len() as u64);
    config.reading_count = count.ok_or_else(|| refused(OracleError::MathOverflow))?;
    let roots = load_mut::<Roots>(&mut fixed.roots, PROGRAM_ID)?;
    let number = mountains::append(roots, &batch.args.merkle_root, &config.rule_set_hash)?;
    let (timestamp, _) = chain_time()?;
    Ok(MeterReadingAccepted {
        proof: PROOF_ATTESTED,
        merkle_root: batch.args.merkle_root,
        batch: number,
        rule_set_hash: config.rule_set_hash,
        timestamp,
    })
}

/// What the attesters signed, and the meters that it is about.
struct Batch<'a> {
    args: &'a Args,
    readings: &'a [AttestedReading],
    meters: &'a Meters<'a>,
}

impl Batch<'_> {
    /// The reading as the registry takes it.
    #[inline(always)]
    fn unpack(&self, reading: &AttestedReading) -> Result<MeterReading, ProgramError> {
        let measured_at = { self.args.base_measured_at }.checked_add(u64::from(reading.measured_after_s));
        Ok(MeterReading {
            sequence: widen(&reading.sequence),
            measured_at: measured_at.ok_or_else(|| refused(OracleError::MathOverflow))?,
            entry_number: u64::from(reading.entry_number),
            generation_wh: widen(&reading.generation_wh),
            consumption_wh: widen(&reading.consumption_wh),
            quality: reading.quality,
        })
    }

    /// The registry's instruction.
    #[inline(never)]
    fn fill(&self, handover: &mut Handover) -> ProgramResult {
        handover.begin(PROOF_ATTESTED, self.args.zones, self.readings.len())?;
        for reading in self.readings {
            require(reading.quality <= MAX_QUALITY, OracleError::MalformedInstruction)?;
            handover.push(&self.unpack(reading)?)?;
        }
        Ok(())
    }

    /// Emits the readings with what the registry made of them.
    #[inline(never)]
    fn tell(&self, event_authority: &AccountView, head: &MeterReadingAccepted) -> ProgramResult {
        let results = Results::read(self.readings.len())?;
        let mut event = Accepted::new();
        event.begin(head, self.readings.len())?;
        for (index, packed) in self.readings.iter().enumerate() {
            let reading = self.unpack(packed)?;
            let (result, settlement) = results.get(index);
            event.push(&AcceptedReading {
                meter_id: self.meters.get(index)?.meter_id,
                sequence: reading.sequence,
                measured_at: reading.measured_at,
                generation_wh: reading.generation_wh,
                consumption_wh: reading.consumption_wh,
                result,
                settlement,
                quality: reading.quality,
            })?;
        }
        event.emit(event_authority)
    }
}

/// A number of fewer than eight little-endian bytes.
#[inline(always)]
fn widen<const N: usize>(bytes: &[u8; N]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::widen;

    #[test]
    fn short_numbers_are_little_endian() {
        assert_eq!(widen(&[1, 2, 0, 0, 0, 0]), 0x0201);
        assert_eq!(widen(&[0xff; 7]), (1 << 56) - 1);
    }
}
