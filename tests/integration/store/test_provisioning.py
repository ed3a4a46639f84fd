"""Registered meters on both databases: rows, credentials, status and what the audit keeps."""

import json

import msgspec
import pytest

from broker.passwords import hash_password, password_matches
from core.domain.errors import Conflict, InvalidInput, NotFound
from core.domain.identity import MeterId
from core.domain.readings import MeterStatus
from core.runtime.clock import FixedClock
from core.store import Store, audit_log, device_keys, meters, users
from devices.acceptance import Mark
from devices.provisioning import (
    DeviceCredential,
    MeterImport,
    find_meter,
    generated_meter_id,
    list_meters,
    record_bound_meter,
    renew_credential,
    resume_meter,
    set_status,
    show_meter,
)
from tests.support.enrolled import BASE_AT, FLEET, Device, enrol, key_of, meter_import

CLOCK = FixedClock(BASE_AT)
ONE = MeterId("ONE")


async def _record(store: Store, meter: MeterImport) -> DeviceCredential:
    async with store.begin() as session:
        return await record_bound_meter(
            session, meter, fleet=FLEET, token_account="tokens", owner_verified=True, hash_password=hash_password, clock=CLOCK
        )


async def test_a_bound_meter_has_rows_a_credential_and_an_audit_entry(any_store: Store):
    meter = meter_import(Device("ONE", key_of("ONE")), base_sequence=7, base_generation_wh=5_000)

    credential = await _record(any_store, meter)

    async with any_store.read() as session:
        row = await show_meter(session, "ONE")
        login = await meters.find_credential(session, "ONE")
        keys = await device_keys.keys_of(session, ["ONE"])
        owner = await users.find_by_wallet(session, meter.owner)
        (act,) = await audit_log.of_subject(session, "ONE")
    assert (row.last_sequence, row.last_generation_wh, row.credited_generation_wh, row.budget_at) == (7, 5_000, 0, BASE_AT)
    assert owner is not None
    assert (row.user_id, owner.verified) == (owner.id, True)
    assert [key.public_key for key in keys["ONE"]] == [meter.public_key]
    assert login is not None
    assert password_matches(credential.password, login.password_hash)
    assert credential.password not in login.password_hash + repr(credential)
    assert credential.publishes[-1] == "gtx/v1/home/ONE/status"
    assert (act.action, act.actor, json.loads(act.details)["base_sequence"]) == ("meter.bound", "operator", 7)


async def test_a_meter_is_registered_once_and_its_owner_may_have_several(any_store: Store):
    first = meter_import(Device("ONE", key_of("ONE")))
    second = msgspec.structs.replace(meter_import(Device("TWO", key_of("TWO"))), owner=first.owner)
    await _record(any_store, first)
    await _record(any_store, second)

    with pytest.raises(Conflict, match="registered already"):
        await _record(any_store, first)

    async with any_store.read() as session:
        assert len({row.user_id for row in await list_meters(session)}) == 1


async def test_meters_are_listed_by_page_fleet_and_status_and_found_by_foreign_id(any_store: Store):
    for name in ("b", "A", "C"):
        await enrol(any_store, name)
    foreign = "DE0001234567890000000000000012345"
    device = Device(generated_meter_id(foreign), key_of(foreign))
    await _record(any_store, meter_import(device, legacy_id=foreign))
    async with any_store.begin() as session:
        await set_status(session, MeterId("C"), MeterStatus.SUSPENDED, reason="seal broken", clock=CLOCK)

    async with any_store.read() as session:
        assert [row.meter_id for row in await list_meters(session, limit=2)] == ["A", "C"]
        assert [row.meter_id for row in await list_meters(session, after="C", limit=9)] == [device.meter_id, "b"]
        assert [row.meter_id for row in await list_meters(session, status=MeterStatus.SUSPENDED)] == ["C"]
        assert (await show_meter(session, foreign)).meter_id == device.meter_id
        assert await find_meter(session, "nobody") is None
        with pytest.raises(NotFound, match="nobody"):
            await show_meter(session, "nobody")


async def test_defect_12_a_retired_meter_does_not_come_back_to_life(any_store: Store):
    await enrol(any_store, "ONE")
    async with any_store.begin() as session:
        await set_status(session, ONE, MeterStatus.RETIRED, reason="dismantled", clock=CLOCK)

    for status in (MeterStatus.ACTIVE, MeterStatus.SUSPENDED, MeterStatus.PENDING):
        with pytest.raises(Conflict, match="retired"):
            await _change(any_store, status)


async def test_a_suspension_ends_only_at_a_new_base_and_every_step_is_audited(any_store: Store):
    await enrol(any_store, "ONE")
    await _change(any_store, MeterStatus.SUSPENDED)
    await _change(any_store, MeterStatus.SUSPENDED)

    with pytest.raises(Conflict, match="resume it from a new base"):
        await _change(any_store, MeterStatus.ACTIVE)
    async with any_store.begin() as session:
        base = Mark(sequence=9, measured_at=BASE_AT + 9_000, generation_wh=700, consumption_wh=30)
        row = await resume_meter(session, ONE, base, clock=CLOCK)
    assert (row.last_sequence, row.last_generation_wh, row.budget_generation_ws, row.budget_at) == (9, 700, 0, BASE_AT + 9_000)

    async with any_store.read() as session:
        acts = [act.action for act in await audit_log.page(session)]
    assert acts == ["meter.resumed", "meter.suspended", "meter.bound"]


async def test_a_change_needs_a_reason_and_a_known_meter(any_store: Store):
    await enrol(any_store, "ONE")
    async with any_store.begin() as session:
        with pytest.raises(InvalidInput, match="reason"):
            await set_status(session, ONE, MeterStatus.SUSPENDED, reason="  ", clock=CLOCK)
        with pytest.raises(NotFound, match="TWO"):
            await set_status(session, MeterId("TWO"), MeterStatus.SUSPENDED, reason="why not", clock=CLOCK)
        base = Mark(sequence=1, measured_at=BASE_AT, generation_wh=0, consumption_wh=0)
        with pytest.raises(Conflict, match="not suspended"):
            await resume_meter(session, ONE, base, clock=CLOCK)


async def test_a_renewed_password_ends_the_old_one(any_store: Store):
    first = await _record(any_store, meter_import(Device("ONE", key_of("ONE"))))
    async with any_store.begin() as session:
        second = await renew_credential(session, ONE, hash_password=hash_password, clock=CLOCK)

    async with any_store.read() as session:
        row = await meters.find_credential(session, "ONE")
    assert row is not None
    assert [password_matches(one.password, row.password_hash) for one in (first, second)] == [False, True]


async def _change(store: Store, status: MeterStatus) -> None:
    async with store.begin() as session:
        await set_status(session, ONE, status, reason="seal broken", clock=CLOCK)
