from collections.abc import Sequence

import pytest
from solders.pubkey import Pubkey

from oracle_bridge.zones import CapChange, highest_cap_wh
from programs.client.accounts import ZoneAccount

NO_CAP = 2**64 - 1
STARTED_AT = 1_000
WINDOW_S = 600


def zone(cap_wh: int) -> ZoneAccount:
    """Zone 1, which has minted 2000 Wh since `STARTED_AT`."""
    return ZoneAccount(
        authority=Pubkey.default(),
        pending_authority=Pubkey.default(),
        mint_cap_wh=cap_wh,
        window_s=WINDOW_S,
        window_started_at=STARTED_AT,
        minted_in_window_wh=2_000,
        minted_wh=2_000,
        id=1,
        meter_count=1,
        bump=255,
        reserved=bytes(55),
    )


def change(at: int | None, cap_wh: int, *, of: int = 1, window_s: int = WINDOW_S) -> CapChange:
    return CapChange(at=at, zone=of, cap_wh=cap_wh, window_s=window_s)


def test_a_cap_that_was_lowered_within_the_window_takes_nothing_back():
    assert highest_cap_wh(zone(1_000), [change(10, 5_000), change(1_300, 1_000)]) == 5_000


def test_a_cap_that_was_lowered_after_the_window_takes_nothing_back():
    assert highest_cap_wh(zone(1_000), [change(10, 5_000), change(9_000, 1_000)]) == 5_000


def test_a_zone_that_had_no_cap_in_its_window_was_not_bound():
    assert highest_cap_wh(zone(1_000), [change(10, NO_CAP), change(1_300, 1_000)]) == NO_CAP


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param([change(10, 9_000), change(20, 1_000)], id="before"),
        pytest.param([change(10, 1_000), change(1_600, 9_000)], id="after"),
        pytest.param([change(10, 1_000), change(1_100, 9_000, of=2)], id="of another zone"),
    ],
)
def test_caps_of_other_windows_count_for_nothing(changes: Sequence[CapChange]):
    mine = [one for one in changes if one.zone == 1]

    assert highest_cap_wh(zone(mine[-1].cap_wh), changes) == 1_000


def test_a_window_that_was_shortened_later_was_as_long_as_it_was():
    changes = [change(10, 1_000), change(1_500, 9_000), change(1_550, 9_000, window_s=60)]

    assert highest_cap_wh(zone(9_000), changes) == 9_000


@pytest.mark.parametrize("changes", [[], [change(10, 5_000)]], ids=["none", "of another cap"])
def test_a_cap_that_no_event_tells_of_is_taken_as_it_is(changes: Sequence[CapChange]):
    assert highest_cap_wh(zone(1_400), changes) == 1_400


def test_a_change_whose_time_nobody_tells_may_have_been_in_the_window():
    assert highest_cap_wh(zone(1_000), [change(None, 5_000), change(1_300, 1_000)]) == 5_000
