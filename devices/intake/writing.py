"""From decided books to rows, inside the batch's transaction."""

from collections.abc import Sequence
from functools import lru_cache

from core.domain.units import kwh_from_wh
from core.store import Session, audit_log, meters, readings
from core.store.readings import NewReading, NewVerdict
from core.store.tables.readings import ConflictRow
from devices.intake.book import Entry, MeterBook
from devices.intake.judging import Conflict
from devices.keys import key_text, signature_text

ACTOR = "intake"
_known_key_text = lru_cache(maxsize=65_536)(key_text)
_known_kwh = lru_cache(maxsize=65_536)(kwh_from_wh)


async def write_readings(session: Session, books: Sequence[MeterBook], *, now: int) -> None:
    """Write every changed entry: new rows, rows judged anew, and rows whose doubt ended."""
    new: list[tuple[MeterBook, Entry]] = []
    again: list[tuple[MeterBook, Entry]] = []
    verdicts: list[NewVerdict] = []
    for book in books:
        for entry in book.changed.values():
            if entry.written_by is None:
                verdicts.append(_verdict(entry))
            elif entry.row_id is None:
                new.append((book, entry))
            else:
                again.append((book, entry))
    if new:
        for row_id, (_, entry) in zip(await readings.next_ids(session, len(new)), new, strict=True):
            entry.row_id = row_id
    await readings.insert(session, [_row(book, entry) for book, entry in new], now=now)
    await readings.replace(session, [_row(book, entry) for book, entry in again], now=now)
    await readings.set_verdicts(session, verdicts, now=now)


async def write_conflicts(session: Session, conflicts: Sequence[Conflict], *, now: int) -> None:
    """Keep the evidence, and write down why a meter was suspended."""
    for conflict in conflicts:
        first, second = conflict.first, conflict.second
        meter_id = second.statement.meter_id
        await readings.keep_conflict(
            session,
            ConflictRow(
                meter_id=meter_id,
                sequence=first.sequence,
                first_statement=first.signed_bytes,
                first_signature=_signature(first),
                second_statement=second.signed_bytes,
                second_signature=signature_text(second.signature),
                detected_at=now,
            ),
        )
        if conflict.suspended:
            await meters.write_status(session, meter_id, conflict.book.state.status, reason="sequence_conflict", now=now)
            await audit_log.record(
                session,
                at=now,
                actor=ACTOR,
                action="meter.suspended",
                subject=meter_id,
                details={"reason": "sequence_conflict", "sequence": first.sequence},
            )


def _signature(entry: Entry) -> str:
    return entry.signature if entry.written_by is None else signature_text(entry.written_by[0].signature)


def _verdict(entry: Entry) -> NewVerdict:
    if entry.row_id is None:
        raise RuntimeError("an entry without a row has no verdict to change")
    return NewVerdict(
        id=entry.row_id,
        verification_status=entry.verdict.value,
        reason=None if entry.reason is None else entry.reason.value,
        ordinal=entry.ordinal,
    )


def _row(book: MeterBook, entry: Entry) -> NewReading:
    if entry.written_by is None or entry.row_id is None:
        raise RuntimeError("a row is written from a verified statement, under its own id")
    verified, submission = entry.written_by
    statement = verified.statement
    return NewReading(
        id=entry.row_id,
        user_id=book.standing.user_id,
        wallet_address=book.standing.wallet_address,
        meter_id=statement.meter_id,
        sequence=statement.sequence,
        statement_kind=int(statement.kind),
        kwh_amount=_known_kwh(entry.generation_wh - entry.consumption_wh),
        energy_generation_wh=entry.generation_wh,
        energy_consumption_wh=entry.consumption_wh,
        stated_generation_wh=statement.generation_wh,
        stated_consumption_wh=statement.consumption_wh,
        reading_timestamp=statement.measured_at,
        submitted_at=submission.received_at,
        statement=verified.signed_bytes,
        meter_signature=signature_text(verified.signature),
        public_key=_known_key_text(verified.public_key),
        verification_status=entry.verdict.value,
        reason=None if entry.reason is None else entry.reason.value,
        ordinal=entry.ordinal,
        source=submission.source,
        extras=verified.extras,
    )
