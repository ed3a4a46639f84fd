//! registry: users, zones, metering points and the ledger of each.

use crate::ids;
use crate::messages::{Binding, MeterId, Rotation};
use crate::wire::{Key, Place, Program, Seed, Ty, OPTIONAL, READ, SIGNER, WRITABLE};

/// `paused` bit: no reading is credited.
pub const PAUSE_CREDIT: u8 = 1;
/// `paused` bit: nothing is minted or burned.
pub const PAUSE_MINT: u8 = 2;
/// `paused` bit: no trade (read by the trading program).
pub const PAUSE_TRADE: u8 = 4;
/// `paused` bit: nothing is certified.
pub const PAUSE_CERTIFY: u8 = 8;
/// All `paused` bits.
pub const PAUSE_ALL: u8 = 15;

/// Statement kind: lifetime registers.
pub const KIND_REGISTER: u8 = 1;
/// Statement kind: energy per interval.
pub const KIND_INTERVAL: u8 = 2;
/// Proof: the device's signature is checked on chain.
pub const PROOF_DEVICE: u8 = 1;
/// Proof: attesters checked the device's signature.
pub const PROOF_ATTESTED: u8 = 2;
/// Asset kinds: 1 solar, 2 wind, 3 battery, 4 residential, 5 commercial.
pub const ASSET_KINDS: core::ops::RangeInclusive<u8> = 1..=5;
/// User kinds: 1 prosumer, 2 consumer, 3 generator, 4 aggregator.
pub const USER_KINDS: core::ops::RangeInclusive<u8> = 1..=4;

/// Meter status: no device may report yet.
pub const STATUS_PENDING: u8 = 1;
/// Meter status: readings are credited.
pub const STATUS_ACTIVE: u8 = 2;
/// Meter status: nothing is credited; what is credited still settles.
pub const STATUS_SUSPENDED: u8 = 3;
/// Meter status: final.
pub const STATUS_RETIRED: u8 = 4;
/// User status: in order.
pub const USER_ACTIVE: u8 = 1;

/// Device key status: in use.
pub const KEY_ACTIVE: u8 = 1;
/// Device key status: replaced; still counts for what it measured before the change.
pub const KEY_ROTATED: u8 = 2;
/// Device key status: counts for nothing.
pub const KEY_REVOKED: u8 = 3;

/// Zone cap that never binds.
pub const NO_CAP: u64 = u64::MAX;
/// Meters in one call: 64 accounts less the fixed ones, two each.
pub const MAX_METERS: usize = 24;
/// Zones in one call.
pub const MAX_ZONES: usize = 4;
/// How long a rotated key's late statements are taken, and how long no second rotation happens, seconds.
pub const ROTATION_GRACE_S: u64 = 7 * 86_400;
/// How far a signed time may lie ahead of the chain's clock, seconds.
pub const MAX_AHEAD_S: u64 = 900;

/// How old the base of a resumption may be, seconds: an older one could have been signed before the suspension, and its gap would count.
pub const MAX_BASE_AGE_S: u64 = 3_600;

account! {
    /// The registry's settings and pins.
    Config: 536 => {
        /// Changes settings, verifies users, creates zones, corrects (with the auditor).
        authority: Key,
        /// Proposed next authority; zero when none.
        pending_authority: Key,
        /// Signs for the platform when meters are registered.
        provisioner: Key,
        /// Second signer of corrections; never the authority.
        auditor: Key,
        /// The oracle program.
        oracle_program: Key,
        /// The only signer of `submit_meter_reading`: the oracle's derived address.
        oracle_authority: Key,
        /// The energy token program.
        energy_token_program: Key,
        /// The energy token's mint.
        energy_mint: Key,
        /// The governance program; zero refuses certification.
        governance_program: Key,
        /// The chain's genesis hash, given at `initialize`.
        genesis_hash: [u8; 32],
        /// First 8 bytes of SHA-256(`gridtokenx-network` ‖ genesis hash ‖ program id).
        network: [u8; 8],
        /// Most that corrections may move on one meter in a window, Wh.
        correction_cap_wh: u64,
        /// Length of that window, seconds.
        correction_window_s: u64,
        /// How long a positive correction waits before it counts, seconds.
        correction_delay_s: u64,
        /// Users registered.
        user_count: u64,
        /// Meters registered.
        meter_count: u64,
        /// Zones created.
        zone_count: u32,
        /// Paused steps: credit 1, mint 2, trade 4, certify 8.
        paused: u8,
        /// Bump of this account's address.
        bump: u8,
        /// Zero.
        reserved: [u8; 154],
    }
}

account! {
    /// A wallet that takes part.
    User: 144 => {
        /// The wallet.
        wallet: Key,
        /// Its energy token account.
        token_account: Key,
        /// Unix seconds.
        registered_at: u64,
        /// Unix seconds; 0 while not verified.
        verified_at: u64,
        /// Zone, set by the authority.
        zone: u32,
        /// Meters bound to the wallet.
        meter_count: u32,
        /// 1 prosumer, 2 consumer, 3 generator, 4 aggregator.
        kind: u8,
        /// 1 active.
        status: u8,
        /// 1 when verified.
        verified: u8,
        /// Bump of this account's address.
        bump: u8,
        /// Zero.
        reserved: [u8; 44],
    }
}

account! {
    /// A grid zone and its mint cap.
    Zone: 176 => {
        /// May change cap and window.
        authority: Key,
        /// Proposed next authority; zero when none.
        pending_authority: Key,
        /// Most that may be minted in a window, Wh; 2^64 − 1 never binds.
        mint_cap_wh: u64,
        /// Length of the window, seconds.
        window_s: u64,
        /// Start of the current window, Unix seconds.
        window_started_at: u64,
        /// Minted in the current window, Wh.
        minted_in_window_wh: u64,
        /// Minted in all, Wh.
        minted_wh: u64,
        /// Zone id.
        id: u32,
        /// Meters in the zone.
        meter_count: u32,
        /// Bump of this account's address.
        bump: u8,
        /// Zero.
        reserved: [u8; 55],
    }
}

account! {
    /// A metering point and its ledger.
    Meter: 608 => {
        /// 1–16 characters, padded with zeroes.
        meter_id: MeterId,
        /// The wallet that it earns for.
        owner: Key,
        /// Offered to; zero when none (transfer comes later).
        pending_owner: Key,
        /// The device's key; zero when revoked.
        device_key: Key,
        /// The key before the last rotation; zero when none.
        previous_device_key: Key,
        /// The owner's energy token account.
        token_account: Key,
        /// Evidence of the last correction.
        correction_evidence: [u8; 32],
        /// Unix seconds until which an offer stands.
        offer_expires_at: u64,
        /// The current key signs from here, Unix seconds.
        key_valid_from: u64,
        /// The previous key's statements measured before this count, Unix seconds.
        previous_key_valid_until: u64,
        /// When the key was last changed, chain time.
        key_changed_at: u64,
        /// Rated export power, W.
        rated_power_out_w: u64,
        /// Rated import power, W.
        rated_power_in_w: u64,
        /// Export register last seen, Wh.
        raw_generation_wh: u64,
        /// Import register last seen, Wh.
        raw_consumption_wh: u64,
        /// Highest sequence credited.
        last_sequence: u64,
        /// Highest attested entry credited.
        entry_number: u64,
        /// End of the last credited period, Unix seconds.
        last_measured_at: u64,
        /// Generation credited since the base, Wh.
        credited_generation_wh: u64,
        /// Consumption credited since the base, Wh.
        credited_consumption_wh: u64,
        /// Sum of corrections that count, Wh.
        correction_net_wh: i64,
        /// Minted less burned, Wh.
        settled_net_wh: i64,
        /// Minted in all, Wh.
        minted_wh: u64,
        /// Burned in all, Wh.
        burned_wh: u64,
        /// Certified up to this generated Wh.
        certified_wh: u64,
        /// Generation that the plate allows now, tenths of W·s; at least −36,000 (one Wh).
        generation_budget: i64,
        /// Consumption that the plate allows now, tenths of W·s; at least −36,000 (one Wh).
        consumption_budget: i64,
        /// Positive correction that waits, Wh; 0 when none.
        pending_correction_wh: i64,
        /// When it may be applied, Unix seconds.
        pending_correction_at: u64,
        /// Start of the correction window, Unix seconds.
        correction_window_at: u64,
        /// Corrected in that window, either sign, Wh.
        corrected_in_window_wh: u64,
        /// When it was bound, chain time.
        bound_at: u64,
        /// When a reading was last credited or the meter was last resumed, chain time.
        credited_at: u64,
        /// Readings credited.
        reading_count: u64,
        /// Sequence of the base.
        base_sequence: u64,
        /// Start of the base, Unix seconds.
        base_measured_at: u64,
        /// Zone.
        zone: u32,
        /// 1 register, 2 interval; fixed at binding.
        statement_kind: u8,
        /// 1 device, 2 attested; fixed at binding.
        proof: u8,
        /// 1 solar, 2 wind, 3 battery, 4 residential, 5 commercial.
        asset_kind: u8,
        /// 1 pending, 2 active, 3 suspended, 4 retired.
        status: u8,
        /// Quality score 0–100, as last attested.
        quality: u8,
        /// Bump of this account's address.
        bump: u8,
        /// Zero.
        reserved: [u8; 150],
    }
}

account! {
    /// One device key, so that it serves one meter only, for ever.
    DeviceKey: 88 => {
        /// The key.
        key: Key,
        /// Its meter.
        meter_id: MeterId,
        /// Signs from here, Unix seconds.
        valid_from: u64,
        /// Until here, Unix seconds; 2^64 − 1 while in use.
        valid_until: u64,
        /// 1 active, 2 rotated, 3 revoked.
        status: u8,
        /// Bump of this account's address.
        bump: u8,
        /// Zero.
        reserved: [u8; 14],
    }
}

record! {
    /// One meter's reading, as the oracle hands it over.
    MeterReading {
        /// Highest sequence that it contains.
        sequence: u64,
        /// End of its period, Unix seconds.
        measured_at: u64,
        /// Attested: strictly increasing per meter. Device-proven: 0.
        entry_number: u64,
        /// Register meters: the export register. Interval meters: generation since the base, in all. Wh.
        generation_wh: u64,
        /// Register meters: the import register. Interval meters: consumption since the base, in all. Wh.
        consumption_wh: u64,
        /// Quality score 0–100.
        quality: u8,
    }
}

record! {
    /// What became of one meter in a settlement.
    BalanceSettled {
        /// The meter.
        meter_id: MeterId,
        /// Its owner.
        owner: Key,
        /// Minted (positive) or burned (negative), Wh.
        amount_settled: i64,
        /// `settled_net_wh` before.
        old_settled_total: i64,
        /// `settled_net_wh` after.
        new_settled_total: i64,
        /// What the ledger says should be settled, Wh.
        target: i64,
        /// A `SettlementResult`.
        result: u8,
    }
}

event! {
    /// Settlement of one or several meters. One record for each meter that had something to settle.
    MeterBalanceSettled {
        /// Chain time, Unix seconds.
        timestamp: i64,
    } [items: Ty::Vec(&BalanceSettled::RECORD)]
}
event! {
    /// The registry was set up.
    RegistryInitialized {
        /// First authority.
        authority: Key,
        /// First provisioner.
        provisioner: Key,
        /// First auditor.
        auditor: Key,
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
    /// Provisioner and auditor were set.
    RolesChanged {
        /// Signs for the platform.
        provisioner: Key,
        /// Second signer of corrections.
        auditor: Key,
    }
}
event! {
    /// Steps were paused or resumed.
    PausedChanged {
        /// The bits now: credit 1, mint 2, trade 4, certify 8.
        paused: u8,
    }
}
event! {
    /// The limits of corrections were set.
    CorrectionLimitsChanged {
        /// Most per meter and window, Wh.
        cap_wh: u64,
        /// Window, seconds.
        window_s: u64,
        /// Delay of positive ones, seconds.
        delay_s: u64,
    }
}
event! {
    /// A wallet registered.
    UserRegistered {
        /// The wallet.
        wallet: Key,
        /// Its token account.
        token_account: Key,
        /// Kind of user.
        kind: u8,
        /// Chain time.
        timestamp: i64,
    }
}
event! {
    /// A user was verified, or no longer is.
    UserVerified {
        /// The wallet.
        wallet: Key,
        /// Its zone.
        zone: u32,
        /// 1 verified, 0 not.
        verified: u8,
    }
}
event! {
    /// A zone was created or changed.
    ZoneChanged {
        /// The zone.
        zone: u32,
        /// Its authority.
        authority: Key,
        /// Proposed authority; zero when none.
        pending_authority: Key,
        /// Cap per window, Wh.
        mint_cap_wh: u64,
        /// Window, seconds.
        window_s: u64,
    }
}
event! {
    /// A meter was bound.
    MeterRegistered {
        /// The meter.
        meter_id: MeterId,
        /// Its owner.
        owner: Key,
        /// Its device's key.
        device_key: Key,
        /// Its zone.
        zone: u32,
        /// Statement kind.
        statement_kind: u8,
        /// Proof.
        proof: u8,
        /// Asset kind.
        asset_kind: u8,
        /// Rated export power, W.
        rated_power_out_w: u64,
        /// Rated import power, W.
        rated_power_in_w: u64,
        /// Sequence of the base.
        base_sequence: u64,
        /// Start of the base, Unix seconds.
        base_measured_at: u64,
        /// Export register at the base, Wh.
        base_generation_wh: u64,
        /// Import register at the base, Wh.
        base_consumption_wh: u64,
        /// Chain time.
        timestamp: i64,
    }
}
event! {
    /// A meter's status changed.
    MeterStatusChanged {
        /// The meter.
        meter_id: MeterId,
        /// Before.
        old_status: u8,
        /// After.
        new_status: u8,
        /// 1 when the energy of the gap is credited (authority and auditor), 0 when a new base was taken or none.
        gap_credited: u8,
        /// Last sequence that counts as known.
        last_sequence: u64,
        /// Chain time.
        timestamp: i64,
    }
}
event! {
    /// A device key was replaced by another.
    DeviceKeyRotated {
        /// The meter.
        meter_id: MeterId,
        /// Key before.
        old_key: Key,
        /// Key now.
        new_key: Key,
        /// The new key signs from here, Unix seconds.
        valid_from: u64,
    }
}
event! {
    /// A device key counts for nothing from now on.
    DeviceKeyRevoked {
        /// The meter.
        meter_id: MeterId,
        /// The key.
        key: Key,
        /// Chain time.
        timestamp: i64,
    }
}
event! {
    /// A correction was recorded; a positive one waits.
    CorrectionRecorded {
        /// The meter.
        meter_id: MeterId,
        /// Its size, Wh.
        amount_wh: i64,
        /// Why.
        reason: u16,
        /// Hash of the evidence.
        evidence: [u8; 32],
        /// When it counts, Unix seconds.
        effective_at: u64,
    }
}
event! {
    /// A waiting correction counts now, or was cancelled.
    CorrectionDecided {
        /// The meter.
        meter_id: MeterId,
        /// Its size, Wh.
        amount_wh: i64,
        /// 1 applied, 0 cancelled.
        applied: u8,
        /// Sum of corrections now, Wh.
        correction_net_wh: i64,
    }
}

errors! {
    /// What the registry refuses.
    RegistryError {
        UserNotVerified = 6040 "The owner is not a verified user.",
        InvalidMeterId = 6041 "The meter id is not 1 to 16 of A-Z a-z 0-9 - _ . padded with zeroes.",
        InvalidKind = 6042 "The statement, proof, asset or user kind is unknown, or proof and statement kind do not go together.",
        InvalidRatedPower = 6043 "The rated power is zero both ways or beyond 10^12 W.",
        OwnerIsProvisioner = 6044 "The owner and the provisioner must be different keys.",
        MeterNotActive = 6045 "The meter is not active.",
        MeterRetired = 6046 "The meter is retired, which is final.",
        EnergyOwed = 6047 "The meter still owes energy.",
        InvalidStatus = 6048 "This change of status does not exist.",
        WrongBinding = 6049 "The signed binding or rotation names another meter, owner, key or purpose.",
        BaseBehind = 6050 "The new base lies behind what the meter has already reported.",
        TimeInFuture = 6051 "The signed time is too far ahead of the chain's clock.",
        RotationTooSoon = 6052 "The key was changed less than seven days ago.",
        DeviceKeyRevoked = 6053 "The device key is revoked or not the meter's.",
        WrongProof = 6054 "The meter's readings come by the other door.",
        StaleSequence = 6055 "The sequence or entry number is not newer than the credited one.",
        StaleTime = 6056 "The time is not later than the credited one.",
        RegisterBackwards = 6057 "A register or total is lower than the credited one.",
        OverBudget = 6058 "The energy is more than the rated power allows since the last reading.",
        SequenceJump = 6059 "The sequence is more than 2^20 ahead.",
        InsufficientBalance = 6060 "Nothing can be minted for this meter.",
        NoUnsettledBalance = 6061 "None of the meters has anything to settle.",
        MintingDisabled = 6062 "The energy token's minting is disabled.",
        UnfitAccounts = 6063 "The owner's token account can't take tokens: closed, frozen or not his.",
        ZoneCapReached = 6064 "The zone's mint cap for this window is reached.",
        ZoneMissing = 6065 "The meter's zone was not passed.",
        CorrectionTooLarge = 6066 "The correction is zero or beyond the cap of this window.",
        CorrectionPending = 6067 "Another correction of this meter is waiting.",
        NoCorrectionPending = 6068 "No correction of this meter is waiting.",
        CorrectionLocked = 6069 "The correction's waiting time is not over.",
        TooManyMeters = 6070 "More meters or zones than one call takes.",
        InvalidLimit = 6071 "A limit is zero or out of range.",
        SupplyLimit = 6072 "The mint's supply can't grow by this much.",
    }
}

const CONFIG: Place = Place::Fixed(ids::registry::CONFIG);
const AUTHORITY: Place = Place::Fixed(ids::registry::AUTHORITY);
const EVENT_AUTHORITY: Place = Place::Fixed(ids::registry::EVENT_AUTHORITY);
const SELF: Place = Place::Fixed(ids::registry::ID);
const SYSTEM: Place = Place::Fixed(ids::SYSTEM);
const INSTRUCTIONS: Place = Place::Fixed(ids::INSTRUCTIONS_SYSVAR);
const ENERGY_TOKEN: Place = Place::Fixed(ids::energy_token::ID);
const ENERGY_CONFIG: Place = Place::Fixed(ids::energy_token::CONFIG);
const ENERGY_EVENTS: Place = Place::Fixed(ids::energy_token::EVENT_AUTHORITY);
const MINT: Place = Place::Fixed(ids::energy_token::MINT);
const TOKEN_2022: Place = Place::Fixed(ids::TOKEN_2022);
const BOUND_METER: Place = Place::Pda(&[Seed::Const(b"meter"), Seed::Arg("binding.meter_id")]);

instruction! {
    /// Sets the registry up, once, by the program's upgrade authority; computes the network bytes.
    Initialize = "initialize" {
        args {
            /// The chain's genesis hash.
            genesis_hash: [u8; 32],
            /// First authority.
            authority: Key,
            /// First provisioner.
            provisioner: Key,
            /// First auditor; not the authority.
            auditor: Key,
            /// The governance program; zero refuses certification.
            governance_program: Key,
            /// Most that corrections may move on one meter in a window, Wh.
            correction_cap_wh: u64,
            /// Length of that window, seconds; not zero.
            correction_window_s: u64,
            /// How long a positive correction waits, seconds.
            correction_delay_s: u64,
        }
        accounts {
            /// Pays for the account.
            payer: SIGNER | WRITABLE,
            /// The program's upgrade authority.
            upgrade_authority: SIGNER,
            /// The program's data account.
            program_data: READ => Place::Fixed(ids::registry::PROGRAM_DATA),
            /// Created here.
            config: WRITABLE => CONFIG,
            /// Creates accounts.
            system_program: READ => SYSTEM,
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
    /// Sets provisioner and auditor. The auditor changes only when the one before and the new one sign too: the authority alone can't be both.
    SetRoles = "set_roles" {
        args {
            /// Signs for the platform.
            provisioner: Key,
            /// Second signer of corrections; not the authority.
            auditor: Key,
        }
        accounts {
            /// The authority.
            authority: SIGNER,
            /// The auditor until now, when it changes; else this program's address.
            old_auditor: SIGNER | OPTIONAL,
            /// The auditor from now on, when it changes; else this program's address.
            new_auditor: SIGNER | OPTIONAL,
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
    /// Pauses or resumes steps. Leaving is never paused.
    SetPaused = "set_paused" {
        args {
            /// Bits: credit 1, mint 2, trade 4, certify 8.
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
    /// Sets the limits of corrections; authority and auditor sign.
    SetCorrectionLimits = "set_correction_limits" {
        args {
            /// Most per meter and window, Wh.
            cap_wh: u64,
            /// Window, seconds; not zero.
            window_s: u64,
            /// Delay of positive ones, seconds.
            delay_s: u64,
        }
        accounts {
            /// The authority.
            authority: SIGNER,
            /// The auditor.
            auditor: SIGNER,
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
    /// A wallet registers: its token account is created at its cost, and the registry becomes burn delegate, revocably.
    RegisterUser = "register_user" {
        args {
            /// 1 prosumer, 2 consumer, 3 generator, 4 aggregator.
            kind: u8,
        }
        accounts {
            /// The wallet; signs and pays.
            wallet: SIGNER | WRITABLE,
            /// Created here.
            user: WRITABLE => Place::Pda(&[Seed::Const(b"user"), Seed::Account("wallet")]),
            /// Settings.
            config: WRITABLE => CONFIG,
            /// The wallet's associated energy token account.
            token_account: WRITABLE,
            /// The energy token's mint.
            mint: READ => MINT,
            /// The burn delegate.
            registry_authority: READ => AUTHORITY,
            /// Token-2022.
            token_program: READ => TOKEN_2022,
            /// Creates the token account.
            associated_token_program: READ => Place::Fixed(ids::ASSOCIATED_TOKEN),
            /// Creates accounts.
            system_program: READ => SYSTEM,
            /// Signs events.
            event_authority: READ => EVENT_AUTHORITY,
            /// This program.
            program: READ => SELF,
        }
    }
}
instruction! {
    /// Marks a user as verified, or not, and sets the zone.
    VerifyUser = "verify_user" {
        args {
            /// The user's zone; it must exist.
            zone: u32,
            /// 1 verified, 0 not.
            verified: u8,
        }
        accounts {
            /// The authority.
            authority: SIGNER,
            /// Settings.
            config: READ => CONFIG,
            /// The user.
            user: WRITABLE,
            /// The zone.
            zone: READ => Place::Pda(&[Seed::Const(b"zone"), Seed::Arg("zone")]),
            /// Signs events.
            event_authority: READ => EVENT_AUTHORITY,
            /// This program.
            program: READ => SELF,
        }
    }
}
instruction! {
    /// Creates a zone.
    CreateZone = "create_zone" {
        args {
            /// The zone's id.
            zone: u32,
            /// Its authority.
            zone_authority: Key,
            /// Cap per window, Wh; 2^64 − 1 never binds.
            mint_cap_wh: u64,
            /// Window, seconds; not zero.
            window_s: u64,
        }
        accounts {
            /// Pays for the account.
            payer: SIGNER | WRITABLE,
            /// The authority.
            authority: SIGNER,
            /// Settings.
            config: WRITABLE => CONFIG,
            /// Created here.
            zone: WRITABLE => Place::Pda(&[Seed::Const(b"zone"), Seed::Arg("zone")]),
            /// Creates accounts.
            system_program: READ => SYSTEM,
            /// Signs events.
            event_authority: READ => EVENT_AUTHORITY,
            /// This program.
            program: READ => SELF,
        }
    }
}
instruction! {
    /// Changes a zone's cap and window, and proposes its next authority; by the zone's authority.
    SetZone = "set_zone" {
        args {
            /// Cap per window, Wh.
            mint_cap_wh: u64,
            /// Window, seconds; not zero.
            window_s: u64,
            /// Who may accept the zone; zero when nobody.
            pending_authority: Key,
        }
        accounts {
            /// The zone's authority.
            zone_authority: SIGNER,
            /// The zone.
            zone: WRITABLE,
            /// Signs events.
            event_authority: READ => EVENT_AUTHORITY,
            /// This program.
            program: READ => SELF,
        }
    }
}
instruction! {
    /// The proposed authority of a zone takes over.
    AcceptZoneAuthority = "accept_zone_authority" {
        args {}
        accounts {
            /// The proposed authority.
            pending_authority: SIGNER,
            /// The zone.
            zone: WRITABLE,
            /// Signs events.
            event_authority: READ => EVENT_AUTHORITY,
            /// This program.
            program: READ => SELF,
        }
    }
}
instruction! {
    /// Binds a meter to its owner: owner and provisioner sign, and the instruction before is an Ed25519 check of the device's binding.
    RegisterMeter = "register_meter" {
        args {
            /// What the device signed.
            binding: Binding,
            /// The device's signature; the Ed25519 instruction points here.
            signature: [u8; 64],
            /// The device's key; the Ed25519 instruction points here.
            device_key: Key,
            /// Rated export power, W.
            rated_power_out_w: u64,
            /// Rated import power, W.
            rated_power_in_w: u64,
            /// Zone.
            zone: u32,
            /// 1 register, 2 interval.
            statement_kind: u8,
            /// 1 device, 2 attested.
            proof: u8,
            /// 1 solar, 2 wind, 3 battery, 4 residential, 5 commercial.
            asset_kind: u8,
        }
        accounts {
            /// Pays for the accounts.
            payer: SIGNER | WRITABLE,
            /// The owner.
            owner: SIGNER,
            /// The platform.
            provisioner: SIGNER,
            /// Settings.
            config: WRITABLE => CONFIG,
            /// The owner's user account.
            user: WRITABLE => Place::Pda(&[Seed::Const(b"user"), Seed::Account("owner")]),
            /// The zone.
            zone: WRITABLE => Place::Pda(&[Seed::Const(b"zone"), Seed::Arg("zone")]),
            /// Created here.
            meter: WRITABLE => BOUND_METER,
            /// Created here.
            device: WRITABLE => Place::Pda(&[Seed::Const(b"device"), Seed::Arg("device_key")]),
            /// Where the signature check is read.
            instructions: READ => INSTRUCTIONS,
            /// Creates accounts.
            system_program: READ => SYSTEM,
            /// Signs events.
            event_authority: READ => EVENT_AUTHORITY,
            /// This program.
            program: READ => SELF,
        }
    }
}
instruction! {
    /// Suspends or retires a meter (authority or provisioner), or resumes one with its gap credited (authority and auditor).
    SetMeterStatus = "set_meter_status" {
        args {
            /// 2 active, 3 suspended, 4 retired.
            status: u8,
        }
        accounts {
            /// Authority or provisioner.
            signer: SIGNER,
            /// The auditor, when the gap is credited; else this program's address.
            auditor: SIGNER | OPTIONAL,
            /// Settings.
            config: READ => CONFIG,
            /// The meter.
            meter: WRITABLE,
            /// Signs events.
            event_authority: READ => EVENT_AUTHORITY,
            /// This program.
            program: READ => SELF,
        }
    }
}
instruction! {
    /// Resumes a suspended meter from a new base that its device signs: energy of the gap is not credited.
    ResumeMeter = "resume_meter" {
        args {
            /// What the device signed.
            binding: Binding,
            /// The device's signature.
            signature: [u8; 64],
            /// The device's key.
            device_key: Key,
        }
        accounts {
            /// The platform.
            provisioner: SIGNER,
            /// Settings.
            config: READ => CONFIG,
            /// The meter.
            meter: WRITABLE => BOUND_METER,
            /// Where the signature check is read.
            instructions: READ => INSTRUCTIONS,
            /// Signs events.
            event_authority: READ => EVENT_AUTHORITY,
            /// This program.
            program: READ => SELF,
        }
    }
}
instruction! {
    /// Replaces a device's key: old and new key sign the rotation, checked by one Ed25519 instruction with two entries.
    RotateDeviceKey = "rotate_device_key" {
        args {
            /// What both keys signed.
            rotation: Rotation,
            /// The key that ends.
            old_key: Key,
            /// Its signature: first entry.
            old_signature: [u8; 64],
            /// The new key's signature: second entry.
            new_signature: [u8; 64],
        }
        accounts {
            /// Pays for the account.
            payer: SIGNER | WRITABLE,
            /// The platform.
            provisioner: SIGNER,
            /// Settings.
            config: READ => CONFIG,
            /// The meter.
            meter: WRITABLE => Place::Pda(&[Seed::Const(b"meter"), Seed::Arg("rotation.meter_id")]),
            /// The old key's account.
            old_device: WRITABLE => Place::Pda(&[Seed::Const(b"device"), Seed::Arg("old_key")]),
            /// Created here.
            new_device: WRITABLE => Place::Pda(&[Seed::Const(b"device"), Seed::Arg("rotation.new_key")]),
            /// Where the signature checks are read.
            instructions: READ => INSTRUCTIONS,
            /// Creates accounts.
            system_program: READ => SYSTEM,
            /// Signs events.
            event_authority: READ => EVENT_AUTHORITY,
            /// This program.
            program: READ => SELF,
        }
    }
}
instruction! {
    /// Ends a device key at once and for all times; the meter is suspended when it was the current one.
    RevokeDeviceKey = "revoke_device_key" {
        args {
            /// The key.
            key: Key,
        }
        accounts {
            /// Authority or provisioner.
            signer: SIGNER,
            /// Settings.
            config: READ => CONFIG,
            /// The meter.
            meter: WRITABLE,
            /// The key's account.
            device: WRITABLE => Place::Pda(&[Seed::Const(b"device"), Seed::Arg("key")]),
            /// Signs events.
            event_authority: READ => EVENT_AUTHORITY,
            /// This program.
            program: READ => SELF,
        }
    }
}
instruction! {
    /// Credits readings, several meters in one call, then settles each when asked; signed by the oracle's derived address only.
    /// Return data: two bytes a meter, its `ReadingResult` and its `SettlementResult`.
    SubmitMeterReading = "submit_meter_reading" {
        args {
            /// 1 device, 2 attested.
            proof: u8,
            /// How many zones are passed; 255 credits without settling.
            zones: u8,
        }
        tail { items: Ty::Vec(&MeterReading::RECORD) }
        accounts {
            /// The oracle's derived address.
            oracle_authority: SIGNER => Place::Fixed(ids::oracle::AUTHORITY),
            /// Settings.
            config: READ => CONFIG,
            /// Signs events.
            event_authority: READ => EVENT_AUTHORITY,
            /// This program.
            program: READ => SELF,
        }
        remaining "zones 255: the meters [writable]. Else: registry authority, energy token program, its config [writable], mint [writable], its event authority, Token-2022; then the zones [writable]; then for each meter: meter [writable], token account [writable]."
    }
}
instruction! {
    /// The owner settles his meter and gets the tokens.
    SettleAndMintTokens = "settle_and_mint_tokens" {
        args {}
        accounts {
            /// The owner.
            owner: SIGNER,
            /// Settings.
            config: READ => CONFIG,
            /// Signs events.
            event_authority: READ => EVENT_AUTHORITY,
            /// This program.
            program: READ => SELF,
            /// Signs for the registry.
            registry_authority: READ => AUTHORITY,
            /// The energy token program.
            energy_token_program: READ => ENERGY_TOKEN,
            /// Its settings.
            energy_token_config: WRITABLE => ENERGY_CONFIG,
            /// The mint.
            mint: WRITABLE => MINT,
            /// Signs its events.
            energy_token_event_authority: READ => ENERGY_EVENTS,
            /// Token-2022.
            token_program: READ => TOKEN_2022,
            /// The meter's zone.
            zone: WRITABLE,
            /// The meter.
            meter: WRITABLE,
            /// The owner's token account.
            token_account: WRITABLE,
        }
    }
}
instruction! {
    /// Anyone settles meters; tokens go to their owners only.
    SettleMeterBalance = "settle_meter_balance" {
        args {
            /// How many zones are passed.
            zones: u8,
        }
        accounts {
            /// Settings.
            config: READ => CONFIG,
            /// Signs events.
            event_authority: READ => EVENT_AUTHORITY,
            /// This program.
            program: READ => SELF,
            /// Signs for the registry.
            registry_authority: READ => AUTHORITY,
            /// The energy token program.
            energy_token_program: READ => ENERGY_TOKEN,
            /// Its settings.
            energy_token_config: WRITABLE => ENERGY_CONFIG,
            /// The mint.
            mint: WRITABLE => MINT,
            /// Signs its events.
            energy_token_event_authority: READ => ENERGY_EVENTS,
            /// Token-2022.
            token_program: READ => TOKEN_2022,
        }
        remaining "the zones [writable]; then for each meter: meter [writable], token account [writable]."
    }
}
instruction! {
    /// Returns what is not settled yet, Wh: positive unsettled production, negative owed consumption. Return data: i64.
    GetUnsettledBalance = "get_unsettled_balance" {
        args {}
        accounts {
            /// The meter.
            meter: READ,
        }
    }
}
instruction! {
    /// Records a correction of a meter's ledger; a negative one counts at once, a positive one after the delay.
    RecordCorrection = "record_correction" {
        args {
            /// Its size, Wh.
            amount_wh: i64,
            /// Why, by the operator's list.
            reason: u16,
            /// Hash of the evidence.
            evidence: [u8; 32],
        }
        accounts {
            /// The authority.
            authority: SIGNER,
            /// The auditor.
            auditor: SIGNER,
            /// Settings.
            config: READ => CONFIG,
            /// The meter.
            meter: WRITABLE,
            /// Signs events.
            event_authority: READ => EVENT_AUTHORITY,
            /// This program.
            program: READ => SELF,
        }
    }
}
instruction! {
    /// Anyone makes a waiting correction count after its delay.
    ApplyCorrection = "apply_correction" {
        args {}
        accounts {
            /// The meter.
            meter: WRITABLE,
            /// Signs events.
            event_authority: READ => EVENT_AUTHORITY,
            /// This program.
            program: READ => SELF,
        }
    }
}
instruction! {
    /// Authority or auditor cancels a waiting correction.
    CancelCorrection = "cancel_correction" {
        args {}
        accounts {
            /// Authority or auditor.
            signer: SIGNER,
            /// Settings.
            config: READ => CONFIG,
            /// The meter.
            meter: WRITABLE,
            /// Signs events.
            event_authority: READ => EVENT_AUTHORITY,
            /// This program.
            program: READ => SELF,
        }
    }
}

/// The program, for the IDL.
pub const PROGRAM: Program = Program {
    name: "registry",
    docs: &["Users, zones, metering points and the ledger of each."],
    id: ids::registry::ID,
    instructions: &[
        Initialize::INSTRUCTION,
        ProposeAuthority::INSTRUCTION,
        AcceptAuthority::INSTRUCTION,
        SetRoles::INSTRUCTION,
        SetPaused::INSTRUCTION,
        SetCorrectionLimits::INSTRUCTION,
        RegisterUser::INSTRUCTION,
        VerifyUser::INSTRUCTION,
        CreateZone::INSTRUCTION,
        SetZone::INSTRUCTION,
        AcceptZoneAuthority::INSTRUCTION,
        RegisterMeter::INSTRUCTION,
        SetMeterStatus::INSTRUCTION,
        ResumeMeter::INSTRUCTION,
        RotateDeviceKey::INSTRUCTION,
        RevokeDeviceKey::INSTRUCTION,
        SubmitMeterReading::INSTRUCTION,
        SettleAndMintTokens::INSTRUCTION,
        SettleMeterBalance::INSTRUCTION,
        GetUnsettledBalance::INSTRUCTION,
        RecordCorrection::INSTRUCTION,
        ApplyCorrection::INSTRUCTION,
        CancelCorrection::INSTRUCTION,
    ],
    accounts: &[Config::TYPE, User::TYPE, Zone::TYPE, Meter::TYPE, DeviceKey::TYPE],
    events: &[
        MeterBalanceSettled::EVENT,
        RegistryInitialized::EVENT,
        AuthorityProposed::EVENT,
        AuthorityChanged::EVENT,
        RolesChanged::EVENT,
        PausedChanged::EVENT,
        CorrectionLimitsChanged::EVENT,
        UserRegistered::EVENT,
        UserVerified::EVENT,
        ZoneChanged::EVENT,
        MeterRegistered::EVENT,
        MeterStatusChanged::EVENT,
        DeviceKeyRotated::EVENT,
        DeviceKeyRevoked::EVENT,
        CorrectionRecorded::EVENT,
        CorrectionDecided::EVENT,
    ],
    errors: ERRORS,
};
