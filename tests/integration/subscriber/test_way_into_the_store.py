"""From a device's message on a broker to rows and receipts, through the real intake."""

import asyncio
from collections.abc import AsyncIterator

import aiomqtt
import pytest

from core.domain.verdicts import Reason, Verdict
from core.store import Store, readings, refusals
from devices.envelope import encode_journal
from devices.receipts import HelloAnswer, ReceiptMessage, decode_platform_message
from oracle_bridge.ingest import IngestLimits
from oracle_bridge.ingest_door import IntakeDoor
from tests.support.brokers import FLEET, RunningBroker
from tests.support.enrolled import Door, enrol
from tests.support.subscribing import new_subscriber, running
from tests.support.waiting import until


@pytest.fixture
async def door(sqlite_store: Store) -> AsyncIterator[Door]:
    door = Door(sqlite_store)
    yield door
    door.verifier.close()


def _real_door(door: Door) -> IntakeDoor:
    return IntakeDoor(submit=door.intake.submit, store=door.store, fleet=FLEET, clock=door.clock)


async def _answer(device: aiomqtt.Client) -> ReceiptMessage:
    async with asyncio.timeout(5):
        message = decode_platform_message(bytes((await anext(aiter(device.messages))).payload))
    assert isinstance(message, ReceiptMessage)
    return message


async def _verdicts(store: Store) -> dict[str, int]:
    async with store.read() as session:
        return await readings.count_by_verdict(session)


async def test_a_reading_and_a_journal_become_rows_and_receipts(broker: RunningBroker, door: Door):
    meter = await enrol(door.store, "MTR-1")
    journal = encode_journal([meter.binary(meter.states(number, number * 100)) for number in range(2, 41)])

    async with running(new_subscriber(broker, _real_door(door))), broker.device("MTR-1") as device:
        await device.subscribe("gtx/v1/home/MTR-1/receipt", qos=1)
        await device.publish("gtx/v1/home/MTR-1/reading", meter.json(meter.states(1, 100)), qos=1)
        first = await _answer(device)
        await device.publish("gtx/v1/home/MTR-1/journal", journal[0], qos=1)
        parts = [await _answer(device), await _answer(device)]

    assert [(entry.sequence, entry.verdict, entry.final) for entry in first.results] == [(1, Verdict.ACCEPTED, True)]
    assert [entry.sequence for part in parts for entry in part.results] == list(range(2, 41))
    assert parts[-1].highest == 40
    assert await _verdicts(door.store) == {"accepted": 40}


async def test_a_repeat_of_everything_after_a_kill_changes_nothing(broker: RunningBroker, door: Door):
    meter = await enrol(door.store, "MTR-1")
    messages = [meter.binary(meter.states(number, number * 100)) for number in range(1, 31)]
    small = IngestLimits(max_batch=4)

    async with broker.device("MTR-1") as device:
        for _ in range(2):
            async with running(new_subscriber(broker, _real_door(door), limits=small), kill=True):
                for message in messages:
                    await device.publish("gtx/v1/home/MTR-1/reading", message, qos=1)
    async with running(new_subscriber(broker, _real_door(door))), broker.device("MTR-1") as device:
        await device.subscribe("gtx/v1/home/MTR-1/receipt", qos=1)
        while True:
            await device.publish("gtx/v1/home/MTR-1/reading", messages[-1], qos=1)
            if (await _answer(device)).missing == ():
                break

    assert await _verdicts(door.store) == {"accepted": 30}


async def test_bad_bytes_are_refused_with_a_row_and_a_receipt(broker: RunningBroker, door: Door):
    meter = await enrol(door.store, "MTR-1")
    other = await enrol(door.store, "MTR-2")

    async with running(new_subscriber(broker, _real_door(door))), broker.device("MTR-1") as device:
        await device.subscribe("gtx/v1/home/MTR-1/receipt", qos=1)
        for payload in (b"no envelope", b"", b"\xff" * 129, b"[" * 4_000, other.binary(other.states(1, 1))):
            await device.publish("gtx/v1/home/MTR-1/reading", payload, qos=1)
        told = [entry for _ in range(1) for entry in (await _answer(device)).results]
        await device.publish("gtx/v1/home/MTR-1/reading", meter.binary(meter.states(1, 100)), qos=1)
        for _ in range(5):
            if any(entry.verdict is Verdict.ACCEPTED for entry in (await _answer(device)).results):
                break

    assert {entry.verdict for entry in told} == {Verdict.REJECTED}
    async with door.store.read() as session:
        rows = await refusals.page(session)
    assert sum(row.seen for row in rows) == 5
    assert Reason.MALFORMED.value in {row.reason for row in rows}
    assert await _verdicts(door.store) == {"accepted": 1}


async def test_a_hello_tells_where_the_store_stands(broker: RunningBroker, door: Door):
    meter = await enrol(door.store, "MTR-1")
    await door.mqtt(meter, meter.states(1, 100), meter.states(2, 200))

    async with running(new_subscriber(broker, _real_door(door))), broker.device("MTR-1") as device:
        await device.subscribe("gtx/v1/home/MTR-1/receipt", qos=1)
        await device.publish("gtx/v1/home/MTR-1/hello", b'{"nonce":"a"}', qos=1)
        async with asyncio.timeout(5):
            answer = decode_platform_message(bytes((await anext(aiter(device.messages))).payload))

    assert isinstance(answer, HelloAnswer)
    assert answer.highest == 2


async def test_a_message_that_the_intake_chokes_on_is_kept_as_a_refusal(
    broker: RunningBroker, door: Door, monkeypatch: pytest.MonkeyPatch
):
    meter = await enrol(door.store, "MTR-1")
    genuine = door.intake.submit

    async def choking(submissions: object) -> object:
        if any(submission.raw == b"poison" for submission in submissions):  # pyright: ignore[reportGeneralTypeIssues, reportAttributeAccessIssue]  # a fault of ours, invented
            raise ZeroDivisionError
        return await genuine(submissions)  # pyright: ignore[reportArgumentType]  # likewise

    monkeypatch.setattr(door.intake, "submit", choking)
    async with running(new_subscriber(broker, _real_door(door))), broker.device("MTR-1") as device:
        for payload in (b"poison", meter.binary(meter.states(1, 100)), b"poison"):
            await device.publish("gtx/v1/home/MTR-1/reading", payload, qos=1)
        await device.subscribe("gtx/v1/home/MTR-1/receipt", qos=1)
        await device.publish("gtx/v1/home/MTR-1/reading", meter.binary(meter.states(2, 200)), qos=1)
        await until(lambda: door.woken)
        while (await _answer(device)).highest < 2:
            pass

    async with door.store.read() as session:
        (row,) = await refusals.page(session)
    assert (row.reason, row.payload, row.claimed_meter_id, row.seen) == ("malformed", b"poison", "MTR-1", 2)
    assert await _verdicts(door.store) == {"accepted": 2}
