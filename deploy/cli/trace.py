"""`gridtokenx trace`: one reading's way from the receipt to the token, from rows and chain, without logs."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated

import typer

from core.domain.errors import InvalidInput, Unavailable
from core.domain.identity import parse_meter_id
from core.runtime.settings import load_settings
from core.store import trace as traces
from core.store.tables.readings import MeterReadingRow
from core.store.trace import Carried, Trace
from deploy.cli.session import open_chain, open_store
from programs.client.rpc import ConfirmedTransaction

NOT_ON_CHAIN = "the chain does not know this transaction"


def trace(reading: Annotated[str, typer.Argument(help="METER:SEQUENCE, as the log names readings.")]) -> None:
    """Show where one reading is: its verdict, the transactions that carried it, and what the chain says of them.

    Exit code 0 when it was received, 1 when nobody knows it.
    """
    meter_id, sequence = _parsed(reading)
    found, seen = asyncio.run(_look(meter_id, sequence))
    for line in _lines(found, seen):
        typer.echo(line)
    raise typer.Exit(0 if found.reading is not None else 1)


def _parsed(text: str) -> tuple[str, int]:
    meter, colon, number = text.rpartition(":")
    if not colon or not (number.isascii() and number.isdigit()) or len(number) > 20:
        raise InvalidInput(f"{text!r} names no reading; give METER:SEQUENCE, for example MTR-001:7")
    return parse_meter_id(meter), int(number)


async def _look(meter_id: str, sequence: int) -> tuple[Trace, ConfirmedTransaction | str]:
    settings = load_settings()
    async with open_store(settings) as store, store.read() as session:
        found = await traces.of_reading(session, meter_id, min(sequence, 2**63 - 1))
    signature = _last_signature(found)
    if signature is None:
        return found, ""
    try:
        async with open_chain(settings) as chain:
            return found, await chain.transaction(signature) or NOT_ON_CHAIN
    except Unavailable as problem:
        return found, f"not asked: {problem}"


def _last_signature(found: Trace) -> str | None:
    """The transaction to ask the chain for: the one that minted it, else the newest that carried it."""
    if found.reading is not None and found.reading.mint_tx_signature:
        return found.reading.mint_tx_signature
    return next((one.signature for one in reversed(found.carried) if one.signature), None)


def _lines(found: Trace, seen: ConfirmedTransaction | str) -> Iterator[str]:
    row = found.reading
    if row is None:
        yield "not received: no such reading is stored (what was refused is in /api/admin/meters/refusals)"
        return
    yield f"received   {_at(row.submitted_at)} by {row.source}, measured {_at(row.reading_timestamp)}"
    yield f"verdict    {row.verification_status}{f' ({row.reason})' if row.reason else ''}, row {row.id}"
    if found.work is not None and not row.minted:
        work = found.work
        yield f"work       {work.state}, up to {row.meter_id}:{work.target_sequence}, {work.attempts} failed attempts"
        if work.last_error:
            yield f"           {work.last_error}"
    for one in found.carried:
        yield from _carried(one, row)
    yield from _on_chain(seen)
    if row.minted:
        yield f"minted     {'' if row.mint_timestamp is None else _at(row.mint_timestamp)} by {row.mint_tx_signature}"
    else:
        yield "minted     not yet"


def _carried(one: Carried, row: MeterReadingRow) -> Iterator[str]:
    stating = "" if one.states_sequence == row.sequence else f", stating {row.meter_id}:{one.states_sequence} that contains it"
    yield f"outbox     {one.outbox} {one.kind} {one.status}, drafted {_at(one.created_at_ms // 1_000)}{stating}"
    if one.error:
        yield f"           {one.error}"


def _on_chain(seen: ConfirmedTransaction | str) -> Iterator[str]:
    if isinstance(seen, str):
        if seen:
            yield f"chain      {seen}"
        return
    when = "" if seen.block_time is None else f", {_at(seen.block_time)}"
    yield f"chain      {seen.signature} in slot {seen.slot}{when}, {'failed' if seen.err else 'succeeded'}"


def _at(unix_s: int) -> str:
    return datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="seconds")
