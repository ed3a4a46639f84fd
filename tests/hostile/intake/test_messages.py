"""Defects 39 and 42 at the intake door: garbage, floods and failures."""

import json
from collections.abc import Awaitable, Callable
from unittest.mock import patch

import pytest
from sqlalchemy.exc import OperationalError

from core.domain.errors import Unavailable
from core.store import Store, readings, refusals
from core.store.refusals import OVER_CAP
from devices.intake import Submission
from tests.support.enrolled import FLEET, Device, Door, by_http, by_mqtt, enrol, key_of, verdicts

Credited = Callable[[Device], Awaitable[tuple[int, int]]]
Refused = Callable[[], Awaitable[list[tuple[str, int]]]]

GARBAGE = {
    "nothing": b"",
    "zero bytes": b"\x00" * 129,
    "no JSON": b"{",
    "deep JSON": b"[" * 4_000,
    "deep extras": b'{"v":1,"extras":' + b'{"a":' * 600 + b"1" + b"}" * 600 + b"}",
    "endless number": b'{"v":' + b"9" * 4_000 + b"}",
    "not a number": b'{"v":NaN}',
    "twice the same key": b'{"v":1,"v":1}',
    "trailing bytes": b'{"v":1} x',
    "huge": b'{"v":1,"extras":{"a":"' + b"x" * 70_000 + b'"}}',
    "broken unicode": b'{"v":1,"meter_id":"\xff\xfe"}',
    "lone surrogate": b'{"v":1,"meter_id":"\\ud800"}',
    "SQL": b'{"v":1,"meter_id":"\'; DROP TABLE meters; --"}',
    "binary, too short": b"\x01" + b"x" * 100,
    "null byte": b'{"v":1,"meter_id":"\\u0000","sequence":1}',
}


@pytest.mark.parametrize("name", GARBAGE)
@pytest.mark.parametrize("journal", [False, True])
async def test_defect_42_garbage_is_malformed_and_takes_nothing_down_with_it(any_store: Store, name: str, *, journal: bool):
    device, door = await enrol(any_store), Door(any_store)
    now = door.clock.now()

    result = await door.take(
        [
            by_mqtt(device, GARBAGE[name], received_at=now, journal=journal),
            by_http(GARBAGE[name], received_at=now),
            by_http(GARBAGE[name], received_at=now, interval=True),
            by_mqtt(device, device.binary(device.states(1, 1_000)), received_at=now),
        ]
    )

    assert set(verdicts(result)[:-1]) == {"rejected malformed"}
    assert verdicts(result)[-1] == "accepted"
    assert {entry.sequence for entry in result.receipts[0].results} == {0, 1}
    async with any_store.read() as session:
        assert await refusals.page(session)


@pytest.mark.parametrize("meter_id", ["..", "a/b", "x" * 17, "é", "#", "+", "\u202e"])
async def test_defect_42_an_id_of_other_letters_is_malformed(door: Door, sqlite_store: Store, meter_id: str):
    device = await enrol(sqlite_store)
    fields = json.loads(device.json(device.states(1, 1_000)))

    result = await door.take([by_http(json.dumps(fields | {"meter_id": meter_id}).encode(), received_at=door.clock.now())])

    assert verdicts(result) == ["rejected malformed"]


async def test_an_unknown_meter_is_kept_as_a_refusal_and_may_come_again_after_its_import(
    sqlite_store: Store, door: Door, credited: Credited, refused: Refused
):
    stranger = Device("MTR-001", key_of("MTR-001"))
    statement = stranger.states(1, 1_000)

    early = await door.mqtt(stranger, statement)
    assert (verdicts(early), early.outcomes[0][0].final) == (["rejected unknown_meter"], False)
    await enrol(sqlite_store, "MTR-001")

    assert verdicts(await door.mqtt(stranger, statement)) == ["accepted"]
    assert (await credited(stranger), await refused()) == ((1_000, 0), [("unknown_meter", 1)])


async def test_a_meter_of_another_fleet_is_unknown_in_this_one(sqlite_store: Store, door: Door, credited: Credited):
    device = await enrol(sqlite_store)
    elsewhere = Submission(
        raw=device.binary(device.states(1, 1_000)),
        source="mqtt",
        fleet="other",
        topic_meter_id=device.meter_id,
        received_at=door.clock.now(),
    )

    assert verdicts(await door.take([elsewhere])) == ["rejected unknown_meter"]
    assert (await credited(device), FLEET) == ((0, 0), "home")


async def test_an_unverified_owner_settles_nothing_until_verified(sqlite_store: Store, door: Door, credited: Credited):
    device = await enrol(sqlite_store, verified=False)

    result = await door.mqtt(device, device.states(1, 1_000))

    assert (verdicts(result), result.outcomes[0][0].final) == (["rejected owner_not_verified"], False)
    assert await credited(device) == (0, 0)


async def test_defect_39_nothing_is_answered_before_it_is_stored(sqlite_store: Store, door: Door, credited: Credited):
    device = await enrol(sqlite_store)
    lost = OperationalError("INSERT", {}, Exception("disk is away"))

    with patch.object(readings, "insert", side_effect=lost), pytest.raises(Unavailable):
        await door.mqtt(device, device.states(1, 1_000))
    assert (await credited(device), door.woken) == ((0, 0), set())

    assert verdicts(await door.mqtt(device, device.states(1, 1_000))) == ["accepted"]
    assert await credited(device) == (1_000, 0)


async def test_a_flood_of_one_meter_is_limited_and_the_others_are_heard(sqlite_store: Store, door: Door, credited: Credited):
    loud, quiet = await enrol(sqlite_store, "LOUD"), await enrol(sqlite_store, "QUIET")
    door.restart(messages_per_minute=3)

    flood = await door.mqtt(loud, *(loud.states(number, number) for number in range(1, 7)))
    heard = await door.mqtt(quiet, quiet.states(1, 10))

    assert verdicts(flood) == ["accepted"] * 3 + ["rejected rate_limited"] * 3
    assert [outcome[0].final for outcome in flood.outcomes[3:]] == [False] * 3
    assert verdicts(heard) == ["accepted"]
    door.clock.now_s += 60
    assert verdicts(await door.mqtt(loud, loud.states(4, 4))) == ["accepted"]
    assert await credited(loud) == (4, 0)
    async with sqlite_store.read() as session:
        (counter,) = await refusals.page(session)
    assert (counter.reason, counter.seen, counter.payload) == ("rate_limited", 3, b"")


async def test_a_stranger_cannot_use_up_a_meters_patience_over_http(sqlite_store: Store, door: Door):
    device = await enrol(sqlite_store)
    door.restart(messages_per_minute=2)
    stranger = Device(device.meter_id, key_of("stranger"))

    assert set(verdicts(await door.http(stranger, *(stranger.states(number) for number in range(1, 10))))) == {
        "rejected bad_signature"
    }
    assert verdicts(await door.http(device, device.states(1, 10))) == ["accepted"]


async def test_a_flood_of_different_garbage_stays_bounded_and_is_counted(sqlite_store: Store, door: Door):
    device = await enrol(sqlite_store)
    door.restart(refusals_per_hour=5)

    for start in range(0, 30, 10):
        await door.take(
            [by_mqtt(device, b"garbage %d" % number, received_at=door.clock.now()) for number in range(start, start + 10)]
        )

    async with sqlite_store.read() as session:
        rows = await refusals.page(session)
    kept = [row for row in rows if row.payload_sha256 != OVER_CAP]
    (counter,) = (row for row in rows if row.payload_sha256 == OVER_CAP)
    assert (len(kept), counter.seen) == (5, 25)


async def test_old_refusals_are_pruned_and_the_counters_stay(sqlite_store: Store, door: Door):
    device = await enrol(sqlite_store)
    for number in range(6):
        await door.take([by_mqtt(device, b"garbage %d" % number, received_at=door.clock.now())])
        door.clock.now_s += 10

    async with sqlite_store.begin() as session:
        await refusals.record(session, [refusals.over_cap("malformed", "mqtt", 9)], now=1)
        await refusals.prune(session, keep=2)
        left = await refusals.page(session)

    assert [(row.payload, row.seen) for row in left] == [(b"", 9), (b"garbage 5", 1), (b"garbage 4", 1)]
