"""Reads what our programs did, from the chain into rows: polling is the truth, a subscription only says *look now*."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from typing import Final, Protocol

from solders.pubkey import Pubkey

from core.domain.clock import Clock
from core.domain.errors import Conflict, InvalidInput, Unavailable
from core.runtime.crash_points import CrashPoint, Reached, pass_by
from core.runtime.logging import get_logger
from core.runtime.metrics import Metrics
from core.store import ledger_rows
from core.store.ledger_rows import CreditedTotals, Cursor, Landed, LedgerChange
from core.store.unit_of_work import Session, Store
from oracle_bridge.effects import effects_of
from oracle_bridge.history import News, Signatures, unread
from oracle_bridge.latecomers import place
from programs.client.accounts import MeterAccount
from programs.client.addresses import Addresses
from programs.client.rpc import AccountInfo, ConfirmedTransaction, SignatureInfo
from programs.client.subscribe import Gap, LogNotice

AT_ONCE: Final = 32
"""Transactions fetched together and written in one database transaction."""
POLL_S: Final = 2.0
"""What the subscription missed is found this much later."""
GATHER_S: Final = 0.5
"""News is read in one go with what follows it; the submitter writes down the bridge's own transactions meanwhile."""
METERS_A_LOOK: Final = 100

_log = get_logger(__name__)


class History(Signatures, Protocol):
    """The part of `programs.client.rpc.ChainClient` that tells what happened."""

    async def transaction(self, signature: str) -> ConfirmedTransaction | None:
        """A transaction that landed."""
        ...

    async def accounts(self, keys: Sequence[Pubkey]) -> list[AccountInfo | None]:
        """Accounts in the order of their keys."""
        ...


class Notices(Protocol):
    """The part of `programs.client.subscribe.Subscriptions` that wakes the indexer."""

    def logs(self, mentions: Pubkey) -> AsyncIterator[LogNotice | Gap]:
        """Transactions that name an address, for ever."""
        ...


class Indexer:
    """Turns events of successful transactions of our own programs into rows, each exactly once.

    It resumes from stored cursors and back-fills whatever lies between; what the submitter wrote down already is skipped.

    Args:
        store: the database.
        chain: the node.
        at: the deployment's addresses.
        clock: the present.
        metrics: gets the slot reached.
        reached: told at each step.
    """

    def __init__(
        self,
        *,
        store: Store,
        chain: History,
        at: Addresses,
        clock: Clock,
        metrics: Metrics,
        reached: Reached = pass_by,
    ) -> None:
        self._store = store
        self._chain = chain
        self._at = at
        self._clock = clock
        self._metrics = metrics
        self._reached = reached
        self._news = asyncio.Event()
        self._looked_at_slot = 0
        self.read_at: int | None = None
        """Unix seconds at which all events there were had been read; None before the first time."""
        self.programs: Mapping[str, Pubkey] = {
            "registry": at.registry.id,
            "oracle": at.oracle.id,
            "energy_token": at.energy_token.id,
        }

    def wake(self) -> None:
        """Something of ours happened on the chain."""
        self._news.set()

    async def run(self) -> None:
        """Read for ever.

        Raises:
            Unavailable: node or database are away; call again.
        """
        while True:
            self._news.clear()
            await self.catch_up()
            try:
                async with asyncio.timeout(POLL_S):
                    await self._news.wait()
                    await asyncio.sleep(GATHER_S)
            except TimeoutError:
                pass

    async def listen(self, notices: Notices) -> None:
        """Let a subscription wake `run`, for ever."""
        async for _ in notices.logs(self._at.registry.id):
            self.wake()

    async def catch_up(self) -> int:
        """Read all that is new; returns how many transactions were written down."""
        begun_at = self._clock.now()
        async with self._store.read() as session:
            cursors = await ledger_rows.cursors(session)
        written = 0
        waiting: list[News] = []
        async for news in unread(self._chain, self.programs, cursors):
            waiting += news
            if len(waiting) >= AT_ONCE:
                written += await self._write_all(waiting)
                waiting = []
        written += await self._write_all(waiting)
        await self._look_at_ledgers()
        self.read_at = begun_at
        self._metrics.indexer_read_timestamp_seconds.set(begun_at)
        return written

    async def note(self, session: Session, landed: Landed) -> bool:
        """Write one transaction down, unless it was before; a rebuild notes more. False when nothing was written."""
        return await ledger_rows.write_down(session, landed)

    async def _write_all(self, news: Sequence[News]) -> int:
        if not news:
            return 0
        self._reached(CrashPoint.INDEXER_LISTED)
        return sum([await self._write(news[start : start + AT_ONCE]) for start in range(0, len(news), AT_ONCE)])

    async def _write(self, news: Sequence[News]) -> int:
        async with self._store.read() as session:
            known = await ledger_rows.known_signatures(session, [one.info.signature for one in news])
        landed = await self._fetch([one.info for one in news if one.info.signature not in known])
        landed = await self._placed(landed)
        self._reached(CrashPoint.INDEXER_FETCHED)
        try:
            written = await self._write_down(landed, _cursors_after(news))
        except Conflict as problem:
            raise Unavailable("a submitter wrote the same events in this very moment: look again") from problem
        self._reached(CrashPoint.INDEXER_COMMITTED)
        for cursor in _cursors_after(news):
            self._metrics.indexer_slot.labels(program=cursor.program).set(cursor.slot)
        return written

    async def _write_down(self, landed: Sequence[Landed], cursors: Sequence[Cursor]) -> int:
        async with self._store.begin() as session:
            written = [await self.note(session, one) for one in landed]
            self._reached(CrashPoint.INDEXER_WRITTEN)
            for cursor in cursors:
                await ledger_rows.set_cursor(session, cursor)
            self._reached(CrashPoint.INDEXER_MOVED)
        return sum(written)

    async def _fetch(self, infos: Sequence[SignatureInfo]) -> list[Landed]:
        """Read transactions; failed ones did nothing and are not even asked for.

        Raises:
            Unavailable: the node lists a transaction and does not show it, or shows it otherwise than it listed it.
        """
        good = [info for info in infos if info.err is None]
        transactions = await asyncio.gather(*(self._chain.transaction(info.signature) for info in good))
        landed: list[Landed] = []
        for info, transaction in zip(good, transactions, strict=True):
            try:
                landed.append(effects_of(_as_listed(info, transaction), self._at.ids).landed)
            except InvalidInput:  # only a newer program than this client can do that: the audit will tell
                _log.exception("events_not_understood", signature=info.signature)
        return landed

    async def _placed(self, landed: Sequence[Landed]) -> list[Landed]:
        """Tell settlements by somebody else their place, where the submitter has written down what came after them."""
        settling = {change.meter_id for one in landed for change in one.changes if _only_settles(change)}
        if not settling:
            return list(landed)
        async with self._store.read() as session:
            written_to = await ledger_rows.updated_slots(session, sorted(settling))
        return [
            replace(one, changes=tuple([await self._place(one, change, written_to) for change in one.changes])) for one in landed
        ]

    async def _place(self, one: Landed, change: LedgerChange, written_to: Mapping[str, int]) -> LedgerChange:
        if not _only_settles(change) or written_to.get(change.meter_id, -1) < one.slot:
            return change
        meter = self._at.meter(change.meter_id)
        late = await place(self._chain, meter, change.meter_id, behind=one.signature, ids=self._at.ids)
        return replace(change, late=late)

    async def _look_at_ledgers(self) -> None:
        """Copy the credited totals of meters that moved, and mark history that came after its settlement."""
        async with self._store.read() as session:
            moved, newest = await ledger_rows.moved_since(session, self._looked_at_slot)
        totals: list[CreditedTotals] = []
        for start in range(0, len(moved), METERS_A_LOOK):
            totals += await self._credited(moved[start : start + METERS_A_LOOK])
        async with self._store.begin() as session:
            await ledger_rows.set_credited(session, totals)
            await ledger_rows.mark_minted(session)
        if moved:
            self._reached(CrashPoint.INDEXER_LOOKED)
        self._looked_at_slot = newest

    async def _credited(self, names: Sequence[str]) -> list[CreditedTotals]:
        accounts = await self._chain.accounts([self._at.meter(name) for name in names])
        meters = [(name, MeterAccount.decode(account.data)) for name, account in zip(names, accounts, strict=True) if account]
        return [
            CreditedTotals(
                meter_id=name,
                generation_wh=meter.credited_generation_wh,
                consumption_wh=meter.credited_consumption_wh,
            )
            for name, meter in meters
        ]


def _cursors_after(news: Sequence[News]) -> list[Cursor]:
    """Where each program's cursor stands after these transactions."""
    last: dict[str, Cursor] = {}
    for one in news:
        for name in one.programs:
            last[name] = Cursor(program=name, signature=one.info.signature, slot=one.info.slot)
    return list(last.values())


def _only_settles(change: LedgerChange) -> bool:
    return change.is_square and change.sequence is None


def _as_listed(info: SignatureInfo, transaction: ConfirmedTransaction | None) -> ConfirmedTransaction:
    if transaction is None:
        raise Unavailable(f"the chain's node lists transaction {info.signature} and does not show it")
    if (transaction.slot, transaction.err) != (info.slot, info.err):
        raise Unavailable(f"the chain's node shows transaction {info.signature} otherwise than it lists it")
    return transaction
