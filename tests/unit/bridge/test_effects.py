import struct
from dataclasses import replace

import msgspec
from solders.hash import Hash
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.message import MessageV0
from solders.transaction import VersionedTransaction

from core.store.ledger_rows import LedgerChange
from oracle_bridge.effects import effects_of
from programs.client.conventions import discriminator
from programs.client.events.oracle import AcceptedReading, MeterReadingAccepted
from programs.client.events.record import EventRecord
from programs.client.events.registry import BalanceSettled, CorrectionDecided, CorrectionRecorded, MeterBalanceSettled
from programs.client.ids import PROGRAM_IDS
from programs.client.rpc import InnerInstruction
from tests.support.fake_chain import OWNER, event_call, transaction_with


def _accepted(meter_id: str, sequence: int, *, result: int = 0, settlement: int = 1) -> AcceptedReading:
    return AcceptedReading(meter_id, sequence, 0, 0, 0, result, settlement, 100)


def _settled(meter_id: str, amount: int, *, old: int = 0, target: int | None = None) -> BalanceSettled:
    return BalanceSettled(meter_id, OWNER, amount, old, old + amount, old + amount if target is None else target, 1)


def _oracle(*items: AcceptedReading, proof: int = 1) -> InnerInstruction:
    return event_call("oracle", MeterReadingAccepted(proof, bytes(32), 0, bytes(32), 0), items)


def _registry(*items: BalanceSettled) -> InnerInstruction:
    return event_call("registry", MeterBalanceSettled(0), items)


def _correction(event: EventRecord) -> InnerInstruction:
    call = event_call("registry", event, ())
    return replace(call, data=call.data[:-4])  # corrections have no items


def test_a_reading_that_was_credited_and_settled_is_one_change():
    effects = effects_of(transaction_with("t", 7, [_registry(_settled("M1", 400)), _oracle(_accepted("M1", 3))]), PROGRAM_IDS)

    assert effects.landed.changes == (LedgerChange(meter_id="M1", sequence=3, moved_wh=400, is_square=True),)
    assert [(event.program, event.name, event.index) for event in effects.landed.events] == [
        ("registry", "MeterBalanceSettled", 0),
        ("oracle", "MeterReadingAccepted", 1),
    ]


def test_what_stays_owed_is_not_square():
    effects = effects_of(
        transaction_with("t", 7, [_registry(_settled("M1", -100, target=-400)), _oracle(_accepted("M1", 3, settlement=4))]),
        PROGRAM_IDS,
    )

    assert effects.landed.changes == (LedgerChange(meter_id="M1", sequence=3, moved_wh=-100, is_square=False),)


def test_a_heartbeat_with_nothing_to_settle_is_square_even_without_a_settlement_record():
    effects = effects_of(transaction_with("t", 7, [_oracle(_accepted("M1", 3, settlement=0))]), PROGRAM_IDS)

    assert effects.landed.changes == (LedgerChange(meter_id="M1", sequence=3, is_square=True),)


def test_a_refused_reading_changes_nothing_and_has_a_name():
    effects = effects_of(
        transaction_with("t", 7, [_oracle(_accepted("M1", 3, result=7), _accepted("M2", 1, result=77))]), PROGRAM_IDS
    )

    assert effects.landed.changes == ()
    assert [outcome.result_name for outcome in effects.outcomes] == ["over_budget", "result 77"]


def test_a_negative_correction_counts_at_once_and_a_positive_one_when_it_is_applied():
    calls = [
        _correction(CorrectionRecorded("M1", -50, 1, bytes(32), 0)),
        _correction(CorrectionRecorded("M2", 70, 1, bytes(32), 0)),
        _correction(CorrectionDecided("M3", 90, 1, 90)),
        _correction(CorrectionDecided("M4", 90, 0, 0)),
    ]

    changes = effects_of(transaction_with("t", 7, calls), PROGRAM_IDS).landed.changes

    assert [(change.meter_id, change.correction_wh) for change in changes] == [("M1", -50), ("M2", 0), ("M3", 90), ("M4", 0)]


def test_entry_numbers_come_from_the_attested_instruction():
    entries = b"".join(struct.pack("<I25x", number) for number in (41, 42))
    data = discriminator("global", "submit_reading_batch") + bytes(42) + struct.pack("<I", 2) + entries
    payer = Keypair()
    message = MessageV0.try_compile(payer.pubkey(), [Instruction(PROGRAM_IDS.oracle, data, [])], [], Hash.default())
    landed = transaction_with(
        "t", 7, [_oracle(_accepted("M1", 3), _accepted("M2", 9), proof=2)], wire=bytes(VersionedTransaction(message, [payer]))
    )

    effects = effects_of(replace(landed, programs=(PROGRAM_IDS.oracle,)), PROGRAM_IDS)

    assert [(outcome.meter_id, outcome.entry_number) for outcome in effects.outcomes] == [("M1", 41), ("M2", 42)]


def test_integers_that_json_readers_would_round_are_written_as_text():
    item = BalanceSettled("M1", OWNER, 2**60, 0, 2**60, 2**60, 1)
    (event,) = effects_of(transaction_with("t", 7, [_registry(item)]), PROGRAM_IDS).landed.events

    fields = msgspec.json.decode(event.payload)
    assert fields["items"][0]["amount_settled"] == str(2**60)
    assert fields["items"][0]["old_settled_total"] == 0


def test_the_time_is_the_chains_own_as_its_events_tell_it():
    landed = transaction_with("t", 7, [event_call("registry", MeterBalanceSettled(123), [])], block_time=125)

    assert effects_of(landed, PROGRAM_IDS).landed.at == 123
    assert effects_of(replace(landed, block_time=None), PROGRAM_IDS).landed.at == 123


def test_where_no_event_tells_a_time_it_is_the_blocks_and_may_be_unknown():
    landed = transaction_with("t", 7, [_correction(CorrectionDecided("M4", 90, 0, 0))], block_time=125)

    assert effects_of(landed, PROGRAM_IDS).landed.at == 125
    assert effects_of(replace(landed, block_time=None), PROGRAM_IDS).landed.at is None
