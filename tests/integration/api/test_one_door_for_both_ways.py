"""R2.2 and R2.8: the same statement gets the same verdict and the same reason by MQTT and by HTTP; every reason is reached."""

from collections.abc import Awaitable, Callable
from itertools import count
from typing import Final

import pytest

from api.problems import STATUS_OF_REASON
from core.domain.identity import parse_meter_id
from core.domain.readings import MeterStatus, StatementKind
from core.domain.verdicts import Reason
from core.store import users
from devices.provisioning import set_status
from tests.support.platform import Answer, EnrolledMeter, Grid, HttpDoor, changed

pytestmark = pytest.mark.asyncio(loop_scope="module")
_NUMBERS: Final = count(1)

Case = Callable[[Grid, str, str], Awaitable[Answer]]
"""(platform, door, meter id) → the last answer."""


async def accepted(grid: Grid, door: str, name: str) -> Answer:
    meter = await grid.enrol(name)
    return await grid.door(door).send(meter, meter.states(1_000))


async def repeated(grid: Grid, door: str, name: str) -> Answer:
    meter = await grid.enrol(name)
    statement = meter.states(1_000)
    await grid.door(door).send(meter, statement)
    return await grid.door(door).send(meter, statement)


async def history(grid: Grid, door: str, name: str) -> Answer:
    meter = await grid.enrol(name)
    await grid.door(door).send(meter, meter.states(2_000, sequence=2))
    return await grid.door(door).send(meter, meter.states(1_000, sequence=1))


async def night(grid: Grid, door: str, name: str) -> Answer:
    meter = await grid.enrol(name)
    await grid.door(door).send(meter, meter.states(1_000))
    return await grid.door(door).send(meter, meter.states(1_000))


async def malformed(grid: Grid, door: str, name: str) -> Answer:
    meter = await grid.enrol(name)
    return await grid.door(door).send_raw(meter, b'{"v":1}')


async def too_long(grid: Grid, door: str, name: str) -> Answer:
    meter = await grid.enrol(name)
    return await grid.door(door).send_raw(meter, meter.envelope(meter.states(1)) + b" " * 4_096)


async def not_representable(grid: Grid, door: str, name: str) -> Answer:
    meter = await grid.enrol(name)
    return await grid.door(door).send(meter, meter.states(2**63))


async def meter_not_active(grid: Grid, door: str, name: str) -> Answer:
    meter = await grid.enrol(name)
    async with grid.platform.store.begin() as session:
        await set_status(session, parse_meter_id(name), MeterStatus.SUSPENDED, reason="test", clock=grid.platform.clock)
    return await grid.door(door).send(meter, meter.states(1_000))


async def before_the_base(grid: Grid, door: str, name: str) -> Answer:
    meter = await grid.enrol(name)
    return await grid.door(door).send(meter, meter.states(1_000, measured_at=meter.base_at))


async def owner_not_verified(grid: Grid, door: str, name: str) -> Answer:
    meter = await grid.enrol(name)
    await verify_owner(grid, meter, verified=False)
    try:
        return await grid.door(door).send(meter, meter.states(1_000))
    finally:
        await verify_owner(grid, meter, verified=True)


async def verify_owner(grid: Grid, meter: EnrolledMeter, *, verified: bool) -> None:
    async with grid.platform.store.begin() as session:
        user = await users.find_by_wallet(session, meter.wallet)
        assert user is not None
        user.verified = verified


async def bad_signature(grid: Grid, door: str, name: str) -> Answer:
    meter = await grid.enrol(name)
    statement = meter.states(1_000)
    genuine = meter.envelope(statement)
    return await grid.door(door).send_raw(meter, genuine.replace(b'"generation_wh":1000', b'"generation_wh":9000'))


async def wrong_network(grid: Grid, door: str, name: str) -> Answer:
    """A JSON envelope does not carry the network, so another network's signature does not fit: use the binary one."""
    meter = await grid.enrol(name)
    foreign = changed(meter.states(1_000), network=b"elsewher")
    return await grid.door(door).send_raw(meter, meter.binary(foreign))


async def wrong_kind(grid: Grid, door: str, name: str) -> Answer:
    meter = await grid.enrol(name)
    return await grid.door(door).send(meter, changed(meter.states(1_000), kind=StatementKind.INTERVAL))


async def stale(grid: Grid, door: str, name: str) -> Answer:
    long_ago = grid.platform.clock.now() - 9 * 86_400
    meter = await grid.enrol(name, base_at=long_ago)
    return await grid.door(door).send(meter, meter.states(1_000))


async def stale_interval(grid: Grid, door: str, name: str) -> Answer:
    long_ago = grid.platform.clock.now() - 9 * 86_400
    meter = await grid.enrol(name, base_at=long_ago, kind=StatementKind.INTERVAL)
    return await grid.door(door).send(meter, meter.states(1_000))


async def future(grid: Grid, door: str, name: str) -> Answer:
    meter = await grid.enrol(name)
    return await grid.door(door).send(meter, meter.states(1_000, measured_at=grid.platform.clock.now() + 600))


async def repeated_window(grid: Grid, door: str, name: str) -> Answer:
    meter = await grid.enrol(name)
    first = meter.states(1_000)
    await grid.door(door).send(meter, first)
    return await grid.door(door).send(meter, meter.states(1_100, measured_at=first.measured_at + 600))


async def too_frequent(grid: Grid, door: str, name: str) -> Answer:
    meter = await grid.enrol(name)
    first = meter.states(1_000)
    await grid.door(door).send(meter, first)
    return await grid.door(door).send(meter, meter.states(1_100, measured_at=first.measured_at + 60))


async def sequence_conflict(grid: Grid, door: str, name: str) -> Answer:
    meter = await grid.enrol(name)
    first = meter.states(1_000)
    await grid.door(door).send(meter, first)
    return await grid.door(door).send(meter, changed(first, generation_wh=2_000))


async def register_backwards(grid: Grid, door: str, name: str) -> Answer:
    meter = await grid.enrol(name)
    await grid.door(door).send(meter, meter.states(1_000))
    return await grid.door(door).send(meter, meter.states(999))


async def zero_energy(grid: Grid, door: str, name: str) -> Answer:
    meter = await grid.enrol(name, kind=StatementKind.INTERVAL)
    return await grid.door(door).send(meter, meter.states(0, 0))


async def over_limit(grid: Grid, door: str, name: str) -> Answer:
    meter = await grid.enrol(name)
    return await grid.door(door).send(meter, meter.states(100_001))


async def over_capacity(grid: Grid, door: str, name: str) -> Answer:
    meter = await grid.enrol(name, rated_out_w=1_000)
    return await grid.door(door).send(meter, meter.states(50_000))


async def implausible(grid: Grid, door: str, name: str) -> Answer:
    meter = await grid.enrol(name)
    return await grid.door(door).send(meter, meter.states(1_000, sequence=2**21, ticks=2))


async def held(grid: Grid, door: str, name: str) -> Answer:
    meter = await grid.enrol(name, rated_out_w=1_000)
    await grid.door(door).send(meter, meter.states(50_000))
    return await grid.door(door).send(meter, meter.states(99_000))


async def rate_limited(grid: Grid, door: str, name: str) -> Answer:
    meter = await grid.enrol(name)
    for _ in range(grid.platform.intake._rate._per_minute):
        grid.platform.intake._rate.allows(name, now_ms=grid.platform.clock.now_ms())
    return await grid.door(door).send(meter, meter.states(1_000))


TABLE: Final[list[tuple[Case, str, bool]]] = [
    (accepted, "accepted", True),
    (repeated, "repeated", True),
    (history, "accepted", True),
    (night, "accepted", True),
    (malformed, "rejected malformed", True),
    (too_long, "rejected malformed", True),
    (not_representable, "rejected malformed", True),
    (meter_not_active, "rejected meter_not_active", True),
    (before_the_base, "rejected meter_not_active", True),
    (owner_not_verified, "rejected owner_not_verified", False),
    (bad_signature, "rejected bad_signature", False),
    (wrong_network, "rejected wrong_network", True),
    (wrong_kind, "rejected wrong_kind", True),
    (stale, "rejected stale", True),
    (stale_interval, "quarantined stale", False),
    (future, "rejected future", False),
    (repeated_window, "rejected repeated_window", True),
    (too_frequent, "rejected too_frequent", True),
    (sequence_conflict, "rejected sequence_conflict", True),
    (register_backwards, "rejected register_backwards", True),
    (zero_energy, "rejected zero_energy", True),
    (over_limit, "rejected over_limit", True),
    (over_capacity, "quarantined over_capacity", False),
    (implausible, "quarantined implausible", False),
    (held, "quarantined held", False),
    (rate_limited, "rejected rate_limited", False),
]
ONLY_HTTP: Final = {Reason.UNKNOWN_METER, Reason.WALLET_INVALID, Reason.WALLET_MISMATCH}
"""A meter that the broker does not know has no line; only the interval body names a wallet."""


@pytest.mark.parametrize(("case", "expected", "final"), TABLE, ids=[case.__name__ for case, _, _ in TABLE])
async def test_both_doors_say_the_same(grid: Grid, case: Case, expected: str, final: bool):
    number = [row[0] for row in TABLE].index(case)

    by_mqtt = await case(grid, "mqtt", f"TBL-M-{number:02d}")
    by_http = await case(grid, "http", f"TBL-H-{number:02d}")

    assert (by_mqtt.said, by_mqtt.final) == (expected, final)
    assert (by_http.said, by_http.final) == (expected, final)
    if by_http.verdict == "rejected":
        reason = Reason(by_http.reason or "")
        assert by_http.status == STATUS_OF_REASON[reason]
        assert by_http.problem["type"] == f"urn:gridtokenx:reason:{reason.value}"
        assert by_http.problem["final"] is final


async def test_the_table_reaches_every_reason_of_the_closed_list():
    reached = {Reason(expected.split()[1]) for _, expected, _ in TABLE if " " in expected}
    assert reached == set(Reason) - ONLY_HTTP


async def test_a_meter_that_nobody_registered_is_unknown_over_http(grid: Grid):
    meter = await grid.enrol("KNOWN-1")
    statement = changed(meter.states(1_000), meter_id="UNKNOWN-1")

    answer = await grid.door("http").send(meter, statement)

    assert (answer.said, answer.final, answer.status) == ("rejected unknown_meter", False, 404)


async def test_the_wallet_of_an_interval_body_is_checked_and_decides_nothing(grid: Grid):
    meter = await grid.enrol("WALLET-1", kind=StatementKind.INTERVAL)
    stranger = await grid.enrol("WALLET-2", kind=StatementKind.INTERVAL)
    door = HttpDoor(grid)
    statement = meter.states(1_000)

    for wallet in ("", "O0Il", "1" * 31, "é", stranger.wallet + "1"):
        invalid = await door.send_interval(meter, statement, wallet_address=wallet)
        assert (invalid.said, invalid.status) == ("rejected wallet_invalid", 422), wallet
    mismatch = await door.send_interval(meter, statement, wallet_address=stranger.wallet)
    assert (mismatch.said, mismatch.status) == ("rejected wallet_mismatch", 403)
    assert await grid.readings(meter) == []
    assert (await door.send_interval(meter, statement)).said == "accepted"
    await grid.minted(meter, 1)
    assert await grid.tokens(meter.owner.pubkey()) == 1_000_000_000
    assert await grid.tokens(stranger.owner.pubkey()) == 0


@pytest.mark.parametrize(
    ("amount", "wh"), [("10.5", 10_500), (10.5, 10_500), (7, 7_000), ("0.001", 1), ("1e1", 10_000), ("-2.25", -2_250)]
)
async def test_the_amount_is_read_as_a_decimal_from_its_text(grid: Grid, amount: object, wh: int):
    meter = await grid.enrol(f"DEC-{next(_NUMBERS)}", kind=StatementKind.INTERVAL)
    statement = meter.states(max(0, wh), max(0, -wh))

    answer = await HttpDoor(grid).send_interval(meter, statement, kwh_amount=amount)

    assert answer.said == "accepted"
    (row,) = await grid.readings(meter)
    assert row["kwh_amount"] == f"{wh / 1000:.3f}"


@pytest.mark.parametrize("amount", ["0.0001", 1.00001, "NaN", "Infinity", "1,5", "", None, True, [], "1e400", 1e300, "٣"])
async def test_an_amount_that_is_not_whole_wh_is_malformed(grid: Grid, amount: object):
    meter = await grid.enrol(f"BAD-{next(_NUMBERS)}", kind=StatementKind.INTERVAL)

    answer = await HttpDoor(grid).send_interval(meter, meter.states(1_000), kwh_amount=amount)

    assert (answer.said, answer.status) == ("rejected malformed", 400)
    assert await grid.readings(meter) == []


async def test_consumption_is_taken_only_from_a_meter_that_can_consume(grid: Grid):
    can = await grid.enrol("CAN-1", kind=StatementKind.INTERVAL)
    cannot = await grid.enrol("CANNOT-1", kind=StatementKind.INTERVAL, rated_in_w=0)
    door = HttpDoor(grid)

    assert (await door.send_interval(can, can.states(0, 400))).said == "accepted"
    assert (await door.send_interval(cannot, cannot.states(0, 400))).said == "quarantined implausible"
