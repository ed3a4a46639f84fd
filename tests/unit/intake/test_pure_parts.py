"""The door's pure parts: the rate limit and the search for gaps."""

from hypothesis import given
from hypothesis import strategies as st

from devices.intake.gaps import gaps_between
from devices.intake.rate_limit import MAX_METERS, RateLimit


def test_a_bucket_holds_a_minute_and_fills_evenly():
    limit = RateLimit(messages_per_minute=60)

    assert [limit.allows("M", now_ms=0) for _ in range(61)] == [True] * 60 + [False]
    assert [limit.allows("M", now_ms=at) for at in (999, 1_000, 1_999, 2_000)] == [False, True, False, True]
    assert limit.allows("OTHER", now_ms=0)


def test_a_clock_that_runs_backwards_gives_nothing():
    limit = RateLimit(messages_per_minute=1)

    assert limit.allows("M", now_ms=100_000)
    assert not limit.allows("M", now_ms=0)
    assert not limit.allows("M", now_ms=100_001)


def test_the_longest_unused_bucket_is_forgotten_first():
    limit = RateLimit(messages_per_minute=1)
    for number in range(MAX_METERS + 1):
        limit.allows(str(number), now_ms=0)

    assert limit.allows("0", now_ms=0)
    assert not limit.allows(str(MAX_METERS), now_ms=0)


@given(received=st.sets(st.integers(1, 60), min_size=1))
def test_what_is_missing_and_what_is_there_make_up_all_numbers(received: set[int]):
    stored = [(number, 0) for number in sorted(received)]
    highest = max(received)

    gaps = gaps_between(stored, after=0, highest=highest, forgiven_before=None)

    missing = {number for first, last in gaps.missing for number in range(first, last + 1)}
    if len(gaps.missing) < 32:
        assert missing == set(range(1, highest + 1)) - received
    assert all(number in received for number in range(1, gaps.contiguous + 1))
    assert gaps.contiguous + 1 not in received


def test_an_old_gap_of_registers_is_not_asked_for_again_and_of_intervals_it_is():
    stored = [(1, 100), (5, 500), (8, 800)]

    forgiven = gaps_between(stored, after=0, highest=8, forgiven_before=600)
    kept = gaps_between(stored, after=0, highest=8, forgiven_before=None)

    assert (forgiven.missing, forgiven.contiguous) == (((6, 7),), 5)
    assert (kept.missing, kept.contiguous) == (((2, 4), (6, 7)), 1)
