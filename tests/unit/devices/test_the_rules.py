from dataclasses import replace

import pytest

from core.domain.budget import cap_ws
from core.domain.identity import parse_meter_id
from core.domain.readings import MeterStatus, Statement, StatementKind
from core.domain.verdicts import Reason, Verdict
from devices.acceptance import FAST, STANDARD, Decision, Earlier, KeyValidity, Mark, keys_that_count
from tests.support.memory_platform import MeterBook, active_meter

T0 = 1_750_000_500 - 1_750_000_500 % 900
DAY_S = 86_400
BASE = Mark(sequence=10, measured_at=T0, generation_wh=5_000_000, consumption_wh=2_000_000)


def register(sequence: int, at_s: int, generation_wh: int = 0, consumption_wh: int = 0) -> Statement:
    """Times and registers are given from the base."""
    return Statement(
        kind=StatementKind.REGISTER,
        network=bytes(8),
        meter_id=parse_meter_id("MTR-001"),
        sequence=sequence,
        measured_at=T0 + at_s,
        generation_wh=BASE.generation_wh + generation_wh,
        consumption_wh=BASE.consumption_wh + consumption_wh,
    )


def interval(sequence: int, at_s: int, generation_wh: int = 0, consumption_wh: int = 0) -> Statement:
    statement = register(sequence, at_s)
    return replace(statement, kind=StatementKind.INTERVAL, generation_wh=generation_wh, consumption_wh=consumption_wh)


def register_book(**changes: object) -> MeterBook:
    return MeterBook(replace(active_meter(base=BASE), **changes))  # pyright: ignore[reportArgumentType]  # each test names fields


def interval_book(**changes: object) -> MeterBook:
    state = active_meter(kind=StatementKind.INTERVAL, base=replace(BASE, generation_wh=0, consumption_wh=0))
    return MeterBook(replace(state, **changes))  # pyright: ignore[reportArgumentType]  # each test names fields


def take(book: MeterBook, statement: Statement, received_at: int | None = None) -> Decision:
    return book.take(statement, received_at=statement.measured_at if received_at is None else received_at)


def outcome(decision: Decision) -> tuple[str, str | None]:
    return decision.verdict.value, None if decision.reason is None else decision.reason.value


# --- registers -------------------------------------------------------------------------------------------------------


def test_energy_is_the_growth_and_nothing_below_the_base_counts():
    book = register_book()

    first = take(book, register(11, 900, 10_500, 200))
    second = take(book, register(12, 1_800, 25_000, 200))

    assert (first.energy_generation_wh, first.energy_consumption_wh) == (10_500, 200)
    assert (second.energy_generation_wh, second.energy_consumption_wh) == (14_500, 0)
    assert book.state.credited_generation_wh == 25_000
    assert book.state.accepted_count == 2


def test_growth_of_zero_is_a_heartbeat_that_settles_nothing():
    decision = take(register_book(), register(11, 900))

    assert outcome(decision) == ("accepted", None)
    assert not decision.moves_value


def test_a_lost_statement_costs_nothing_because_the_next_contains_it():
    book = register_book()

    take(book, register(11, 900, 1_000))
    assert take(book, register(14, 3_600, 4_000)).energy_generation_wh == 3_000
    assert book.missing() == ((12, 13),)


def test_a_late_register_statement_is_history_without_value():
    book = register_book()
    take(book, register(11, 900, 1_000))
    take(book, register(13, 2_700, 3_000))

    late = take(book, register(12, 1_800, 2_000))

    assert outcome(late) == ("accepted", None)
    assert not late.moves_value
    assert book.state.credited_generation_wh == 3_000
    assert book.state.last.sequence == 13
    assert book.missing() == ()


@pytest.mark.parametrize(
    "late", [register(12, 1_800, 3_001), register(12, 1_800, 999), register(12, 899, 2_000), register(12, 2_701, 2_000)]
)
def test_a_late_one_that_does_not_fit_between_its_neighbours_runs_backwards(late: Statement):
    book = register_book()
    take(book, register(11, 900, 1_000))
    take(book, register(13, 2_700, 3_000))

    assert outcome(take(book, late)) == ("rejected", "register_backwards")


def test_registers_that_fall_below_the_neighbour_or_the_base_are_rejected():
    book = register_book()

    assert outcome(take(book, register(11, 900, -1))) == ("rejected", "register_backwards")
    assert outcome(take(book, register(12, 1_800, 0, -1))) == ("rejected", "register_backwards")


def test_a_hundred_kwh_are_accepted_and_one_wh_more_is_over_the_limit():
    assert outcome(take(register_book(), register(11, 900, 100_000))) == ("accepted", None)
    refused = take(register_book(), register(11, 900, 100_001))
    assert outcome(refused) == ("rejected", "over_limit")
    assert refused.final
    assert outcome(take(register_book(), register(11, 901, 100_001))) == ("accepted", None)
    assert outcome(take(register_book(), register(11, 900, 0, 100_001))) == ("rejected", "over_limit")


@pytest.mark.parametrize(
    ("distance_s", "reason"),
    [(0, "too_frequent"), (299, "too_frequent"), (300, "repeated_window"), (839, "repeated_window"), (840, None)],
)
def test_two_readings_keep_their_distance(distance_s: int, reason: str | None):
    book = register_book()
    take(book, register(11, 900))

    assert outcome(take(book, register(12, 900 + distance_s)))[1] == reason


@pytest.mark.parametrize(
    ("distance_s", "reason"), [(19, "too_frequent"), (20, "repeated_window"), (44, "repeated_window"), (45, None)]
)
def test_the_fast_profile_has_its_own_distance(distance_s: int, reason: str | None):
    book = register_book()
    book.limits = FAST
    take(book, register(11, 60))

    assert outcome(take(book, register(12, 60 + distance_s)))[1] == reason


def test_the_base_is_no_reading_so_the_first_may_follow_it_at_once():
    assert outcome(take(register_book(), register(11, 1))) == ("accepted", None)


# --- time, number, standing ------------------------------------------------------------------------------------------


def test_seven_days_old_is_taken_and_a_second_more_is_stale():
    week = 7 * DAY_S
    assert outcome(take(register_book(), register(11, 900), T0 + 900 + week)) == ("accepted", None)
    assert outcome(take(register_book(), register(11, 900), T0 + 901 + week)) == ("rejected", "stale")
    stale = take(interval_book(), interval(11, 900, 5), T0 + 901 + week)
    assert outcome(stale) == ("quarantined", "stale")


def test_five_minutes_ahead_is_taken_and_a_second_more_is_kept_for_later():
    assert outcome(take(register_book(), register(11, 900), T0 + 600)) == ("accepted", None)
    book = register_book()
    early = take(book, register(11, 900, 5), T0 + 599)
    assert outcome(early) == ("rejected", "future")
    assert not early.final

    assert outcome(take(book, register(11, 900, 5), T0 + 900)) == ("accepted", None)
    assert book.state.credited_generation_wh == 5


def test_the_same_content_again_is_a_harmless_repeat_even_of_a_suspended_meter():
    book = register_book()
    take(book, register(11, 900, 5))
    book.state = replace(book.state, status=MeterStatus.SUSPENDED)

    again = take(book, register(11, 900, 5), T0 + 30 * DAY_S)

    assert outcome(again) == ("repeated", None)
    assert not again.stored
    assert book.state.credited_generation_wh == 5


def test_one_number_with_two_contents_suspends_the_meter():
    book = register_book()
    take(book, register(11, 900, 5))

    conflict = take(book, register(11, 900, 6))

    assert outcome(conflict) == ("rejected", "sequence_conflict")
    assert conflict.suspend
    assert book.state.status is MeterStatus.SUSPENDED
    assert outcome(take(book, register(12, 1_800, 7))) == ("rejected", "meter_not_active")


def test_a_conflict_does_not_bring_a_retired_meter_back():
    book = register_book()
    take(book, register(11, 900, 5))
    book.state = replace(book.state, status=MeterStatus.RETIRED)

    conflict = take(book, register(11, 900, 6))

    assert not conflict.suspend
    assert book.state.status is MeterStatus.RETIRED


def test_a_repeat_of_a_refused_or_doubted_one_is_answered_as_before():
    book = register_book(rated_power_out_w=0)
    take(book, register(11, 900, -1))
    take(book, register(12, 1_800, 50_000))

    assert outcome(take(book, register(11, 900, -1))) == ("rejected", "register_backwards")
    assert outcome(take(book, register(12, 1_800, 50_000))) == ("quarantined", "over_capacity")


def test_a_number_far_ahead_is_doubted_and_bricks_nothing():
    book = register_book()
    far = 10 + 2**20

    assert outcome(take(book, register(far + 1, 900, 5))) == ("quarantined", "implausible")
    assert outcome(take(book, register(2**63 - 1, 900, 5))) == ("quarantined", "implausible")
    assert outcome(take(book, register(11, 900, 5))) == ("accepted", None)
    assert book.state.highest_sequence == 11
    assert outcome(take(book, register(far + 1, 900, 5))) == ("quarantined", "implausible")


def test_a_far_number_of_a_meter_that_is_not_active_does_not_become_the_highest():
    book = register_book(status=MeterStatus.SUSPENDED)

    take(book, register(2**63 - 1, 900))

    assert book.state.highest_sequence == 10


@pytest.mark.parametrize("field", ["sequence", "measured_at", "generation_wh", "consumption_wh"])
def test_numbers_that_no_ledger_holds_are_malformed(field: str):
    unreal = replace(register(11, 900), **{field: 2**63})

    decision = take(register_book(), unreal, T0)

    assert outcome(decision) == ("rejected", "malformed")
    assert not decision.stored


@pytest.mark.parametrize("statement", [register(10, 900), register(0, 900), register(11, 0), register(11, -900)])
def test_what_is_at_or_before_the_base_does_not_count(statement: Statement):
    assert outcome(take(register_book(), statement)) == ("rejected", "meter_not_active")


@pytest.mark.parametrize("status", [MeterStatus.PENDING, MeterStatus.SUSPENDED, MeterStatus.RETIRED])
def test_a_meter_that_is_not_active_is_not_credited(status: MeterStatus):
    assert outcome(take(register_book(status=status), register(11, 900, 5))) == ("rejected", "meter_not_active")


def test_an_unverified_owner_can_be_verified_later():
    book = register_book(owner_verified=False)
    waiting = take(book, register(11, 900, 5))
    assert outcome(waiting) == ("rejected", "owner_not_verified")
    assert not waiting.final

    book.state = replace(book.state, owner_verified=True)

    assert take(book, register(11, 900, 5)).energy_generation_wh == 5


def test_a_meter_speaks_one_kind():
    assert outcome(take(register_book(), interval(11, 900, 5))) == ("rejected", "wrong_kind")
    assert outcome(take(interval_book(), register(11, 900, 5))) == ("rejected", "wrong_kind")


# --- the budget and the hold -----------------------------------------------------------------------------------------


def test_nobody_is_credited_beyond_the_plate_and_doubt_holds_what_follows():
    book = register_book(rated_power_out_w=4_000)

    assert outcome(take(book, register(11, 900, 1_100))) == ("accepted", None)
    assert outcome(take(book, register(12, 1_800, 50_000))) == ("quarantined", "over_capacity")
    assert outcome(take(book, register(13, 2_700, 51_000))) == ("quarantined", "held")
    assert book.state.held_from == 12
    assert book.state.credited_generation_wh == 1_100


def test_a_quarantined_jump_is_not_minted_by_the_next_reading():
    book = register_book(rated_power_out_w=4_000)
    take(book, register(11, 900, 50_000))

    following = [take(book, register(11 + n, 900 * (n + 1), 50_000 + n)) for n in range(1, 20)]

    assert all(decision.verdict is Verdict.QUARANTINED for decision in following)
    assert book.state.credited_generation_wh == 0


def test_the_hold_ends_by_itself_when_a_whole_span_is_within_limits():
    book = register_book(rated_power_out_w=4_000)
    take(book, register(11, 900, 3_000))
    take(book, register(12, 1_800, 3_000))

    ending = take(book, register(13, 2_700, 3_000))

    assert outcome(ending) == ("accepted", None)
    assert ending.energy_generation_wh == 3_000
    assert ending.released == (11, 12)
    assert book.state.held_from is None
    assert book.state.accepted_count == 3
    assert outcome(take(book, register(11, 900, 3_000))) == ("repeated", None)


def test_a_doubted_one_that_does_not_fit_before_the_end_of_the_hold_is_refused():
    book = register_book(rated_power_out_w=4_000)
    take(book, register(11, 900, 1_000))
    take(book, register(12, 1_800, 90_000))

    ending = take(book, register(13, 2_700, 1_500))

    assert ending.released == ()
    assert ending.refused == ((12, Reason.REGISTER_BACKWARDS),)
    assert book.state.credited_generation_wh == 1_500
    assert book.state.held_from is None


def test_one_that_arrives_late_before_the_doubted_one_is_accepted_and_the_hold_stays():
    book = register_book(rated_power_out_w=4_000)
    take(book, register(12, 1_800, 50_000))

    assert outcome(take(book, register(11, 900, 1_000))) == ("accepted", None)
    assert book.state.held_from == 12


def test_a_doubted_one_too_near_to_the_end_of_the_hold_is_refused():
    book = register_book(rated_power_out_w=4_000)
    take(book, register(11, 900, 3_000))

    ending = take(book, register(12, 900 + 839 + 840, 3_000))
    assert ending.released == (11,)

    take(book, register(13, 3_420, 50_000))
    take(book, register(14, 30 * 900 - 839, 50_000))
    ending = take(book, register(15, 30 * 900, 50_000 - 30_000))
    assert ending.refused == ((13, Reason.REGISTER_BACKWARDS), (14, Reason.REGISTER_BACKWARDS))

    take(book, register(16, 31 * 900, 60_000))
    near = take(book, register(17, 31 * 900 + 839, 60_000))
    assert outcome(near) == ("quarantined", "held")
    ending = take(book, register(18, 120 * 900, 60_000))
    assert ending.released == (16,)
    assert ending.refused == ((17, Reason.REPEATED_WINDOW),)


def test_a_hold_that_ends_in_the_middle_goes_on_for_what_is_still_in_doubt():
    book = register_book(rated_power_out_w=4_000)
    take(book, register(12, 1_800, 2_500))
    take(book, register(14, 2_700, 50_000))

    ending = take(book, register(13, 2_690, 2_500), T0 + 3_600)

    assert outcome(ending) == ("accepted", None)
    assert ending.refused == ()
    assert ending.released == (12,)
    assert book.state.held_from == 14
    assert outcome(take(book, register(15, 3_600, 50_001))) == ("quarantined", "held")


def test_a_silent_meter_saves_up_seven_days_and_catches_up():
    book = register_book(rated_power_out_w=1_000)
    week_wh = cap_ws(1_000) // 3_600

    assert outcome(take(book, register(11, 30 * DAY_S, week_wh + 2))) == ("quarantined", "over_capacity")
    assert outcome(take(book, register(12, 30 * DAY_S + 900, week_wh))) == ("accepted", None)


def test_a_trickle_within_the_tolerance_never_adds_up_beyond_what_the_chain_allows_at_once():
    book = register_book(rated_power_in_w=0)

    verdicts = [take(book, register(10 + n, 900 * n, 0, n)).verdict for n in range(1, 5)]

    assert verdicts[0] is Verdict.ACCEPTED
    assert set(verdicts[1:]) == {Verdict.QUARANTINED}


# --- intervals -------------------------------------------------------------------------------------------------------


def test_intervals_add_up_in_any_order_each_number_once():
    book = interval_book()

    for sequence in (13, 11, 12, 11, 13):
        take(book, interval(sequence, 900 * (sequence - 10), 1_000, 10))

    assert (book.state.credited_generation_wh, book.state.credited_consumption_wh) == (3_000, 30)
    assert book.state.last.sequence == 13
    assert book.state.accepted_count == 3


def test_an_interval_without_energy_says_nothing():
    assert outcome(take(interval_book(), interval(11, 900))) == ("rejected", "zero_energy")


def test_an_intervals_limit_does_not_grow_with_missing_numbers():
    book = interval_book()

    assert outcome(take(book, interval(14, 3_600, 100_001))) == ("rejected", "over_limit")
    assert outcome(take(book, interval(15, 4_500, 100_000))) == ("accepted", None)


@pytest.mark.parametrize(("distance_s", "reason"), [(299, "too_frequent"), (300, "repeated_window"), (840, None)])
def test_an_interval_too_near_to_another_is_kept_in_quarantine(distance_s: int, reason: str | None):
    book = interval_book()
    take(book, interval(11, 5_000, 5))
    take(book, interval(13, 7_000, 5))

    near = take(book, interval(12, 7_000 - distance_s, 5))

    assert outcome(near) == ("accepted" if reason is None else "quarantined", reason)
    assert not near.final or reason is None


def test_an_interval_whose_time_contradicts_its_number_is_doubted():
    book = interval_book()
    take(book, interval(11, 5_000, 5))

    assert outcome(take(book, interval(12, 2_000, 5))) == ("quarantined", "implausible")


def test_consumption_without_import_power_is_implausible():
    book = interval_book(rated_power_in_w=0)

    assert outcome(take(book, interval(11, 900, 0, 1))) == ("quarantined", "implausible")


def test_one_doubted_interval_holds_no_other():
    book = interval_book(rated_power_out_w=4_000)

    assert outcome(take(book, interval(11, 900, 50_000))) == ("quarantined", "over_capacity")
    assert outcome(take(book, interval(12, 1_800, 1_000))) == ("accepted", None)
    assert book.state.held_from is None


# --- keys ------------------------------------------------------------------------------------------------------------


def test_a_rotated_key_counts_for_what_was_measured_before_and_arrives_in_time():
    old = KeyValidity(public_key=b"o" * 32, valid_from=0, valid_until=T0 + 900)
    new = KeyValidity(public_key=b"n" * 32, valid_from=T0 + 900)

    def counting(at_s: int, received_s: int) -> tuple[bytes, ...]:
        return keys_that_count([old, new], register(11, at_s), received_at=T0 + received_s, limits=STANDARD)

    assert counting(899, 7 * DAY_S + 900) == (old.public_key,)
    assert counting(899, 7 * DAY_S + 901) == ()
    assert counting(900, 900) == (new.public_key,)


def test_a_revoked_key_counts_for_nothing_whatever_its_statements_say():
    revoked = KeyValidity(public_key=b"r" * 32, valid_from=0, revoked_at=T0 + DAY_S)

    assert keys_that_count([revoked], register(11, 900), received_at=T0 + 900, limits=STANDARD) == ()


def test_a_retry_with_another_content_is_still_a_conflict():
    book = register_book()
    take(book, register(11, 9_000, 5), T0)

    assert outcome(take(book, register(11, 900, 5))) == ("rejected", "sequence_conflict")
    assert Earlier(statement=register(11, 9_000, 5), verdict=Verdict.REJECTED, reason=Reason.FUTURE) == book.neighbours(11).same
