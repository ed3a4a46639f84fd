"""Which accepted reading a lagging meter's next settlement goes up to."""

from dataclasses import replace

import pytest

from core.domain.budget import SAVED_UP_S, cap_ws, covers, refilled_ws
from core.store.steps import STEP_S, Pending, lags, next_ordinal

CAP_WH = 5_000 * SAVED_UP_S // 3_600
TOO_MUCH = Pending(
    first=11,
    first_beyond=40,
    newest=100,
    generation_wh=CAP_WH + 2,
    consumption_wh=0,
    rated_power_out_w=5_000,
    rated_power_in_w=5_000,
)


def test_a_step_ends_before_the_first_reading_that_is_too_late():
    assert next_ordinal(TOO_MUCH) == 39


def test_a_step_has_at_least_one_reading_when_even_the_first_is_too_late():
    assert next_ordinal(replace(TOO_MUCH, first_beyond=11)) == 11


def test_without_a_reading_that_is_too_late_the_step_goes_to_the_newest():
    assert next_ordinal(replace(TOO_MUCH, first_beyond=None)) == 100


@pytest.mark.parametrize(("generation_wh", "consumption_wh"), [(CAP_WH + 1, 0), (0, CAP_WH + 1), (0, 0)])
def test_what_the_chains_budget_can_hold_goes_at_once(generation_wh: int, consumption_wh: int):
    assert next_ordinal(replace(TOO_MUCH, generation_wh=generation_wh, consumption_wh=consumption_wh)) == 100


def test_either_direction_alone_asks_for_steps():
    assert next_ordinal(replace(TOO_MUCH, generation_wh=0, consumption_wh=CAP_WH + 2)) == 39


def test_a_meter_lags_beyond_the_longest_step():
    assert not lags(newest_at=STEP_S + 7, reached_at=7)
    assert lags(newest_at=STEP_S + 8, reached_at=7)


@pytest.mark.parametrize("power_w", [1, 5_000, 1_000_000_000])
def test_all_that_a_meter_may_measure_in_a_step_fits_an_empty_budget(power_w: int):
    most_wh = power_w * STEP_S * 11 // 10 // 3_600

    assert covers(refilled_ws(0, rated_power_w=power_w, elapsed_s=STEP_S), most_wh)
    assert most_wh * 3_600 <= cap_ws(power_w)
