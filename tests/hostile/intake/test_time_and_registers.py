"""Defects 4, 5, 5b, 5c, 6, 7 and 10 at the intake door."""

from collections.abc import Awaitable, Callable

import pytest

from core.domain.readings import MeterStatus, StatementKind
from core.runtime.clock import FixedClock
from core.store import Store
from core.store.tables.meters import MeterRow
from devices.acceptance import FAST, Mark
from devices.envelope import encode_journal
from devices.provisioning import resume_meter, set_status
from tests.support.enrolled import BASE_AT, CADENCE_S, Device, Door, by_mqtt, enrol, verdicts

Credited = Callable[[Device], Awaitable[tuple[int, int]]]
Refused = Callable[[], Awaitable[list[tuple[str, int]]]]
RowOf = Callable[[Device, int], Awaitable[tuple[str, str | None] | None]]
MeterOf = Callable[[Device], Awaitable[MeterRow]]
Settles = Callable[[], Awaitable[bool]]
DAYS_7 = 7 * 86_400


async def test_defect_4_a_future_statement_does_not_freeze_the_meter(
    sqlite_store: Store, door: Door, credited: Credited, row_of: RowOf
):
    device = await enrol(sqlite_store)
    ahead = device.states(1, 500, measured_at=door.clock.now() + 365 * 86_400)

    assert verdicts(await door.mqtt(device, ahead)) == ["rejected future"]
    assert await credited(device) == (0, 0)
    assert verdicts(await door.mqtt(device, device.states(2, 1_000))) == ["accepted"]
    assert await credited(device) == (1_000, 0)
    assert await row_of(device, 1) == ("rejected", "future")


async def test_defect_4_a_statement_older_than_the_limit_is_stale_and_an_interval_is_kept(
    sqlite_store: Store, door: Door, credited: Credited, row_of: RowOf
):
    register, interval = await enrol(sqlite_store, "R"), await enrol(sqlite_store, "I", kind=StatementKind.INTERVAL)
    door.clock.now_s = BASE_AT + CADENCE_S + DAYS_7 + 1

    assert verdicts(await door.mqtt(register, register.states(1, 1_000))) == ["rejected stale"]
    assert verdicts(await door.mqtt(interval, interval.states(1, 1_000))) == ["quarantined stale"]
    assert (await credited(register), await credited(interval)) == ((0, 0), (0, 0))
    assert await row_of(interval, 1) == ("quarantined", "stale")


async def test_defect_4_a_skewed_clock_has_a_way_back(sqlite_store: Store, door: Door, credited: Credited):
    device = await enrol(sqlite_store)
    skewed = [
        device.states(number, number * 100, measured_at=door.clock.now() + 86_400 + number * CADENCE_S) for number in (1, 2)
    ]

    await door.mqtt(device, *skewed)
    result = await door.mqtt(device, device.states(3, 300), device.states(4, 400))

    assert verdicts(result) == ["accepted", "accepted"]
    assert await credited(device) == (400, 0)


async def test_defect_5_registers_do_not_run_backwards(sqlite_store: Store, door: Door, credited: Credited, row_of: RowOf):
    device = await enrol(sqlite_store)
    await door.mqtt(device, device.states(1, 5_000, 700))

    result = await door.mqtt(device, device.states(2, 4_999, 800), device.states(3, 5_100, 699), device.states(4, 5_100, 800))

    assert verdicts(result) == ["rejected register_backwards", "rejected register_backwards", "accepted"]
    assert await credited(device) == (5_100, 800)
    assert await row_of(device, 2) == ("rejected", "register_backwards")


@pytest.mark.parametrize("consumption_wh", [0, 1])
async def test_defect_5_a_jump_beyond_the_plate_is_held_whatever_is_said_of_consumption(
    sqlite_store: Store, door: Door, credited: Credited, nothing_settles: Settles, consumption_wh: int
):
    device = await enrol(sqlite_store, rated_power_out_w=4_000)

    result = await door.mqtt(device, device.states(1, 4_000 // 4 * 11 // 10 + 2, consumption_wh))

    assert verdicts(result) == ["quarantined over_capacity"]
    assert (await credited(device), await nothing_settles()) == ((0, 0), True)


@pytest.mark.parametrize("giant", [2**63, 2**64 - 1])
@pytest.mark.parametrize("field", ["generation_wh", "consumption_wh", "measured_at", "sequence"])
async def test_defects_5_5c_and_42_a_giant_number_is_malformed_and_the_meter_lives_on(
    sqlite_store: Store, door: Door, credited: Credited, refused: Refused, field: str, giant: int
):
    device = await enrol(sqlite_store)
    numbers = {"sequence": 1, "generation_wh": 10, "measured_at": BASE_AT + CADENCE_S} | {field: giant}

    for _ in range(2):
        assert verdicts(await door.mqtt(device, device.states(**numbers))) == ["rejected malformed"]
    assert verdicts(await door.http(device, device.states(**numbers))) == ["rejected malformed"]

    assert await refused() == [("malformed", 3)]
    assert verdicts(await door.mqtt(device, device.states(2, 1_000))) == ["accepted"]
    assert await credited(device) == (1_000, 0)


async def test_defect_5b_the_first_statement_mints_only_what_is_above_the_base(
    sqlite_store: Store, door: Door, credited: Credited
):
    device = await enrol(sqlite_store, base_generation_wh=80_000_000, base_consumption_wh=60_000_000, base_sequence=41)

    await door.mqtt(device, device.states(42, 80_001_000, 60_000_500))

    assert await credited(device) == (1_000, 500)


async def test_defect_5b_energy_of_a_suspension_is_not_minted_afterwards(sqlite_store: Store, door: Door, credited: Credited):
    device = await enrol(sqlite_store)
    await door.mqtt(device, device.states(1, 1_000))
    clock = FixedClock(door.clock.now())
    meter_id = device.states(1).meter_id
    async with sqlite_store.begin() as session:
        await set_status(session, meter_id, MeterStatus.SUSPENDED, reason="inspection", clock=clock)
    assert verdicts(await door.mqtt(device, device.states(2, 9_000))) == ["rejected meter_not_active"]
    async with sqlite_store.begin() as session:
        base = Mark(sequence=3, measured_at=BASE_AT + 3 * CADENCE_S, generation_wh=12_000, consumption_wh=0)
        await resume_meter(session, meter_id, base, clock=clock)

    result = await door.mqtt(device, device.states(2, 9_000), device.states(4, 12_500))

    assert verdicts(result)[1] == "accepted"
    assert await credited(device) == (1_500, 0)


async def test_defect_5b_what_was_measured_before_the_base_is_not_counted(sqlite_store: Store, door: Door, credited: Credited):
    device = await enrol(sqlite_store, base_sequence=5)

    result = await door.mqtt(device, device.states(5, 900), device.states(6, 900, measured_at=BASE_AT))

    assert verdicts(result) == ["rejected meter_not_active", "rejected meter_not_active"]
    assert await credited(device) == (0, 0)


async def test_defect_5b_a_silent_meter_saves_up_seven_days_and_no_more(sqlite_store: Store, door: Door, credited: Credited):
    device = await enrol(sqlite_store, rated_power_out_w=1_000)
    door.clock.now_s = BASE_AT + 60 * 86_400
    now = door.clock.now()

    result = await door.mqtt(device, device.states(1, 7 * 24 * 1_000 + 2, measured_at=now))
    assert verdicts(result) == ["quarantined over_capacity"]
    assert await credited(device) == (0, 0)

    honest = await enrol(sqlite_store, "HONEST", rated_power_out_w=1_000)
    assert verdicts(await door.mqtt(honest, honest.states(1, 7 * 24 * 1_000, measured_at=now))) == ["accepted"]


async def test_defect_5b_an_honest_minute_tick_and_a_catch_up_after_days_are_accepted(sqlite_store: Store, credited: Credited):
    device = await enrol(sqlite_store, rated_power_out_w=6_000)
    door = Door(sqlite_store, clock=FixedClock(BASE_AT + 5 * 86_400), profile=FAST)

    ticks = [device.states(number, number * 100, measured_at=BASE_AT + 60 * number) for number in range(1, 11)]
    catch_up = device.states(11, 1_000 + 4 * 24 * 6_000, measured_at=BASE_AT + 4 * 86_400 + 600)

    assert set(verdicts(await door.mqtt(device, *ticks, catch_up))) == {"accepted"}
    assert await credited(device) == (1_000 + 4 * 24 * 6_000, 0)


async def test_defect_5b_a_quarantined_jump_is_not_minted_by_the_next_reading(
    sqlite_store: Store, door: Door, credited: Credited
):
    device = await enrol(sqlite_store, rated_power_out_w=4_000)
    await door.mqtt(device, device.states(1, 1_000))

    result = await door.mqtt(device, device.states(2, 50_000), device.states(3, 50_100), device.states(4, 50_200))

    assert verdicts(result) == ["quarantined over_capacity", "quarantined held", "quarantined held"]
    assert await credited(device) == (1_000, 0)


@pytest.mark.parametrize("jump", [2**20 + 2, 2**62, 2**63 - 1])
async def test_defect_5c_a_number_far_ahead_is_doubted_and_the_meter_lives_on(
    sqlite_store: Store, door: Door, credited: Credited, row_of: RowOf, meter_row: MeterOf, jump: int
):
    device = await enrol(sqlite_store)
    await door.mqtt(device, device.states(1, 100))
    far = device.states(jump, 200, measured_at=BASE_AT + 2 * CADENCE_S)

    for _ in range(2):
        assert verdicts(await door.mqtt(device, far)) == ["quarantined implausible"]
    result = await door.mqtt(device, device.states(2, 300))

    assert verdicts(result) == ["accepted"]
    assert (result.receipts[0].highest, result.receipts[0].missing) == (2, ())
    assert (await credited(device), await row_of(device, jump)) == ((300, 0), ("quarantined", "implausible"))
    assert (await meter_row(device)).highest_sequence == 2


async def test_defect_6_sunny_and_no_load_is_accepted_and_what_is_doubted_can_be_released(
    sqlite_store: Store, door: Door, credited: Credited, row_of: RowOf
):
    device = await enrol(sqlite_store, rated_power_out_w=4_000)

    sunny = [device.states(number, number * 1_000) for number in range(1, 5)]
    assert verdicts(await door.mqtt(device, *sunny)) == ["accepted"] * 4
    await door.mqtt(device, device.states(5, 6_000))
    assert await row_of(device, 5) == ("quarantined", "over_capacity")
    await door.mqtt(device, device.states(10, 9_000))

    assert (await row_of(device, 5), await credited(device)) == (("accepted", None), (9_000, 0))


async def test_defect_7_three_days_of_journal_in_any_order_are_not_lost(sqlite_store: Store, door: Door, credited: Credited):
    device = await enrol(sqlite_store)
    door.clock.now_s = BASE_AT + 300 * CADENCE_S
    newest = await door.mqtt(device, device.states(289, 289 * 90))
    assert newest.receipts[0].missing == ((1, 288),)
    backwards = [device.binary(device.states(number, number * 90)) for number in range(288, 0, -1)]

    result = await door.take(
        [by_mqtt(device, journal, received_at=door.clock.now(), journal=True) for journal in encode_journal(backwards)]
    )

    assert set(verdicts(result)) == {"accepted"}
    assert result.receipts[0].missing == ()
    assert await credited(device) == (289 * 90, 0)


async def test_defect_10_every_rejection_is_a_row_with_its_reason(sqlite_store: Store, door: Door, row_of: RowOf):
    device = await enrol(sqlite_store)
    await door.mqtt(device, device.states(1, 1_000))

    result = await door.mqtt(
        device,
        device.states(2, 900),
        device.states(3, 1_100, measured_at=BASE_AT + CADENCE_S + 500),
        device.states(4, 1_100, measured_at=BASE_AT + CADENCE_S + 100),
        device.states(5, 9_000_000, measured_at=BASE_AT + 3 * CADENCE_S),
    )

    assert [(await row_of(device, number) or ("", ""))[1] for number in range(2, 6)] == [
        "register_backwards", "repeated_window", "too_frequent", "over_limit",
    ]  # fmt: skip
    assert result.receipts[0].missing == ()
