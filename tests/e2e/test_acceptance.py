"""Acceptance (R2) as a device meets it at the public doors, down to its tokens."""

import asyncio
from itertools import count
from pathlib import Path
from typing import Any

import aiomqtt
import msgspec
import pytest

from core.domain.identity import parse_meter_id
from core.domain.readings import Statement, StatementKind
from devices.topics import Channel, meter_topic
from tests.support.platform import CADENCE_S, EnrolledMeter, Grid, changed, running_grid, settings_in

pytestmark = pytest.mark.asyncio(loop_scope="module")
both_doors = pytest.mark.parametrize("door", ["mqtt", "http"])
_NUMBERS = count(1)


async def a_meter(grid: Grid, **changes: Any) -> EnrolledMeter:
    return await grid.enrol(f"ACC-{next(_NUMBERS):03d}", **changes)


class Line:
    """A device's connection that keeps every receipt."""

    def __init__(self, grid: Grid, meter: EnrolledMeter, client: aiomqtt.Client) -> None:
        self._fleet = grid.platform.fleet
        self._meter_id = parse_meter_id(meter.meter_id)
        self._meter = meter
        self._client = client

    async def sends(self, *statements: Statement) -> list[dict[str, Any]]:
        """Publish, one message each or a journal of several; returns the receipts up to the last number's."""
        await self._client.subscribe(meter_topic(self._fleet, self._meter_id, Channel.RECEIPT), qos=1)
        if len(statements) == 1:
            payload, channel = self._meter.envelope(statements[0]), Channel.READING
        else:
            payload, channel = b"".join(self._meter.binary(statement) for statement in statements), Channel.JOURNAL
        await self._client.publish(meter_topic(self._fleet, self._meter_id, channel), payload, qos=1)
        receipts: list[dict[str, Any]] = []
        async with asyncio.timeout(10):
            async for message in self._client.messages:
                receipts.append(msgspec.json.decode(message.payload))
                if any(result["sequence"] == statements[-1].sequence for result in receipts[-1]["results"]):
                    return receipts
        raise AssertionError("no receipt came")


@both_doors
@pytest.mark.parametrize("kind", list(StatementKind))
async def test_only_the_meters_own_key_signs_for_it(grid: Grid, door: str, kind: StatementKind):
    mine, other = await a_meter(grid, kind=kind), await a_meter(grid, kind=kind)
    statement = mine.states(5_000)
    mine.key, own_key = other.key, mine.key

    forged = await grid.door(door).send(mine, statement)
    mine.key = own_key

    assert (forged.said, forged.final) == ("rejected bad_signature", False)
    assert await grid.readings(mine) == []
    assert (await grid.door(door).send(mine, statement)).said == "accepted"
    await grid.minted(mine, 1)
    assert await grid.tokens(mine.owner.pubkey()) == 5_000_000_000
    assert await grid.tokens(other.owner.pubkey()) == 0


@both_doors
async def test_nothing_below_the_base_registers_is_ever_minted(grid: Grid, door: str):
    meter = await a_meter(grid, base_generation_wh=81_234_567, base_consumption_wh=1_000)

    assert (await grid.door(door).send(meter, meter.states(81_236_567, 1_500))).said == "accepted"

    await grid.minted(meter, 1)
    assert await grid.tokens(meter.owner.pubkey()) == 1_500_000_000


@both_doors
async def test_a_night_of_zero_growth_settles_nothing_and_counts_as_minted_with_the_day(grid: Grid, door: str):
    meter = await a_meter(grid)
    for _ in range(3):
        assert (await grid.door(door).send(meter, meter.states(0))).said == "accepted"
    await grid.at_rest()
    assert await grid.tokens(meter.owner.pubkey()) == 0

    assert (await grid.door(door).send(meter, meter.states(2_000))).said == "accepted"

    await grid.minted(meter, 4)
    assert [row["minted"] for row in await grid.readings(meter)] == [True] * 4
    assert await grid.tokens(meter.owner.pubkey()) == 2_000_000_000


@both_doors
async def test_a_late_register_is_history_and_moves_no_value(grid: Grid, door: str):
    meter = await a_meter(grid)
    assert (await grid.door(door).send(meter, meter.states(3_000, sequence=3))).said == "accepted"
    await grid.minted(meter, 3)

    assert (await grid.door(door).send(meter, meter.states(2_000, sequence=2))).said == "accepted"
    backwards = await grid.door(door).send(meter, meter.states(3_001, sequence=1))

    assert backwards.said == "rejected register_backwards"
    await grid.at_rest()
    assert await grid.tokens(meter.owner.pubkey()) == 3_000_000_000
    assert [(row["sequence"], row["verification_status"]) for row in await grid.readings(meter)] == [
        (1, "rejected"),
        (2, "accepted"),
        (3, "accepted"),
    ]


@both_doors
async def test_intervals_add_up_in_any_order_each_number_once(grid: Grid, door: str):
    meter = await a_meter(grid, kind=StatementKind.INTERVAL)
    statements = [meter.states(1_000 * number) for number in range(1, 5)]

    for position in (2, 0, 3, 0, 1, 2):
        assert (await grid.door(door).send(meter, statements[position])).verdict in ("accepted", "repeated")

    for number in range(1, 5):
        await grid.minted(meter, number)
    await grid.at_rest()
    assert await grid.tokens(meter.owner.pubkey()) == 10_000_000_000


async def test_a_receipt_names_what_is_missing_until_it_has_come(grid: Grid):
    meter = await a_meter(grid, kind=StatementKind.INTERVAL)
    statements = [meter.states(100 * number) for number in range(1, 7)]
    async with grid.mqtt_client(meter) as client:
        line = Line(grid, meter, client)

        first = (await line.sends(statements[0]))[-1]
        gap = (await line.sends(statements[5]))[-1]
        filled = (await line.sends(*statements[1:4]))[-1]
        whole = (await line.sends(statements[4]))[-1]

    assert (first["highest"], first.get("missing", [])) == (1, [])
    assert (gap["highest"], gap["missing"]) == (6, [[2, 5]])
    assert filled["missing"] == [[5, 5]]
    assert whole.get("missing", []) == []
    assert all(result["final"] for receipt in (first, gap, filled, whole) for result in receipt["results"])


async def test_doubt_holds_value_until_a_span_within_limits_ends_it_with_a_second_receipt(grid: Grid):
    meter = await a_meter(grid, rated_out_w=4_000)
    async with grid.mqtt_client(meter) as client:
        line = Line(grid, meter, client)
        assert (await line.sends(meter.states(1_000)))[-1]["results"][0]["verdict"] == "accepted"
        await grid.minted(meter, 1)

        jump = (await line.sends(meter.states(9_000)))[-1]["results"][0]
        held = (await line.sends(meter.states(9_100)))[-1]["results"][0]
        await grid.at_rest()
        before = await grid.tokens(meter.owner.pubkey())
        ended = await line.sends(meter.states(9_200, sequence=4, ticks=24))

    assert (jump["verdict"], jump["reason"], jump["final"]) == ("quarantined", "over_capacity", False)
    assert (held["verdict"], held["reason"]) == ("quarantined", "held")
    assert before == 1_000_000_000
    decided = {result["sequence"]: result["verdict"] for receipt in ended for result in receipt["results"]}
    assert decided == {2: "accepted", 3: "accepted", 4: "accepted"}
    await grid.minted(meter, 4)
    assert await grid.tokens(meter.owner.pubkey()) == 9_200_000_000


@both_doors
async def test_two_contents_of_one_number_suspend_the_meter_and_mint_once(grid: Grid, door: str):
    meter = await a_meter(grid)
    first = meter.states(1_000)
    assert (await grid.door(door).send(meter, first)).said == "accepted"
    await grid.minted(meter, 1)

    second = await grid.door(door).send(meter, changed(first, generation_wh=2_000))
    later = await grid.door(door).send(meter, meter.states(3_000))

    assert second.said == "rejected sequence_conflict"
    assert later.said == "rejected meter_not_active"
    await grid.at_rest()
    assert await grid.tokens(meter.owner.pubkey()) == 1_000_000_000


@both_doors
async def test_every_limit_of_time_has_its_edge(grid: Grid, door: str):
    now = grid.platform.clock.now()
    week = 7 * 86_400
    old = await a_meter(grid, base_at=now - week - 4 * CADENCE_S)
    near = await a_meter(grid)
    said = [
        (await grid.door(door).send(old, old.states(1, measured_at=now - week - 60))).said,
        (await grid.door(door).send(old, old.states(1, measured_at=now - week + 120))).said,
        (await grid.door(door).send(near, near.states(1, measured_at=now - 1_200))).said,
        (await grid.door(door).send(near, near.states(2, measured_at=now - 1_200 + 839))).said,
        (await grid.door(door).send(near, near.states(2, measured_at=now - 1_200 + 840))).said,
    ]

    assert said == ["rejected stale", "accepted", "accepted", "rejected repeated_window", "accepted"]


async def test_polling_settles_by_rounds_and_the_token_has_the_name_that_was_set(tmp_path: Path):
    settings = settings_in(
        tmp_path,
        settlement={"mode": "polling", "polling_interval_s": 1, "max_readings_per_batch": 2, "max_transactions_per_round": 1},
        token={"name": "Sunshine", "symbol": "SUN"},
    )
    async with running_grid(tmp_path, settings) as grid:
        meters = [await grid.enrol(f"POLL-{number}") for number in range(5)]
        for meter in meters:
            assert (await grid.door("http").send(meter, meter.states(1_000))).said == "accepted"
        for meter in meters:
            await grid.minted(meter, 1)
        await grid.at_rest()
        info = (await grid.http.get("/api/tokens/info")).json()
        mint = await grid.platform.chain.account(grid.at.mint)

    assert (info["name"], info["symbol"]) == ("Sunshine", "SUN")
    assert mint is not None
    assert b"Sunshine" in mint.data
