"""Defects 2 to 8 through the real doors of a running platform: the answer is exact, and not a Wh moves.

Each attack is made by MQTT and by HTTP against a meter of its own; what counts afterwards is what the database credits and
what the chain minted, and, where the meter is not suspended, that an honest reading still counts.
"""

import asyncio
from dataclasses import replace
from itertools import count
from typing import Final

import pytest

from core.domain.identity import parse_meter_id
from core.domain.readings import MeterStatus, Statement, StatementKind
from core.store import meters
from devices.binding import bind_message, provision_message, rotation_message
from devices.envelope import encode_binary, encode_json
from devices.provisioning import set_status
from tests.support.platform import SETTLED_WITHIN_S, EnrolledMeter, Grid, changed

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.parametrize("door", ["mqtt", "http"]),
    pytest.mark.timeout(120),
]
_NUMBERS: Final = count(1)
WH: Final = 1_000_000
"""Base units in a Wh."""
DAY_S: Final = 86_400


async def a_meter(grid: Grid, **plate: object) -> EnrolledMeter:
    return await grid.enrol(f"HOST-{next(_NUMBERS)}", **plate)


async def is_credited(grid: Grid, meter: EnrolledMeter, generation_wh: int, consumption_wh: int = 0) -> None:
    """The meter is credited with exactly this much, and exactly its net was minted."""
    async with asyncio.timeout(SETTLED_WITHIN_S):
        await grid.at_rest()
    async with grid.platform.store.read() as session:
        row = await meters.find(session, parse_meter_id(meter.meter_id))
    assert row is not None
    assert (row.credited_generation_wh, row.credited_consumption_wh) == (generation_wh, consumption_wh)
    assert await grid.tokens(meter.owner.pubkey()) == max(0, generation_wh - consumption_wh) * WH


async def lives_on(grid: Grid, meter: EnrolledMeter, statement: Statement, credited_wh: int) -> None:
    """An honest reading is accepted and counts."""
    assert (await grid.door("mqtt").send(meter, statement)).said == "accepted"
    await is_credited(grid, meter, credited_wh)


async def test_defect_2_a_statement_for_another_network_moves_nothing(grid: Grid, door: str):
    meter = await a_meter(grid)
    foreign = changed(meter.states(2_000), network=b"elsewher")

    assert (await grid.door(door).send_raw(meter, meter.binary(foreign))).said == "rejected wrong_network"
    await is_credited(grid, meter, 0)
    await lives_on(grid, meter, meter.states(2_000, sequence=1), 2_000)


async def test_defect_2_another_meters_statement_moves_nothing(grid: Grid, door: str):
    """On the victim's topic it is malformed; over HTTP, where no topic is, its signature is not the victim's."""
    victim, thief = await a_meter(grid), await a_meter(grid)
    statement = victim.states(2_000)
    by_the_thief = encode_binary(statement, thief.signs(statement))

    assert (await grid.door(door).send_raw(victim, by_the_thief)).said == "rejected bad_signature"
    if door == "mqtt":
        own = thief.binary(thief.states(2_000))
        assert (await grid.door("mqtt").send_raw(victim, own)).said == "rejected malformed"
    await is_credited(grid, victim, 0)
    await is_credited(grid, thief, 0)


async def test_defect_2_bytes_signed_for_another_purpose_move_nothing(grid: Grid, door: str):
    meter = await a_meter(grid)
    statement = meter.states(2_000)
    purposes = [
        bind_message(
            network=meter.network,
            meter_id=statement.meter_id,
            owner=bytes(meter.owner.pubkey()),
            sequence=1,
            measured_at=statement.measured_at,
            base_generation_wh=2_000,
            base_consumption_wh=0,
        ),
        provision_message(network=meter.network, meter_id=statement.meter_id, nonce=bytes(16), claim="claim"),
        rotation_message(
            network=meter.network, meter_id=statement.meter_id, new_key=meter.key.public_key, valid_from=statement.measured_at
        ),
    ]

    said = [(await grid.door(door).send_raw(meter, encode_json(statement, meter.key.sign(made)))).said for made in purposes]

    assert said == ["rejected bad_signature"] * 3
    await is_credited(grid, meter, 0)


@pytest.mark.parametrize("kind", list(StatementKind), ids=lambda kind: kind.name.lower())
async def test_defect_3_a_replay_by_either_door_counts_once(grid: Grid, door: str, kind: StatementKind):
    meter = await a_meter(grid, kind=kind)
    statement = meter.states(2_000)

    said = [(await grid.door(way).send(meter, statement)).said for way in (door, door, "mqtt", "http")]
    await is_credited(grid, meter, 2_000)
    said.append((await grid.door(door).send(meter, statement)).said)

    assert said == ["accepted", *["repeated"] * 4]
    await is_credited(grid, meter, 2_000)


async def test_defect_4_a_statement_from_the_future_does_not_freeze_its_meter(grid: Grid, door: str):
    meter = await a_meter(grid)
    ahead = meter.states(2_000, sequence=1, measured_at=grid.platform.clock.now() + 365 * DAY_S)

    answer = await grid.door(door).send(meter, ahead)

    assert answer.said == "rejected future"
    await is_credited(grid, meter, 0)
    await lives_on(grid, meter, meter.states(3_000, sequence=2), 3_000)


async def test_defect_4_a_statement_older_than_the_limit_moves_nothing(grid: Grid, door: str):
    meter = await a_meter(grid, base_at=grid.platform.clock.now() - 9 * DAY_S)
    old = meter.states(2_000)

    assert (await grid.door(door).send(meter, old)).said == "rejected stale"
    await is_credited(grid, meter, 0)
    recent = meter.states(3_000, measured_at=grid.platform.clock.now() - 900)
    await lives_on(grid, meter, recent, 3_000)


async def test_defect_5_registers_that_run_backwards_move_nothing(grid: Grid, door: str):
    meter = await a_meter(grid)
    await lives_on(grid, meter, meter.states(2_000), 2_000)

    assert (await grid.door(door).send(meter, meter.states(1_999))).said == "rejected register_backwards"
    await is_credited(grid, meter, 2_000)


@pytest.mark.parametrize("consumption_wh", [0, 1])
async def test_defects_5_and_5b_a_jump_beyond_the_plate_is_held_and_the_next_reading_does_not_mint_it(
    grid: Grid, door: str, consumption_wh: int
):
    meter = await a_meter(grid, rated_out_w=1_000)

    assert (await grid.door(door).send(meter, meter.states(50_000, consumption_wh))).said == "quarantined over_capacity"
    assert (await grid.door(door).send(meter, meter.states(50_100, consumption_wh))).said == "quarantined held"
    await is_credited(grid, meter, 0)


@pytest.mark.parametrize("field", ["generation_wh", "consumption_wh", "measured_at", "sequence"])
async def test_defects_5_and_5c_a_giant_number_moves_nothing_and_bricks_nothing(grid: Grid, door: str, field: str):
    meter = await a_meter(grid)
    statement = meter.states(2_000, sequence=1)

    said = [(await grid.door(door).send(meter, replace(statement, **{field: giant}))).said for giant in (2**63, 2**64 - 1)]

    assert said == ["rejected malformed"] * 2
    await is_credited(grid, meter, 0)
    await lives_on(grid, meter, statement, 2_000)


async def test_defect_5b_nothing_below_the_base_is_minted(grid: Grid, door: str):
    meter = await a_meter(grid, base_generation_wh=7_000_000, base_consumption_wh=3_000)

    assert (await grid.door(door).send(meter, meter.states(7_002_000, 3_000))).said == "accepted"
    await is_credited(grid, meter, 2_000)


async def test_defect_5b_what_was_measured_at_or_before_the_base_moves_nothing(grid: Grid, door: str):
    meter = await a_meter(grid)

    answer = await grid.door(door).send(meter, meter.states(2_000, sequence=1, measured_at=meter.base_at))

    assert answer.said == "rejected meter_not_active"
    await is_credited(grid, meter, 0)


@pytest.mark.parametrize("sequence", [2**20 + 2, 2**62])
async def test_defect_5c_a_number_far_ahead_is_doubted_and_the_meter_lives_on(grid: Grid, door: str, sequence: int):
    meter = await a_meter(grid)

    answer = await grid.door(door).send(meter, meter.states(2_000, sequence=sequence, ticks=2))

    assert answer.said == "quarantined implausible"
    await is_credited(grid, meter, 0)
    await lives_on(grid, meter, meter.states(1_000, sequence=1), 1_000)


async def test_defect_6_sunny_and_no_load_is_accepted(grid: Grid, door: str):
    meter = await a_meter(grid, rated_out_w=400_000)

    assert (await grid.door(door).send(meter, meter.states(100_000, 0))).said == "accepted"
    await is_credited(grid, meter, 100_000)


async def test_defect_7_readings_out_of_order_lose_nothing(grid: Grid, door: str):
    meter = await a_meter(grid)
    in_order = [meter.states(1_000 * number) for number in range(1, 6)]

    said = [(await grid.door(door).send(meter, in_order[place])).said for place in (3, 0, 4, 2, 1)]

    assert said == ["accepted"] * 5
    await is_credited(grid, meter, 5_000)


async def test_defect_7_intervals_out_of_order_add_up(grid: Grid, door: str):
    meter = await a_meter(grid, kind=StatementKind.INTERVAL)
    in_order = [meter.states(1_000 * number) for number in range(1, 5)]

    said = [(await grid.door(door).send(meter, in_order[place])).said for place in (3, 0, 2, 1)]

    assert said == ["accepted"] * 4
    await is_credited(grid, meter, 10_000)


@pytest.mark.parametrize(
    ("plate", "energy_wh", "said"),
    [
        ({"rated_out_w": 1_000}, (50_000, 0), "quarantined over_capacity"),
        ({"rated_in_w": 0}, (0, 1_000), "quarantined implausible"),
        ({}, (100_001, 0), "rejected over_limit"),
        ({}, (0, 0), "rejected zero_energy"),
    ],
    ids=["beyond the plate", "consumed by what cannot", "beyond any meter", "nothing"],
)
async def test_defect_5_an_interval_that_cannot_be_moves_nothing(
    grid: Grid, door: str, plate: dict[str, int], energy_wh: tuple[int, int], said: str
):
    meter = await a_meter(grid, kind=StatementKind.INTERVAL, **plate)

    assert (await grid.door(door).send(meter, meter.states(*energy_wh))).said == said
    await is_credited(grid, meter, 0)


async def test_defect_5_one_time_counts_for_one_interval(grid: Grid, door: str):
    meter = await a_meter(grid, kind=StatementKind.INTERVAL)
    first = meter.states(1_000, ticks=10)
    await grid.door(door).send(meter, first)

    said = [(await grid.door(door).send(meter, meter.states(1_000, measured_at=first.measured_at + 60))).said]
    said.append((await grid.door(door).send(meter, meter.states(1_000, measured_at=first.measured_at - 1_800))).said)

    assert said == ["quarantined too_frequent", "quarantined implausible"]
    await is_credited(grid, meter, 1_000)


async def test_defect_4_an_interval_older_than_the_limit_is_kept_and_not_credited(grid: Grid, door: str):
    meter = await a_meter(grid, kind=StatementKind.INTERVAL, base_at=grid.platform.clock.now() - 9 * DAY_S)

    assert (await grid.door(door).send(meter, meter.states(1_000))).said == "quarantined stale"
    await is_credited(grid, meter, 0)


async def test_defect_5b_energy_of_a_suspension_moves_nothing(grid: Grid, door: str):
    meter = await a_meter(grid)
    async with grid.platform.store.begin() as session:
        await set_status(session, parse_meter_id(meter.meter_id), MeterStatus.SUSPENDED, reason="lost", clock=grid.platform.clock)

    assert (await grid.door(door).send(meter, meter.states(2_000))).said == "rejected meter_not_active"
    await is_credited(grid, meter, 0)


async def test_defect_1c_the_other_kind_of_statement_moves_nothing(grid: Grid, door: str):
    """An interval of a register meter would be added to what its register says already."""
    meter = await a_meter(grid)

    answer = await grid.door(door).send(meter, changed(meter.states(2_000), kind=StatementKind.INTERVAL))

    assert answer.said == "rejected wrong_kind"
    await is_credited(grid, meter, 0)
    await lives_on(grid, meter, meter.states(2_000), 2_000)


async def test_defect_8_one_number_with_two_contents_suspends_and_mints_the_first_alone(grid: Grid, door: str):
    meter = await a_meter(grid)
    first = meter.states(2_000)
    await lives_on(grid, meter, first, 2_000)

    assert (await grid.door(door).send(meter, changed(first, generation_wh=9_000))).said == "rejected sequence_conflict"
    assert (await grid.door(door).send(meter, meter.states(9_500))).said == "rejected meter_not_active"
    await is_credited(grid, meter, 2_000)


async def test_defect_10_every_refusal_is_a_row_that_the_operator_reads(grid: Grid, door: str):
    meter = await a_meter(grid)
    statement = meter.states(2_000)
    forged = encode_json(statement, meter.signs(changed(statement, generation_wh=9_000)))

    assert (await grid.door(door).send_raw(meter, forged)).said == "rejected bad_signature"

    listed = (await grid.operator.get("/api/admin/meters/refusals")).json()["items"]
    mine = [row for row in listed if row["claimed_meter_id"] == meter.meter_id]
    assert [(row["reason"], row["source"]) for row in mine] == [("bad_signature", door)]
    await is_credited(grid, meter, 0)
