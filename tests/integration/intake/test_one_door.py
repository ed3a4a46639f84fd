"""The one door on both databases: rows, work, receipts, repeats, holds."""

import json

import pytest
from sqlmodel import col, select

from core.domain.readings import MeterStatus, StatementKind
from core.domain.verdicts import Reason, Verdict
from core.runtime.clock import FixedClock
from core.store import Store, audit_log, meters, readings, refusals
from core.store.tables.meters import MeterRow
from core.store.tables.readings import ConflictRow, MeterReadingRow, RefusalRow
from core.store.tables.settlement import SettlementWorkRow
from devices.envelope import encode_journal
from devices.interval_body import encode_interval_body
from devices.provisioning import set_status
from tests.support.enrolled import BASE_AT, CADENCE_S, Device, Door, by_http, by_mqtt, enrol, later, verdicts

NOON = BASE_AT + 86_400


async def _meter(store: Store, device: Device) -> MeterRow:
    async with store.read() as session:
        row = await meters.find(session, device.meter_id)
    assert row is not None
    return row


async def _rows(store: Store) -> list[MeterReadingRow]:
    async with store.read() as session:
        return list((await session.exec(select(MeterReadingRow).order_by(col(MeterReadingRow.sequence)))).all())


async def _work(store: Store) -> list[SettlementWorkRow]:
    async with store.read() as session:
        return list((await session.exec(select(SettlementWorkRow))).all())


async def _refusals(store: Store) -> list[RefusalRow]:
    async with store.read() as session:
        return list(await refusals.page(session))


async def test_a_reading_becomes_a_row_a_credit_work_and_a_receipt(any_store: Store):
    device, door = await enrol(any_store), Door(any_store)

    result = await door.mqtt(device, device.states(1, 10_500, 500))

    (row,) = await _rows(any_store)
    assert (row.sequence, row.verification_status, str(row.kwh_amount), row.minted) == (1, "accepted", "10.000", False)
    assert (row.energy_generation_wh, row.energy_consumption_wh, row.ordinal) == (10_500, 500, 1)
    meter = await _meter(any_store, device)
    assert (meter.credited_generation_wh, meter.credited_consumption_wh, meter.last_sequence) == (10_500, 500, 1)
    (work,) = await _work(any_store)
    assert (work.meter_id, work.target_sequence, work.target_ordinal, work.state) == (device.meter_id, 1, 1, "due")
    (receipt,) = result.receipts
    assert (receipt.highest, receipt.missing) == (1, ())
    assert [(entry.sequence, entry.verdict, entry.final) for entry in receipt.results] == [(1, Verdict.ACCEPTED, True)]
    assert result.outcomes[0][0].reading_id == row.id
    assert door.woken == {device.meter_id}


async def test_the_same_through_http_and_mqtt_gives_the_same_rows(any_store: Store):
    one, two, door = await enrol(any_store, "ONE"), await enrol(any_store, "TWO"), Door(any_store)
    said = [(1, 1_000, 0), (2, 3_000, 100), (2, 3_000, 100), (4, 2_900, 100), (3, 9_000_000, 0), (5, 5_000, 200)]

    for numbers in said:
        by_topic = await door.mqtt(one, one.states(*numbers))
        by_request = await door.http(two, two.states(*numbers))
        assert verdicts(by_topic) == verdicts(by_request)

    def facts(device: Device, rows: list[MeterReadingRow]) -> list[object]:
        return [(r.sequence, r.verification_status, r.reason, r.kwh_amount) for r in rows if r.meter_id == device.meter_id]

    rows = await _rows(any_store)
    assert facts(one, rows) == facts(two, rows)


async def test_a_repeated_reading_changes_nothing(any_store: Store):
    device, door = await enrol(any_store), Door(any_store)
    await door.mqtt(device, device.states(1, 5_000))
    before = (await _meter(any_store, device)).model_dump(), [row.model_dump() for row in await _rows(any_store)]
    door.restart()

    result = await door.mqtt(device, device.states(1, 5_000), device.states(1, 5_000))

    assert verdicts(result) == ["repeated", "repeated"]
    assert before == ((await _meter(any_store, device)).model_dump(), [row.model_dump() for row in await _rows(any_store)])
    assert await _refusals(any_store) == []


async def test_a_repeat_within_one_batch_is_stored_once(any_store: Store):
    device, door = await enrol(any_store), Door(any_store)

    result = await door.mqtt(device, device.states(1, 5_000), device.states(1, 5_000), device.states(2, 6_000))

    assert verdicts(result) == ["accepted", "repeated", "accepted"]
    assert len({outcome.reading_id for message in result.outcomes for outcome in message}) == 2


async def test_a_late_register_is_history_and_moves_no_value(any_store: Store):
    device, door = await enrol(any_store), Door(any_store)
    await door.mqtt(device, device.states(1, 1_000))
    first = await door.mqtt(device, device.states(4, 4_000))
    assert first.receipts[0].missing == ((2, 3),)

    result = await door.mqtt(device, device.states(3, 3_000), device.states(2, 2_000))

    assert verdicts(result) == ["accepted", "accepted"]
    assert result.receipts[0].missing == ()
    meter = await _meter(any_store, device)
    assert (meter.credited_generation_wh, meter.last_sequence, meter.accepted_count) == (4_000, 4, 4)
    assert [str(row.kwh_amount) for row in await _rows(any_store)] == ["1.000", "0.000", "0.000", "3.000"]


async def test_a_journal_is_judged_in_order_and_one_bad_entry_does_not_take_the_others_down(any_store: Store):
    device, door = await enrol(any_store), Door(any_store)
    envelopes = [device.binary(device.states(number, number * 100)) for number in range(1, 21)]
    envelopes[6] = envelopes[6][:-1] + bytes((envelopes[6][-1] ^ 1,))
    (journal,) = encode_journal(envelopes)

    result = await door.take([by_mqtt(device, journal, received_at=NOON, journal=True)])

    assert verdicts(result).count("accepted") == 19
    assert result.outcomes[0][6].reason is Reason.BAD_SIGNATURE
    assert result.receipts[0].missing == ((7, 7),)
    assert [(refusal.reason, refusal.sequence, refusal.seen) for refusal in await _refusals(any_store)] == [
        ("bad_signature", "7", 1)
    ]


async def test_doubt_holds_value_and_a_span_within_limits_ends_it_with_second_receipts(any_store: Store):
    device, door = await enrol(any_store, rated_power_out_w=4_000), Door(any_store)
    await door.mqtt(device, device.states(1, 900))

    held = await door.mqtt(device, device.states(2, 9_000), device.states(3, 9_500))
    assert verdicts(held) == ["quarantined over_capacity", "quarantined held"]
    assert (await _meter(any_store, device)).credited_generation_wh == 900

    result = await door.mqtt(device, device.states(20, 12_000))

    told = {entry.sequence: entry.verdict for entry in result.receipts[0].results}
    assert told == {20: Verdict.ACCEPTED, 2: Verdict.ACCEPTED, 3: Verdict.ACCEPTED}
    meter = await _meter(any_store, device)
    assert (meter.credited_generation_wh, meter.held_from_sequence, meter.accepted_count) == (12_000, None, 4)
    assert [(row.sequence, row.verification_status, row.ordinal) for row in await _rows(any_store)] == [
        (1, "accepted", 1),
        (2, "accepted", 2),
        (3, "accepted", 3),
        (20, "accepted", 4),
    ]


async def test_intervals_add_up_in_any_order_and_gaps_are_asked_for_again(any_store: Store):
    device, door = await enrol(any_store, kind=StatementKind.INTERVAL), Door(any_store)

    result = await door.mqtt(device, device.states(3, 300), device.states(1, 100))
    assert result.receipts[0].missing == ((2, 2),)
    result = await door.mqtt(device, device.states(2, 0, 50), device.states(3, 300))

    assert verdicts(result) == ["accepted", "repeated"]
    meter = await _meter(any_store, device)
    assert (meter.credited_generation_wh, meter.credited_consumption_wh, meter.last_sequence) == (400, 50, 3)
    (work,) = await _work(any_store)
    assert (work.target_sequence, work.target_ordinal) == (3, 3)


async def test_one_number_with_two_contents_suspends_the_meter_and_keeps_both(any_store: Store):
    device, door = await enrol(any_store), Door(any_store)
    await door.mqtt(device, device.states(1, 1_000))
    clone = device.states(1, 1_001)

    for _ in range(2):
        assert verdicts(await door.mqtt(device, clone)) == ["rejected sequence_conflict"]

    meter = await _meter(any_store, device)
    assert (meter.status, meter.status_reason, meter.credited_generation_wh) == (
        int(MeterStatus.SUSPENDED),
        "sequence_conflict",
        1_000,
    )
    async with any_store.read() as session:
        (evidence,) = (await session.exec(select(ConflictRow))).all()
        acts = [row.action for row in await audit_log.of_subject(session, device.meter_id)]
    assert evidence.first_signature != evidence.second_signature
    assert acts == ["meter.suspended", "meter.bound"]
    assert verdicts(await door.mqtt(device, device.states(2, 2_000))) == ["rejected meter_not_active"]


async def test_both_contents_of_one_number_in_one_batch_are_a_conflict_too(any_store: Store):
    device, door = await enrol(any_store), Door(any_store)

    result = await door.mqtt(device, device.states(1, 1_000), device.states(1, 1_001))

    assert verdicts(result) == ["accepted", "rejected sequence_conflict"]
    async with any_store.read() as session:
        (evidence,) = (await session.exec(select(ConflictRow))).all()
    assert len(evidence.first_signature) > 80


async def test_what_came_from_the_future_is_judged_anew_when_its_time_has_come(any_store: Store):
    device, door = await enrol(any_store), Door(any_store)
    ahead = device.states(1, 1_000, measured_at=NOON + CADENCE_S)

    assert verdicts(await door.mqtt(device, ahead)) == ["rejected future"]
    door.clock.now_s += CADENCE_S
    result = await door.mqtt(device, ahead)

    assert verdicts(result) == ["accepted"]
    (row,) = await _rows(any_store)
    assert (row.verification_status, row.reason, row.submitted_at) == ("accepted", None, NOON + CADENCE_S)
    assert (await _meter(any_store, device)).credited_generation_wh == 1_000


async def test_an_operators_suspension_counts_from_the_next_message(any_store: Store):
    device, door = await enrol(any_store), Door(any_store)
    async with any_store.begin() as session:
        await set_status(session, device.states(1).meter_id, MeterStatus.SUSPENDED, reason="seal broken", clock=FixedClock(NOON))

    assert verdicts(await door.mqtt(device, device.states(1, 1_000))) == ["rejected meter_not_active"]
    assert await _work(any_store) == []


async def test_the_interval_body_is_checked_against_the_bound_owner(any_store: Store):
    device, door = await enrol(any_store, kind=StatementKind.INTERVAL), Door(any_store)
    other = await enrol(any_store, "OTHER", kind=StatementKind.INTERVAL)

    statement = device.states(1, 10_500)

    def body(wallet: str) -> bytes:
        return json.dumps(
            encode_interval_body(statement, device.signs(statement), wallet_address=wallet, public_key=device.key.public_key)
        ).encode()

    answers = [
        verdicts(await door.take([by_http(body(wallet), received_at=NOON, interval=True)]))
        for wallet in ("0OIl", other.wallet, device.wallet, device.wallet)
    ]

    assert answers == [["rejected wallet_invalid"], ["rejected wallet_mismatch"], ["accepted"], ["repeated"]]
    assert [row.meter_id for row in await _rows(any_store)] == [device.meter_id]


async def test_a_quiet_night_settles_nothing(any_store: Store):
    device, door = await enrol(any_store), Door(any_store)

    result = await door.mqtt(device, device.states(1, 0))

    assert (verdicts(result), await _work(any_store), door.woken) == (["accepted"], [], set())


@pytest.mark.parametrize("messages", [1, 40])
async def test_a_batch_of_many_meters_is_one_transaction(any_store: Store, messages: int):
    devices = [await enrol(any_store, f"M{number:02}") for number in range(messages)]
    door = Door(any_store)

    result = await door.take([by_mqtt(device, device.json(device.states(1, 100)), received_at=NOON) for device in devices])

    assert verdicts(result) == ["accepted"] * messages
    assert {receipt.meter_id for receipt in result.receipts} == {device.meter_id for device in devices}
    async with any_store.read() as session:
        assert await readings.count_by_verdict(session) == {"accepted": messages}


async def test_a_wrong_kind_is_kept_as_a_rejected_row(any_store: Store):
    device, door = await enrol(any_store), Door(any_store)
    statement = later(device.states(1, 100), kind=StatementKind.INTERVAL)

    assert verdicts(await door.mqtt(device, statement)) == ["rejected wrong_kind"]
    assert verdicts(await door.mqtt(device, statement)) == ["rejected wrong_kind"]

    assert [(row.verification_status, row.reason) for row in await _rows(any_store)] == [("rejected", "wrong_kind")]
