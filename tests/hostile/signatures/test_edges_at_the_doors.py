"""Ed25519's edges through every way in of a running platform: MQTT, journal, HTTP body and envelope."""

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec
import pytest

from core.domain.identity import parse_meter_id
from core.domain.readings import Statement, StatementKind
from core.store import Store
from devices.envelope import encode_binary, encode_json
from devices.keys import key_text, signature_text
from devices.statement import encode_statement
from devices.topics import Channel, meter_topic
from tests.support.edge_signatures import UNDER_A_SOUND_KEY, UNDER_AN_UNSOUND_KEY, Edge, edge_of
from tests.support.enrolled import Door, by_http, by_mqtt, enrol, verdicts
from tests.support.platform import RECEIPT_WITHIN_S, EnrolledMeter, Grid, HttpDoor

ON_A_PLATFORM: Final = pytest.mark.asyncio(loop_scope="module")
FALSE_NAMES: Final = [name for name in UNDER_A_SOUND_KEY if name != "genuine"]


def edges_of(meter: EnrolledMeter, statement: Statement) -> list[Edge]:
    """Everything that the meter's owner can make of this statement and that is no strict signature."""
    return [edge_of(name, encode_statement(statement), meter.key.seed) for name in FALSE_NAMES]


async def nothing_moved(grid: Grid, meter: EnrolledMeter) -> None:
    await grid.at_rest()
    assert await grid.readings(meter) == []
    assert await grid.tokens(meter.owner.pubkey()) == 0


async def counts_once(grid: Grid, meter: EnrolledMeter, statement: Statement) -> None:
    """The meter is as it was: its genuine signature counts, and a second one of the same bytes changes nothing."""
    another = edge_of("genuine", encode_statement(statement), meter.key.seed)
    door = grid.door("mqtt")

    assert (await door.send(meter, statement)).said == "accepted"
    assert (await door.send_raw(meter, encode_binary(statement, another.signature))).said == "repeated"
    await grid.minted(meter, statement.sequence)
    await grid.at_rest()
    assert await grid.tokens(meter.owner.pubkey()) == statement.generation_wh * 1_000_000


@ON_A_PLATFORM
@pytest.mark.parametrize("coded", ["binary", "json"])
async def test_no_edge_comes_in_by_mqtt(grid: Grid, coded: str):
    meter = await grid.enrol(f"EDGE-{coded}")
    statement = meter.states(2_000)
    encode = encode_binary if coded == "binary" else encode_json

    said = [
        (await grid.door("mqtt").send_raw(meter, encode(statement, edge.signature))).said for edge in edges_of(meter, statement)
    ]

    assert said == ["rejected bad_signature"] * len(FALSE_NAMES)
    await nothing_moved(grid, meter)
    await counts_once(grid, meter, statement)


@ON_A_PLATFORM
async def test_no_edge_comes_in_by_a_journal(grid: Grid):
    meter = await grid.enrol("EDGE-journal")
    statement = meter.states(2_000)

    said = await told_of_journal(grid, meter, [encode_binary(statement, edge.signature) for edge in edges_of(meter, statement)])

    assert said == ["rejected bad_signature"]  # once for all: what nobody signed may say no number to the device
    await nothing_moved(grid, meter)
    await counts_once(grid, meter, statement)


async def told_of_journal(grid: Grid, meter: EnrolledMeter, entries: Sequence[bytes]) -> list[str]:
    """Send a journal over the meter's own connection; returns what its one receipt says of each entry."""
    fleet, meter_id = grid.platform.fleet, parse_meter_id(meter.meter_id)
    async with asyncio.timeout(RECEIPT_WITHIN_S), grid.mqtt_client(meter) as client:
        await client.subscribe(meter_topic(fleet, meter_id, Channel.RECEIPT), qos=1)
        await client.publish(meter_topic(fleet, meter_id, Channel.JOURNAL), b"".join(entries), qos=1)
        async for message in client.messages:
            return [f"{one['verdict']} {one['reason']}" for one in msgspec.json.decode(message.payload)["results"]]
    raise AssertionError("the broker closed the line before a receipt came")


@ON_A_PLATFORM
async def test_no_edge_comes_in_by_http(grid: Grid):
    meter = await grid.enrol("EDGE-http")
    statement = meter.states(2_000)

    answers = [
        await grid.door("http").send_raw(meter, encode_json(statement, edge.signature)) for edge in edges_of(meter, statement)
    ]

    assert {(answer.said, answer.status) for answer in answers} == {("rejected bad_signature", 401)}
    await nothing_moved(grid, meter)
    await counts_once(grid, meter, statement)


@ON_A_PLATFORM
async def test_no_edge_comes_in_by_the_interval_body(grid: Grid):
    meter = await grid.enrol("EDGE-interval", kind=StatementKind.INTERVAL)
    statement = meter.states(2_000)
    door = HttpDoor(grid)

    answers = [
        await door.send_interval(meter, statement, meter_signature=signature_text(edge.signature))
        for edge in edges_of(meter, statement)
    ]

    assert {(answer.said, answer.status) for answer in answers} == {("rejected bad_signature", 401)}
    await nothing_moved(grid, meter)
    assert (await door.send_interval(meter, statement)).said == "accepted"


@ON_A_PLATFORM
async def test_a_strange_key_in_the_body_is_only_a_hint(grid: Grid):
    """Nobody brings a key of small order along: the key that counts is the registered one."""
    meter = await grid.enrol("EDGE-hint")
    statement = meter.states(2_000)
    edges = {name: edge_of(name, encode_statement(statement), meter.key.seed) for name in UNDER_AN_UNSOUND_KEY}
    own = edges.pop("key is no point")  # the meter did sign this one

    async def said_of(edge: Edge) -> str:
        body = encode_json(statement, edge.signature, public_key=edge.public_key)
        return (await grid.door("http").send_raw(meter, body)).said

    assert {await said_of(edge) for edge in edges.values()} == {"rejected bad_signature"}
    await nothing_moved(grid, meter)
    assert await said_of(own) == "accepted"


@pytest.mark.parametrize("name", UNDER_AN_UNSOUND_KEY)
async def test_a_strange_key_signs_no_more_at_the_door_than_on_the_chain(sqlite_store: Store, name: str):
    """No such key is ever registered; if one were, the door would take what the chain takes, and nothing else."""
    door, seed = Door(sqlite_store), bytes(range(32))
    named = edge_of(name, b"whatever", seed).public_key
    device = await enrol(sqlite_store, "ODD", public_key=key_text(named))
    statement = device.states(1, 1_000)
    edge = edge_of(name, encode_statement(statement), seed)
    now = door.clock.now()

    said = verdicts(await door.take([by_mqtt(device, encode_binary(statement, edge.signature), received_at=now)]))
    again = verdicts(await door.take([by_http(encode_json(statement, edge.signature), received_at=now)]))
    door.verifier.close()

    assert edge.public_key == named
    assert said == (["accepted"] if edge.holds else ["rejected bad_signature"])
    assert again == (["repeated"] if edge.holds else ["rejected bad_signature"])
