"""What must hold when a round has healed: truth = ledger = supply to the Wh, and nothing is left behind."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from sqlmodel import col, select

from core.domain.errors import DomainError
from core.domain.ledger import Ledger
from core.domain.verdicts import Verdict
from core.store import Store, ledger_rows, work
from core.store import outbox as outbox_rows
from core.store.ledger_rows import LedgerView
from core.store.tables.readings import MeterReadingRow
from core.store.tables.settlement import OutboxItemRow, OutboxRow, SettlementWorkRow
from oracle_bridge import audit
from programs.client.addresses import addresses_of
from programs.client.ids import PROGRAM_IDS
from programs.client.rpc import ChainClient

BETWEEN_LOOKS_S: Final = 0.2


@dataclass
class Findings:
    """What was found."""

    failures: list[str] = field(default_factory=list[str])
    terms: Mapping[str, int] = field(default_factory=dict[str, int])
    transactions: int = 0
    """That landed."""
    ended: int = 0
    """Without effect."""


async def judge(
    store: Store, chain: ChainClient, truth: Mapping[str, tuple[int, int]], stated: Mapping[str, int], *, within_s: float
) -> Findings:
    """Wait until the platform is at rest and everything holds; what does not hold by then is a failure."""
    loop = asyncio.get_running_loop()
    until = loop.time() + within_s
    while True:
        found = await _look(store, chain, truth, stated)
        if not found.failures or loop.time() > until:
            return found
        await asyncio.sleep(BETWEEN_LOOKS_S)


async def _look(store: Store, chain: ChainClient, truth: Mapping[str, tuple[int, int]], stated: Mapping[str, int]) -> Findings:
    try:
        found = Findings(failures=await _unrest(store))
        found.failures += await _rows(store, stated)
        if found.failures:
            return found  # the audit is for a platform at rest
        await _books(found, store, chain, truth)
        found.failures += await _dead_letters(store, chain)
        totals = await _totals(store)
    except DomainError as problem:  # a part is still coming back
        return Findings(failures=[f"could not look: {problem}"])
    found.transactions, found.ended = totals
    return found


async def _unrest(store: Store) -> list[str]:
    """Nothing is due, leased, in flight or in review."""
    async with store.read() as session:
        states = await work.count_by_state(session)
        open_count = await outbox_rows.count_open(session)
        errors = (await session.exec(select(SettlementWorkRow.last_error).where(col(SettlementWorkRow.state) != work.IDLE))).all()
    waiting = {state: count for state, count in states.items() if state != work.IDLE and count}
    problems = [f"work is {state}: {count} ({Counter(errors).most_common(1)})" for state, count in waiting.items()]
    return problems + ([f"{open_count} transactions are still open"] if open_count else [])


async def _rows(store: Store, stated: Mapping[str, int]) -> list[str]:
    """Every statement has one row, every accepted one is settled, and no two transactions landed for one point of a meter."""
    readings = select(
        MeterReadingRow.meter_id, MeterReadingRow.sequence, MeterReadingRow.verification_status, MeterReadingRow.minted
    )
    landed = (
        select(OutboxItemRow.meter_id, OutboxItemRow.sequence, OutboxItemRow.ordinal)
        .join(OutboxRow, col(OutboxRow.id) == col(OutboxItemRow.outbox_id))
        .where(col(OutboxRow.status) == "landed", col(OutboxRow.kind) != "settle")
    )
    async with store.read() as session:
        owing = {view.meter_id for view in await ledger_rows.ledgers(session) if _owes(view)}
        rows = (await session.exec(readings)).all()
        settled = Counter((await session.exec(landed)).all())
    numbers: dict[str, set[int]] = {}
    for meter_id, sequence, _, _ in rows:
        numbers.setdefault(meter_id, set()).add(sequence)
    problems = [
        f"meter {name}: rows for {len(numbers.get(name, ()))} of {count} statements"
        for name, count in stated.items()
        if numbers.get(name, set()) != set(range(1, count + 1))
    ]
    problems += [f"{len(rows) - sum(map(len, numbers.values()))} rows too many"] * (len(rows) != sum(map(len, numbers.values())))
    unsettled = (row for row in rows if row[0] not in owing)
    not_minted = Counter(name for name, _, verdict, minted in unsettled if verdict == Verdict.ACCEPTED.value and not minted)
    problems += [f"meter {name}: {count} accepted readings are not minted" for name, count in not_minted.items()]
    others = Counter(verdict for _, _, verdict, _ in rows if verdict != Verdict.ACCEPTED.value)
    problems += [f"{count} readings are {verdict}" for verdict, count in others.items()]
    return problems + [
        f"meter {name} settled {count} times at {number}" for (name, number, _), count in settled.items() if count > 1
    ]


def _owes(view: LedgerView) -> bool:
    """Consumption for which there is no token yet is settled once there is: the audit names it."""
    ledger = Ledger(
        credited_generation_wh=view.credited_generation_wh,
        credited_consumption_wh=view.credited_consumption_wh,
        correction_net_wh=view.correction_net_wh,
        settled_net_wh=view.settled_net_wh,
    )
    return ledger.owed_wh > 0


async def _books(found: Findings, store: Store, chain: ChainClient, truth: Mapping[str, tuple[int, int]]) -> None:
    """The audit's own equation, and on top of it that no term explains anything away."""
    report = await audit.run(store, chain, truth, at=addresses_of(PROGRAM_IDS), looks=1)
    found.failures += report.failures
    found.terms = terms = report.terms
    for direction, amounts in zip(("generation", "consumption"), zip(*truth.values(), strict=True), strict=True):
        attested = terms[f"attested_{direction}"]
        if attested != sum(amounts):
            found.failures.append(f"{direction}: truth {sum(amounts)} Wh, ledgers {attested} Wh")
    if terms["burned_by_holders_base_units"]:
        found.failures.append(f"{terms['burned_by_holders_base_units']} base units are missing from the supply")


async def _dead_letters(store: Store, chain: ChainClient) -> list[str]:
    """What the outbox calls landed is on the chain, and what it calls dead is not."""
    statement = select(OutboxRow.signature, OutboxRow.status).where(col(OutboxRow.signature).is_not(None))
    async with store.read() as session:
        rows = [(str(signature), status) for signature, status in (await session.exec(statement)).all()]
    statuses = await chain.statuses([signature for signature, _ in rows], search_history=True)
    took_effect = [status is not None and status.err is None for status in statuses]
    return [
        f"transaction {signature[:8]} is {status} for the outbox, and {'landed' if landed else 'unknown or failed'} on the chain"
        for (signature, status), landed in zip(rows, took_effect, strict=True)
        if (status == "landed") != landed
    ]


async def _totals(store: Store) -> tuple[int, int]:
    async with store.read() as session:
        totals = await outbox_rows.totals(session)
    return totals.transactions("landed"), totals.transactions("expired", "refused")
