"""From a transaction's events to what it did to ledgers: a pure reading of what the chain said."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

import msgspec
from solders.transaction import VersionedTransaction

from core.domain.readings import ProofKind
from core.store.ledger_rows import Event, Landed, LedgerChange
from programs.client.conventions import discriminator
from programs.client.events import ChainEvent, decode_transaction_events
from programs.client.ids import ProgramIds
from programs.client.rpc import ConfirmedTransaction

BIGGEST_JSON_INTEGER: Final = 2**53
BATCH: Final = discriminator("global", "submit_reading_batch")
BATCH_COUNT_AT: Final = 50
"""Discriminator 8, attesters 1, zones 1, Merkle root 32, base time 8; then a u32 count."""
ATTESTED_READING_SIZE: Final = 29
"""Entry number u32, sequence 6, time 4, two totals of 7, quality 1."""


class ReadingResult(IntEnum):
    """What the registry made of one reading (`programs/interface`, `ReadingResult`)."""

    CREDITED = 0
    METER_NOT_ACTIVE = 1
    WRONG_PROOF = 2
    STALE_SEQUENCE = 3
    STALE_TIME = 4
    FUTURE = 5
    REGISTER_BACKWARDS = 6
    OVER_BUDGET = 7
    SEQUENCE_JUMP = 8
    OVERFLOW = 9


class SettlementResult(IntEnum):
    """Results after which nothing is owed and nothing unsettled (`programs/interface`, `SettlementResult`)."""

    NOTHING = 0
    MINTED = 1
    BURNED = 2


SQUARE: Final = frozenset(SettlementResult)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingOutcome:
    """What became of one meter's reading in a transaction."""

    meter_id: str
    sequence: int
    entry_number: int | None
    result: int
    settlement: int

    @property
    def was_credited(self) -> bool:
        """Whether it is on the ledger."""
        return self.result == ReadingResult.CREDITED

    @property
    def result_name(self) -> str:
        """The result for people, also when a newer program knows more of them."""
        known = {int(result): result.name.lower() for result in ReadingResult}
        return known.get(self.result, f"result {self.result}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """A transaction with all that it did."""

    landed: Landed
    outcomes: tuple[ReadingOutcome, ...]


def effects_of(transaction: ConfirmedTransaction, ids: ProgramIds) -> Effects:
    """Read a transaction; a failed one did nothing.

    Args:
        transaction: as the node tells it.
        ids: our programs.

    Raises:
        InvalidInput: an event of ours is malformed.
    """
    events = decode_transaction_events(transaction, ids)
    outcomes = tuple(_outcomes(events, list(_batches(transaction, ids))))
    landed = Landed(
        signature=transaction.signature,
        slot=transaction.slot,
        at=_time_of(transaction, events),
        events=tuple(_row(event) for event in events),
        changes=tuple(_changes(events, outcomes)),
    )
    return Effects(landed=landed, outcomes=outcomes)


def _time_of(transaction: ConfirmedTransaction, events: Sequence[ChainEvent]) -> int | None:
    """The chain's clock as an event tells it, else the block's time: a node may have forgotten that one, or estimate it."""
    times: list[int] = [event.fields["timestamp"] for event in events if "timestamp" in event.fields]
    return times[0] if times else transaction.block_time


def _row(event: ChainEvent) -> Event:
    payload = msgspec.json.encode(_exact(event.fields)).decode()
    return Event(program=event.program, name=event.name, index=event.index, payload=payload)


def _exact(value: Any) -> Any:
    """JSON readers keep integers to 2^53 only: larger ones are written as text."""
    match value:
        case dict():
            return {name: _exact(part) for name, part in value.items()}
        case list():
            return [_exact(part) for part in value]
        case int() if abs(value) > BIGGEST_JSON_INTEGER:
            return str(value)
        case _:
            return value


def _batches(transaction: ConfirmedTransaction, ids: ProgramIds) -> Iterator[list[int]]:
    """Entry numbers of each attested batch: they are in the instruction, not in the event."""
    if ids.oracle not in transaction.programs:
        return
    message = VersionedTransaction.from_bytes(transaction.wire).message
    for program, instruction in zip(transaction.programs, message.instructions, strict=True):
        data = bytes(instruction.data)
        if program == ids.oracle and data.startswith(BATCH):
            start = BATCH_COUNT_AT + 4
            yield [int.from_bytes(data[at : at + 4], "little") for at in range(start, len(data), ATTESTED_READING_SIZE)]


def _outcomes(events: Sequence[ChainEvent], batches: list[list[int]]) -> Iterator[ReadingOutcome]:
    for event in events:
        if (event.program, event.name) != ("oracle", "MeterReadingAccepted"):
            continue
        attested = event.fields["proof"] == ProofKind.ATTESTED
        entries = batches.pop(0) if attested and batches else []
        for position, item in enumerate(_items(event)):
            yield ReadingOutcome(
                meter_id=item["meter_id"],
                sequence=item["sequence"],
                entry_number=entries[position] if position < len(entries) else None,
                result=item["result"],
                settlement=item["settlement"],
            )


def _changes(events: Sequence[ChainEvent], outcomes: Sequence[ReadingOutcome]) -> Iterator[LedgerChange]:
    """One change per meter: what was credited, what moved, and whether anything is left."""
    credited = {outcome.meter_id: outcome for outcome in outcomes if outcome.was_credited}
    moved: dict[str, int] = {}
    square: dict[str, bool] = {name: outcome.settlement in SQUARE for name, outcome in credited.items()}
    corrected: dict[str, int] = {}
    for event in events:
        match event.program, event.name:
            case "registry", "MeterBalanceSettled":
                for item in _items(event):
                    name = item["meter_id"]
                    moved[name] = moved.get(name, 0) + item["amount_settled"]
                    square[name] = item["target"] == item["new_settled_total"]
            case "registry", "CorrectionRecorded" | "CorrectionDecided":
                name, amount = _correction(event)
                corrected[name] = corrected.get(name, 0) + amount
            case _:
                pass
    for name in sorted({*credited, *moved, *corrected}):
        outcome = credited.get(name)
        yield LedgerChange(
            meter_id=name,
            sequence=None if outcome is None else outcome.sequence,
            entry_number=None if outcome is None else outcome.entry_number,
            moved_wh=moved.get(name, 0),
            correction_wh=corrected.get(name, 0),
            is_square=square.get(name, False),
        )


def _correction(event: ChainEvent) -> tuple[str, int]:
    """A negative correction counts when it is recorded, a positive one when it is applied."""
    fields: dict[str, Any] = event.fields
    amount: int = fields["amount_wh"]
    counts = amount < 0 if event.name == "CorrectionRecorded" else fields["applied"] == 1
    return fields["meter_id"], amount if counts else 0


def _items(event: ChainEvent) -> list[dict[str, Any]]:
    items: Any = event.fields["items"]
    return items
