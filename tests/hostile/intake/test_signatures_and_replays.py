"""Defects 2, 3, 8 and 9 at the intake door."""

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from sqlmodel import select

from core.domain.errors import Conflict
from core.domain.readings import MeterStatus
from core.runtime.clock import FixedClock
from core.store import Store
from core.store.tables.meters import DeviceKeyRow, MeterRow
from core.store.tables.readings import ConflictRow
from devices.binding import bind_message, provision_message, rotation_message
from devices.envelope import encode_binary
from devices.keys import DeviceKey, key_text
from devices.provisioning import record_bound_meter
from tests.support.enrolled import (
    BASE_AT,
    CADENCE_S,
    FLEET,
    NETWORK,
    Device,
    Door,
    by_mqtt,
    enrol,
    key_of,
    meter_import,
    verdicts,
)

Credited = Callable[[Device], Awaitable[tuple[int, int]]]
Refused = Callable[[], Awaitable[list[tuple[str, int]]]]
DAYS_7 = 7 * 86_400


async def test_defect_2_a_statement_for_another_network_moves_nothing(
    sqlite_store: Store, door: Door, credited: Credited, refused: Refused
):
    device = await enrol(sqlite_store)
    elsewhere = replace(device, network=b"othernet")

    result = await door.mqtt(device, elsewhere.states(1, 1_000))

    assert verdicts(result) == ["rejected wrong_network"]
    assert (await credited(device), await refused()) == ((0, 0), [("wrong_network", 1)])


async def test_defect_2_a_statement_of_another_meter_under_this_topic_moves_nothing(
    sqlite_store: Store, door: Door, credited: Credited
):
    one, two = await enrol(sqlite_store, "ONE"), await enrol(sqlite_store, "TWO")

    result = await door.take([by_mqtt(one, two.binary(two.states(1, 1_000)), received_at=door.clock.now())])

    assert verdicts(result) == ["rejected malformed"]
    assert (await credited(one), await credited(two)) == ((0, 0), (0, 0))
    assert [entry.sequence for entry in result.receipts[0].results] == [0]


async def test_defect_2_another_meters_signature_over_this_meters_statement_is_bad(
    sqlite_store: Store, door: Door, credited: Credited
):
    one, two = await enrol(sqlite_store, "ONE"), await enrol(sqlite_store, "TWO")
    forged = replace(one, key=two.key)

    assert verdicts(await door.mqtt(forged, one.states(1, 1_000))) == ["rejected bad_signature"]
    assert await credited(one) == (0, 0)


@pytest.mark.parametrize("purpose", ["bind", "provision", "rotate"])
async def test_defect_2_a_signature_made_for_another_purpose_is_bad(
    sqlite_store: Store, door: Door, credited: Credited, purpose: str
):
    device = await enrol(sqlite_store)
    statement = device.states(1, 1_000)
    message = {
        "bind": bind_message(
            network=NETWORK,
            meter_id=statement.meter_id,
            owner=bytes(32),
            sequence=1,
            measured_at=2,
            base_generation_wh=3,
            base_consumption_wh=4,
        ),
        "provision": provision_message(network=NETWORK, meter_id=statement.meter_id, nonce=bytes(16), claim="x"),
        "rotate": rotation_message(network=NETWORK, meter_id=statement.meter_id, new_key=bytes(32), valid_from=1),
    }[purpose]

    envelope = encode_binary(statement, device.key.sign(message))

    assert verdicts(await door.take([by_mqtt(device, envelope, received_at=door.clock.now())])) == ["rejected bad_signature"]
    assert await credited(device) == (0, 0)


async def test_defect_3_a_statement_replayed_at_once_later_and_after_a_restart_credits_once(
    sqlite_store: Store, door: Door, credited: Credited
):
    device = await enrol(sqlite_store)
    statement = device.states(1, 1_000)

    answers = verdicts(await door.mqtt(device, statement, statement))
    answers += verdicts(await door.http(device, statement))
    door.restart()
    door.clock.now_s += 30 * 86_400
    answers += verdicts(await door.mqtt(device, statement))

    assert answers == ["accepted", "repeated", "repeated", "repeated"]
    assert await credited(device) == (1_000, 0)


async def test_defect_8_one_number_two_contents_is_evidence_and_suspends(
    sqlite_store: Store, door: Door, credited: Credited, meter_row: Callable[[Device], Awaitable[MeterRow]]
):
    device = await enrol(sqlite_store)
    genuine, clone = device.states(1, 1_000), device.states(1, 2_000)

    assert verdicts(await door.mqtt(device, genuine, clone, clone)) == [
        "accepted", "rejected sequence_conflict", "rejected sequence_conflict",
    ]  # fmt: skip

    async with sqlite_store.read() as session:
        evidence = (await session.exec(select(ConflictRow))).all()
    assert [(row.sequence, row.first_statement != row.second_statement) for row in evidence] == [(1, True)]
    assert (await meter_row(device)).status == int(MeterStatus.SUSPENDED)
    assert await credited(device) == (1_000, 0)


async def test_defect_8_an_unsigned_second_content_is_no_evidence_and_suspends_nobody(
    sqlite_store: Store, door: Door, meter_row: Callable[[Device], Awaitable[MeterRow]]
):
    device = await enrol(sqlite_store)
    await door.mqtt(device, device.states(1, 1_000))
    stranger = replace(device, key=key_of("stranger"))

    assert verdicts(await door.mqtt(stranger, device.states(1, 2_000))) == ["rejected bad_signature"]
    assert (await meter_row(device)).status == int(MeterStatus.ACTIVE)


async def _rotate(store: Store, device: Device, new: DeviceKey, *, at: int) -> None:
    async with store.begin() as session:
        old = await session.get(DeviceKeyRow, device.key.public_text)
        assert old is not None
        old.valid_until = at
        session.add(old)
        session.add(DeviceKeyRow(public_key=key_text(new.public_key), meter_id=device.meter_id, valid_from=at))


async def test_defect_9_a_revoked_key_with_a_back_dated_time_counts_for_nothing(
    sqlite_store: Store, door: Door, credited: Credited
):
    device = await enrol(sqlite_store)
    async with sqlite_store.begin() as session:
        row = await session.get(DeviceKeyRow, device.key.public_text)
        assert row is not None
        row.revoked_at = BASE_AT + 10 * CADENCE_S
        session.add(row)

    assert verdicts(await door.mqtt(device, device.states(1, 1_000))) == ["rejected bad_signature"]
    assert await credited(device) == (0, 0)


async def test_defect_9_a_rotated_key_counts_for_what_it_measured_and_only_so_long(
    sqlite_store: Store, door: Door, credited: Credited
):
    device, new = await enrol(sqlite_store), key_of("second key")
    change = BASE_AT + 5 * CADENCE_S
    await _rotate(sqlite_store, device, new, at=change)
    renewed = replace(device, key=new)

    assert verdicts(await door.mqtt(renewed, renewed.states(6, 6_000))) == ["accepted"]
    assert verdicts(await door.mqtt(device, device.states(4, 4_000))) == ["accepted"]
    assert verdicts(await door.mqtt(device, device.states(7, 7_000))) == ["rejected bad_signature"]
    assert verdicts(await door.mqtt(renewed, renewed.states(3, 3_000))) == ["rejected bad_signature"]
    door.clock.now_s = change + DAYS_7 + 1
    assert verdicts(await door.mqtt(device, device.states(2, 2_000))) == ["rejected bad_signature"]
    assert await credited(device) == (6_000, 0)


async def test_defect_9_one_key_cannot_serve_two_meters(sqlite_store: Store):
    device = await enrol(sqlite_store, "ONE")
    second = replace(device, meter_id="TWO")

    async def register() -> None:
        async with sqlite_store.begin() as session:
            await record_bound_meter(
                session,
                meter_import(second),
                fleet=FLEET,
                token_account="t",
                owner_verified=True,
                hash_password=lambda password, salt: password + salt.hex(),
                clock=FixedClock(BASE_AT),
            )

    with pytest.raises(Conflict, match="one key serves one meter"):
        await register()
