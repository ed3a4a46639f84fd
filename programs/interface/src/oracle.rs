//! oracle: takes readings by two doors, device-proven and attested, and hands them to the registry.

use crate::ids;
use crate::messages::{MeterId, Statement};
use crate::wire::{Key, Place, Program, Ty, READ, SIGNER, WRITABLE};

/// Most attesters.
pub const MAX_ATTESTERS: usize = 8;
/// Most attesters that a batch needs: their signatures share one transaction.
pub const MAX_THRESHOLD: u8 = 3;
/// Peaks of the range of roots: enough for 2^32 batches, after which the next range begins with the whole of this one.
pub const MAX_PEAKS: usize = 32;
/// Best quality score; worst is 0.
pub const MAX_QUALITY: u8 = 100;
/// `paused` bit: no reading is taken. Its value is that of the registry's credit bit.
pub const PAUSE_CREDIT: u8 = 1;
/// `zones` value that credits without settling.
pub const CREDIT_ONLY: u8 = 255;
/// An owner may submit without an attester after this long without an update, seconds.
pub const OWNER_ALONE_AFTER_S: u64 = 7 * 86_400;

account! {
    /// The oracle's settings.
    Config: 416 => {
        /// Sets attesters, rules and pause.
        authority: Key,
        /// Proposed next authority; zero when none.
        pending_authority: Key,
        /// Attesters; zero where unused.
        attesters: [Key; MAX_ATTESTERS],
        /// SHA-256 of the rule set that attesters apply.
        rule_set_hash: [u8; 32],
        /// The network bytes, as in the registry.
        network: [u8; 8],
        /// Readings handed over in all.
        reading_count: u64,
        /// Attesters in use.
        attester_count: u8,
        /// Attesters that a batch needs, 1–3; 0 refuses every batch.
        threshold: u8,
        /// Paused steps: credit 1.
        paused: u8,
        /// Bump of this account's address.
        bump: u8,
        /// Zero.
        reserved: [u8; 36],
    }
}

account! {
    /// A mountain range of the Merkle roots of attested batches.
    Roots: 1048 => {
        /// Batches appended, in all ranges.
        count: u64,
        /// Peak of height i < 32; it counts where bit i of `count` is 1. Where these bits are all 0, the last one is the whole range before.
        peaks: [[u8; 32]; MAX_PEAKS],
        /// Bump of this account's address.
        bump: u8,
        /// Zero.
        reserved: [u8; 7],
    }
}

record! {
    /// One device-proven reading; the Ed25519 instruction points into it.
    ProvenReading {
        /// The device's key.
        key: Key,
        /// Its signature.
        signature: [u8; 64],
        /// What it signed.
        statement: Statement,
    }
}

record! {
    /// One attested reading, packed so that twenty fit a transaction.
    AttestedReading {
        /// Strictly increasing per meter.
        entry_number: u32,
        /// Highest sequence, 6 bytes little-endian.
        sequence: [u8; 6],
        /// End of the period, seconds after `base_measured_at`.
        measured_after_s: u32,
        /// Export register or generation in all, Wh, 7 bytes little-endian.
        generation_wh: [u8; 7],
        /// Import register or consumption in all, Wh, 7 bytes little-endian.
        consumption_wh: [u8; 7],
        /// Quality score 0–100.
        quality: u8,
    }
}

record! {
    /// What became of one reading.
    AcceptedReading {
        /// The meter.
        meter_id: MeterId,
        /// Highest sequence.
        sequence: u64,
        /// End of the period, Unix seconds.
        measured_at: u64,
        /// Export register or generation in all, Wh.
        generation_wh: u64,
        /// Import register or consumption in all, Wh.
        consumption_wh: u64,
        /// A `ReadingResult`.
        result: u8,
        /// A `SettlementResult`.
        settlement: u8,
        /// Quality score 0–100.
        quality: u8,
    }
}

event! {
    /// Readings were handed to the registry; those with result 0 were credited.
    MeterReadingAccepted {
        /// 1 device, 2 attested.
        proof: u8,
        /// Merkle root of an attested batch; zero when device-proven.
        merkle_root: [u8; 32],
        /// Number of the batch in the range of roots, from 1; 0 when device-proven.
        batch: u64,
        /// Rule set of the batch.
        rule_set_hash: [u8; 32],
        /// Chain time, Unix seconds.
        timestamp: i64,
    } [items: Ty::Vec(&AcceptedReading::RECORD)]
}
event! {
    /// The oracle was set up.
    OracleInitialized {
        /// First authority.
        authority: Key,
        /// The network bytes.
        network: [u8; 8],
    }
}
event! {
    /// An authority was proposed.
    AuthorityProposed {
        /// Who proposes.
        authority: Key,
        /// Who may accept.
        pending_authority: Key,
    }
}
event! {
    /// An authority was accepted.
    AuthorityChanged {
        /// Who it was.
        old_authority: Key,
        /// Who it is.
        new_authority: Key,
    }
}
event! {
    /// Attesters and threshold were set.
    AttestersChanged {
        /// Attesters; zero where unused.
        attesters: [Key; MAX_ATTESTERS],
        /// How many.
        attester_count: u8,
        /// How many a batch needs.
        threshold: u8,
    }
}
event! {
    /// The rule set was changed.
    RuleSetChanged {
        /// Its SHA-256.
        rule_set_hash: [u8; 32],
    }
}
event! {
    /// The oracle was paused or resumed.
    PausedChanged {
        /// The bits now.
        paused: u8,
    }
}

errors! {
    /// What the oracle refuses.
    OracleError {
        NotAttester = 6040 "A signer is not an attester, or signs twice.",
        NotEnoughAttesters = 6041 "Fewer attesters signed than the threshold asks for, or no threshold is set.",
        OwnerTooEarly = 6042 "The owner may submit alone only after seven days without an update.",
        WrongKey = 6043 "The key is not the meter's, or not at that time.",
        WrongStatement = 6044 "The statement is not a register statement.",
        WrongMeter = 6045 "The statement names another meter than the account.",
        NoReadings = 6046 "The batch is empty.",
        TooManyReadings = 6047 "The batch is longer than one call takes.",
        InvalidAttesters = 6048 "Attesters are zero or repeated, or the threshold does not fit them.",
        RootsFull = 6049 "The range of roots is full.",
        WrongRegistry = 6050 "The called registry is not the pinned one, or is not set up.",
    }
}

const CONFIG: Place = Place::Fixed(ids::oracle::CONFIG);
const ROOTS: Place = Place::Fixed(ids::oracle::ROOTS);
const AUTHORITY: Place = Place::Fixed(ids::oracle::AUTHORITY);
const EVENT_AUTHORITY: Place = Place::Fixed(ids::oracle::EVENT_AUTHORITY);
const SELF: Place = Place::Fixed(ids::oracle::ID);
const REGISTRY: Place = Place::Fixed(ids::registry::ID);
const REGISTRY_CONFIG: Place = Place::Fixed(ids::registry::CONFIG);
const REGISTRY_EVENTS: Place = Place::Fixed(ids::registry::EVENT_AUTHORITY);

instruction! {
    /// Sets the oracle up, once, by the program's upgrade authority. No attester is set: every batch is refused until `set_attesters`.
    Initialize = "initialize" {
        args {
            /// The chain's genesis hash.
            genesis_hash: [u8; 32],
            /// First authority.
            authority: Key,
            /// SHA-256 of the rule set.
            rule_set_hash: [u8; 32],
        }
        accounts {
            /// Pays for the accounts.
            payer: SIGNER | WRITABLE,
            /// The program's upgrade authority.
            upgrade_authority: SIGNER,
            /// The program's data account.
            program_data: READ => Place::Fixed(ids::oracle::PROGRAM_DATA),
            /// Created here.
            config: WRITABLE => CONFIG,
            /// Created here.
            roots: WRITABLE => ROOTS,
            /// Creates accounts.
            system_program: READ => Place::Fixed(ids::SYSTEM),
            /// Signs events.
            event_authority: READ => EVENT_AUTHORITY,
            /// This program.
            program: READ => SELF,
        }
    }
}
instruction! {
    /// Proposes the next authority; it changes when that key accepts.
    ProposeAuthority = "propose_authority" {
        args {
            /// Who may accept; zero withdraws.
            new_authority: Key,
        }
        accounts {
            /// The authority.
            authority: SIGNER,
            /// Settings.
            config: WRITABLE => CONFIG,
            /// Signs events.
            event_authority: READ => EVENT_AUTHORITY,
            /// This program.
            program: READ => SELF,
        }
    }
}
instruction! {
    /// The proposed authority takes over.
    AcceptAuthority = "accept_authority" {
        args {}
        accounts {
            /// The proposed authority.
            pending_authority: SIGNER,
            /// Settings.
            config: WRITABLE => CONFIG,
            /// Signs events.
            event_authority: READ => EVENT_AUTHORITY,
            /// This program.
            program: READ => SELF,
        }
    }
}
instruction! {
    /// Sets attesters and threshold.
    SetAttesters = "set_attesters" {
        args {
            /// Attesters; zero where unused, at the end.
            attesters: [Key; MAX_ATTESTERS],
            /// How many a batch needs, 1–3.
            threshold: u8,
        }
        accounts {
            /// The authority.
            authority: SIGNER,
            /// Settings.
            config: WRITABLE => CONFIG,
            /// Signs events.
            event_authority: READ => EVENT_AUTHORITY,
            /// This program.
            program: READ => SELF,
        }
    }
}
instruction! {
    /// Sets the hash of the rule set that attesters apply.
    SetRuleSet = "set_rule_set" {
        args {
            /// SHA-256.
            rule_set_hash: [u8; 32],
        }
        accounts {
            /// The authority.
            authority: SIGNER,
            /// Settings.
            config: WRITABLE => CONFIG,
            /// Signs events.
            event_authority: READ => EVENT_AUTHORITY,
            /// This program.
            program: READ => SELF,
        }
    }
}
instruction! {
    /// Pauses or resumes the doors.
    SetPaused = "set_paused" {
        args {
            /// Bits: credit 1.
            paused: u8,
        }
        accounts {
            /// The authority.
            authority: SIGNER,
            /// Settings.
            config: WRITABLE => CONFIG,
            /// Signs events.
            event_authority: READ => EVENT_AUTHORITY,
            /// This program.
            program: READ => SELF,
        }
    }
}
instruction! {
    /// Device-proven readings of several meters; the instruction before is their Ed25519 check and points into this one's data.
    /// The remaining accounts are those of the registry's `submit_meter_reading` after its first four.
    SubmitMeterReading = "submit_meter_reading" {
        args {
            /// How many zones are passed; 255 credits without settling.
            zones: u8,
        }
        tail { readings: Ty::Vec(&ProvenReading::RECORD) }
        accounts {
            /// An attester, or the owner after seven days without an update.
            submitter: SIGNER,
            /// Settings.
            config: WRITABLE => CONFIG,
            /// Where the signature checks are read.
            instructions: READ => Place::Fixed(ids::INSTRUCTIONS_SYSVAR),
            /// Signs events.
            event_authority: READ => EVENT_AUTHORITY,
            /// This program.
            program: READ => SELF,
            /// Signs for the oracle.
            oracle_authority: READ => AUTHORITY,
            /// The registry program.
            registry_program: READ => REGISTRY,
            /// Its settings.
            registry_config: READ => REGISTRY_CONFIG,
            /// Signs its events.
            registry_event_authority: READ => REGISTRY_EVENTS,
        }
        remaining "zones 255: the meters [writable]. Else: registry authority, energy token program, its config [writable], mint [writable], its event authority, Token-2022; then the zones [writable]; then for each meter: meter [writable], token account [writable]."
    }
}
instruction! {
    /// Attested readings of several meters, signed by as many attesters as the threshold asks for; adds the batch's Merkle root to the range of roots.
    SubmitReadingBatch = "submit_reading_batch" {
        args {
            /// How many attesters sign: the first of the remaining accounts.
            attesters: u8,
            /// How many zones are passed; 255 credits without settling.
            zones: u8,
            /// Root over H(0 ‖ statement ‖ signature ‖ key) of all readings behind this batch.
            merkle_root: [u8; 32],
            /// Times of the readings count from here, Unix seconds.
            base_measured_at: u64,
        }
        tail { readings: Ty::Vec(&AttestedReading::RECORD) }
        accounts {
            /// Settings.
            config: WRITABLE => CONFIG,
            /// The range of roots.
            roots: WRITABLE => ROOTS,
            /// Signs events.
            event_authority: READ => EVENT_AUTHORITY,
            /// This program.
            program: READ => SELF,
            /// Signs for the oracle.
            oracle_authority: READ => AUTHORITY,
            /// The registry program.
            registry_program: READ => REGISTRY,
            /// Its settings.
            registry_config: READ => REGISTRY_CONFIG,
            /// Signs its events.
            registry_event_authority: READ => REGISTRY_EVENTS,
        }
        remaining "the attesters [signer]; then as in submit_meter_reading."
    }
}

/// The program, for the IDL.
pub const PROGRAM: Program = Program {
    name: "oracle",
    docs: &["Takes meters' readings by two doors and hands them to the registry."],
    id: ids::oracle::ID,
    instructions: &[
        Initialize::INSTRUCTION,
        ProposeAuthority::INSTRUCTION,
        AcceptAuthority::INSTRUCTION,
        SetAttesters::INSTRUCTION,
        SetRuleSet::INSTRUCTION,
        SetPaused::INSTRUCTION,
        SubmitMeterReading::INSTRUCTION,
        SubmitReadingBatch::INSTRUCTION,
    ],
    accounts: &[Config::TYPE, Roots::TYPE],
    events: &[
        MeterReadingAccepted::EVENT,
        OracleInitialized::EVENT,
        AuthorityProposed::EVENT,
        AuthorityChanged::EVENT,
        AttestersChanged::EVENT,
        RuleSetChanged::EVENT,
        PausedChanged::EVENT,
    ],
    errors: ERRORS,
};
