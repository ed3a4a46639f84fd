//! The ledger's arithmetic: crediting, the energy budget, settlement, zone windows, keys and corrections.
use gridtokenx_interface::{
    registry::{Meter, MeterReading, Zone, KIND_INTERVAL, KIND_REGISTER, PROOF_ATTESTED, PROOF_DEVICE, STATUS_ACTIVE, STATUS_RETIRED},
    settlement::{
        apply, assess, correct, correct_within, count_in_zone, decide, key_counts, settle, spend, target, unsettled, zone_room,
        Circumstances, ReadingResult, SettlementResult, BUDGET_CAP_S, MAX_RATED_POWER_W, MAX_SEQUENCE_JUMP,
    },
    wire::Key,
};

const T0: u64 = 1_700_000_000;
const NOW: u64 = T0 + 30 * 86_400;

fn meter() -> Meter {
    let mut meter = Meter::zeroed();
    meter.status = STATUS_ACTIVE;
    meter.proof = PROOF_DEVICE;
    meter.statement_kind = KIND_REGISTER;
    meter.rated_power_out_w = 4_000;
    meter.rated_power_in_w = 4_000;
    meter.last_measured_at = T0;
    meter
}

fn interval_meter() -> Meter {
    Meter { proof: PROOF_ATTESTED, statement_kind: KIND_INTERVAL, ..meter() }
}

fn reading(sequence: u64, after_s: u64, generation_wh: u64, consumption_wh: u64) -> MeterReading {
    MeterReading { sequence, measured_at: T0 + after_s, entry_number: sequence, generation_wh, consumption_wh, quality: 90 }
}

/// Assesses and, when it passes, applies.
fn credit(meter: &mut Meter, reading: MeterReading) -> Result<(), ReadingResult> {
    let proof = meter.proof;
    let credit = assess(meter, &reading, proof, NOW)?;
    apply(meter, &reading, &credit, NOW);
    Ok(())
}

#[test]
fn growth_above_the_base_is_credited() {
    let mut meter = Meter { raw_generation_wh: 1_000_000, raw_consumption_wh: 300_000, ..meter() };
    credit(&mut meter, reading(1, 900, 1_001_000, 300_400)).unwrap();
    assert_eq!((meter.credited_generation_wh, meter.credited_consumption_wh), (1_000, 400));
    assert_eq!(unsettled(&meter), Some(600));
}

#[test]
fn a_repeat_and_an_older_sequence_are_stale() {
    let mut meter = meter();
    credit(&mut meter, reading(5, 900, 100, 0)).unwrap();
    let before = meter;
    for sequence in [5, 4, 0] {
        assert_eq!(credit(&mut meter, reading(sequence, 1_800, 200, 0)), Err(ReadingResult::StaleSequence));
    }
    assert_eq!(meter.credited_generation_wh, before.credited_generation_wh);
}

#[test]
fn time_moves_forward_with_the_sequence() {
    let mut meter = meter();
    credit(&mut meter, reading(1, 900, 100, 0)).unwrap();
    assert_eq!(credit(&mut meter, reading(2, 900, 100, 0)), Err(ReadingResult::StaleTime));
    assert_eq!(credit(&mut meter, reading(2, 899, 100, 0)), Err(ReadingResult::StaleTime));
    let late = MeterReading { measured_at: NOW + 901, ..reading(2, 0, 100, 0) };
    assert_eq!(credit(&mut meter, late), Err(ReadingResult::Future));
    let skewed = MeterReading { measured_at: NOW + 900, ..late };
    assert_eq!(credit(&mut meter, skewed), Ok(()));
}

#[test]
fn a_zero_growth_moves_only_sequence_and_time() {
    let mut meter = meter();
    credit(&mut meter, reading(1, 900, 100, 0)).unwrap();
    credit(&mut meter, reading(2, 1_800, 100, 0)).unwrap();
    assert_eq!((meter.last_sequence, meter.last_measured_at, meter.credited_generation_wh), (2, T0 + 1_800, 100));
}

#[test]
fn registers_never_run_backwards() {
    let mut meter = meter();
    credit(&mut meter, reading(1, 900, 100, 100)).unwrap();
    assert_eq!(credit(&mut meter, reading(2, 1_800, 99, 100)), Err(ReadingResult::RegisterBackwards));
    assert_eq!(credit(&mut meter, reading(2, 1_800, 100, 99)), Err(ReadingResult::RegisterBackwards));
}

#[test]
fn a_sequence_near_the_end_does_not_brick_a_meter() {
    let mut meter = meter();
    assert_eq!(credit(&mut meter, reading(u64::MAX, 900, 0, 0)), Err(ReadingResult::SequenceJump));
    assert_eq!(credit(&mut meter, reading(MAX_SEQUENCE_JUMP + 1, 900, 0, 0)), Err(ReadingResult::SequenceJump));
    assert_eq!(credit(&mut meter, reading(MAX_SEQUENCE_JUMP, 900, 0, 0)), Ok(()));
}

#[test]
fn the_other_door_and_an_inactive_meter_are_refused() {
    let mut meter = meter();
    assert_eq!(assess(&meter, &reading(1, 900, 0, 0), PROOF_ATTESTED, NOW), Err(ReadingResult::WrongProof));
    for status in [0, 1, 3, STATUS_RETIRED, 5, 255] {
        meter.status = status;
        assert_eq!(assess(&meter, &reading(1, 900, 0, 0), PROOF_DEVICE, NOW), Err(ReadingResult::MeterNotActive));
    }
}

#[test]
fn late_intervals_raise_totals_without_raising_the_sequence() {
    let mut meter = interval_meter();
    credit(&mut meter, MeterReading { entry_number: 1, ..reading(7, 7 * 900, 500, 0) }).unwrap();
    credit(&mut meter, MeterReading { entry_number: 2, ..reading(7, 7 * 900, 900, 100) }).unwrap();
    assert_eq!((meter.credited_generation_wh, meter.credited_consumption_wh, meter.last_sequence), (900, 100, 7));
    let repeated = MeterReading { entry_number: 2, ..reading(8, 8 * 900, 950, 100) };
    assert_eq!(credit(&mut meter, repeated), Err(ReadingResult::StaleSequence));
    let lower = MeterReading { entry_number: 3, ..reading(8, 8 * 900, 899, 100) };
    assert_eq!(credit(&mut meter, lower), Err(ReadingResult::RegisterBackwards));
}

#[test]
fn no_register_overflows_the_ledger() {
    let mut meter = interval_meter();
    meter.rated_power_out_w = MAX_RATED_POWER_W;
    meter.credited_generation_wh = i64::MAX.unsigned_abs() - 1;
    meter.settled_net_wh = i64::MAX - 1;
    assert_eq!(credit(&mut meter, reading(1, 900, i64::MAX.unsigned_abs() + 1, 0)), Err(ReadingResult::Overflow));
    assert_eq!(credit(&mut meter, reading(1, 900, u64::MAX, 0)), Err(ReadingResult::OverBudget));
    assert_eq!(credit(&mut meter, reading(1, 900, i64::MAX.unsigned_abs(), 0)), Ok(()));
}

// --- the energy budget ---

#[test]
fn full_power_with_its_margin_fits_at_every_cadence() {
    for (tick, wh) in [(60, 73), (300, 366), (900, 1_100), (86_400, 105_600)] {
        assert!(spend(0, 4_000, tick, wh).is_some(), "{tick} s");
        assert!(spend(0, 4_000, tick, wh + 2).is_none(), "{tick} s");
    }
}

#[test]
fn one_wh_is_lent_once_and_not_at_every_statement() {
    let mut budget = 0;
    let mut minted = 0;
    for _ in 0..3_600 {
        // A meter of 1 W that signs every second may not claim a Wh each time.
        if let Some(left) = spend(budget, 1, 1, 1) {
            budget = left;
            minted += 1;
        } else {
            budget = spend(budget, 1, 1, 0).unwrap();
        }
    }
    assert!(minted <= 2, "{minted} Wh in an hour at 1 W");
}

#[test]
fn energy_is_saved_up_for_seven_days_and_no_longer() {
    let week_wh = 4_000 * BUDGET_CAP_S / 3_600;
    assert!(spend(0, 4_000, 100 * 86_400, week_wh).is_some());
    assert!(spend(0, 4_000, 100 * 86_400, week_wh + 2).is_none());
}

#[test]
fn a_direction_without_power_earns_nothing() {
    assert!(spend(0, 0, 86_400, 0).is_some());
    assert!(spend(0, 0, 86_400, 2).is_none());
}

#[test]
fn the_budget_does_not_overflow_at_its_limits() {
    for elapsed in [0, 1, u64::MAX] {
        for growth in [0, i64::MAX.unsigned_abs(), u64::MAX] {
            let left = spend(i64::MAX, MAX_RATED_POWER_W, elapsed, growth);
            assert!(left.is_none() || growth == 0);
        }
    }
}

#[test]
fn a_refused_jump_leaves_the_budget_for_the_next() {
    let mut meter = meter();
    assert_eq!(credit(&mut meter, reading(1, 900, 1_000_000, 0)), Err(ReadingResult::OverBudget));
    assert_eq!(meter.last_measured_at, T0);
    credit(&mut meter, reading(2, 1_800, 2_200, 0)).unwrap();
}

#[test]
fn consumption_has_its_own_budget() {
    let mut meter = Meter { rated_power_in_w: 0, ..meter() };
    assert_eq!(credit(&mut meter, reading(1, 900, 0, 2)), Err(ReadingResult::OverBudget));
    let mut meter = Meter { rated_power_out_w: 0, ..self::meter() };
    assert_eq!(credit(&mut meter, reading(1, 900, 2, 0)), Err(ReadingResult::OverBudget));
}

// --- settlement ---

const FREE: Circumstances = Circumstances {
    paused: false,
    minting_enabled: true,
    burnable_wh: Some(u64::MAX),
    zone_room_wh: Some(u64::MAX),
    supply_room_wh: u64::MAX,
};

#[test]
fn registers_1000_and_300_with_400_settled_mint_300() {
    assert_eq!(target(1_000_000, 300_000, 0), Some(700_000));
    assert_eq!(decide(700_000 - 400_000, &FREE), (SettlementResult::Minted, 300_000));
}

#[test]
fn the_zone_and_the_supply_let_part_through() {
    let capped = Circumstances { zone_room_wh: Some(4), ..FREE };
    assert_eq!(decide(10, &capped), (SettlementResult::MintedInPart, 4));
    assert_eq!(decide(10, &Circumstances { zone_room_wh: Some(0), ..FREE }), (SettlementResult::ZoneCap, 0));
    assert_eq!(decide(10, &Circumstances { supply_room_wh: 3, ..FREE }), (SettlementResult::MintedInPart, 3));
    assert_eq!(decide(10, &Circumstances { supply_room_wh: 0, ..FREE }), (SettlementResult::SupplyLimit, 0));
}

#[test]
fn what_cannot_be_burned_is_owed() {
    assert_eq!(decide(-10, &Circumstances { burnable_wh: Some(7), ..FREE }), (SettlementResult::BurnedInPart, 7));
    assert_eq!(decide(-10, &Circumstances { burnable_wh: Some(0), ..FREE }), (SettlementResult::Owed, 0));
    assert_eq!(decide(i64::MIN, &FREE), (SettlementResult::Burned, 1 << 63));
}

#[test]
fn disabled_minting_stops_mints_and_not_burns() {
    let disabled = Circumstances { minting_enabled: false, ..FREE };
    assert_eq!(decide(10, &disabled), (SettlementResult::MintingDisabled, 0));
    assert_eq!(decide(-10, &disabled), (SettlementResult::Burned, 10));
}

#[test]
fn an_unfit_account_a_missing_zone_and_a_pause_skip_the_meter() {
    for delta in [10, -10] {
        assert_eq!(decide(delta, &Circumstances { burnable_wh: None, ..FREE }), (SettlementResult::NoAccount, 0));
        assert_eq!(decide(delta, &Circumstances { paused: true, ..FREE }), (SettlementResult::Paused, 0));
    }
    assert_eq!(decide(10, &Circumstances { zone_room_wh: None, ..FREE }), (SettlementResult::NoZone, 0));
    assert_eq!(decide(-10, &Circumstances { zone_room_wh: None, ..FREE }), (SettlementResult::Burned, 10));
    assert_eq!(decide(0, &Circumstances { paused: true, ..FREE }), (SettlementResult::Nothing, 0));
}

#[test]
fn settling_moves_the_total_by_what_moved() {
    let mut meter = meter();
    settle(&mut meter, true, 500).unwrap();
    settle(&mut meter, false, 120).unwrap();
    assert_eq!((meter.settled_net_wh, meter.minted_wh, meter.burned_wh), (380, 500, 120));
    meter.settled_net_wh = i64::MAX;
    assert_eq!(settle(&mut meter, true, 1), None);
    assert_eq!(settle(&mut meter, true, u64::MAX), None);
}

// --- zones ---

#[test]
fn a_zones_window_refills_after_its_length() {
    let mut zone = Zone { mint_cap_wh: 100, window_s: 3_600, window_started_at: T0, ..Zone::zeroed() };
    count_in_zone(&mut zone, 70, T0 + 10).unwrap();
    assert_eq!(zone_room(&zone, T0 + 3_599).0, 30);
    assert_eq!(zone_room(&zone, T0 + 3_600).0, 100);
    count_in_zone(&mut zone, 100, T0 + 4_000).unwrap();
    assert_eq!((zone.minted_in_window_wh, zone.minted_wh, zone.window_started_at), (100, 170, T0 + 4_000));
    assert_eq!(zone_room(&zone, T0 + 4_001).0, 0);
}

#[test]
fn a_lowered_cap_leaves_no_negative_room() {
    let zone = Zone { mint_cap_wh: 5, window_s: 3_600, window_started_at: T0, minted_in_window_wh: 9, ..Zone::zeroed() };
    assert_eq!(zone_room(&zone, T0 + 1).0, 0);
}

// --- keys ---

#[test]
fn a_rotated_key_counts_for_what_it_measured_before_and_for_a_week() {
    let (old, new) = (Key([1; 32]), Key([2; 32]));
    let meter = Meter {
        device_key: new,
        previous_device_key: old,
        key_valid_from: T0,
        previous_key_valid_until: T0,
        key_changed_at: T0,
        ..meter()
    };
    assert!(key_counts(&meter, &old, T0 - 1, T0 + 7 * 86_400));
    assert!(!key_counts(&meter, &old, T0, T0));
    assert!(!key_counts(&meter, &old, T0 - 1, T0 + 7 * 86_400 + 1));
    assert!(key_counts(&meter, &new, T0, T0));
    assert!(!key_counts(&meter, &new, T0 - 1, T0));
}

#[test]
fn no_key_never_counts() {
    assert!(!key_counts(&meter(), &Key::NONE, T0, T0));
}

// --- corrections ---

#[test]
fn corrections_of_either_sign_share_the_cap_of_a_window() {
    let mut meter = meter();
    let limits = (100, 3_600);
    (meter.correction_window_at, meter.corrected_in_window_wh) = correct_within(&meter, 60, limits, T0).unwrap();
    assert_eq!(correct_within(&meter, 41, limits, T0 + 10), None);
    assert_eq!(correct_within(&meter, 40, limits, T0 + 10), Some((T0, 100)));
    assert_eq!(correct_within(&meter, 100, limits, T0 + 3_600), Some((T0 + 3_600, 100)));
    assert_eq!(correct_within(&meter, 0, limits, T0), None);
}

#[test]
fn a_correction_moves_the_target_and_not_the_registers() {
    let mut meter = meter();
    credit(&mut meter, reading(1, 900, 100, 0)).unwrap();
    meter.correction_net_wh = correct(&meter, -30).unwrap();
    assert_eq!(unsettled(&meter), Some(70));
    credit(&mut meter, reading(2, 1_800, 150, 0)).unwrap();
    assert_eq!(unsettled(&meter), Some(120));
    assert_eq!(correct(&meter, i64::MAX), None);
}
