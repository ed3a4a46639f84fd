"""Reads what our programs did, from the chain into rows: polling is the truth, a subscription only says *look now*."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from solders.pubkey import Pubkey

from core.domain.clock import Clock
from core.domain.errors import Conflict, InvalidInput, Unavailable
from core.runtime.crash_points import CrashPoint, Reached, pass_by
from core.runtime.logging import get_logger
from core.runtime.metrics import Metrics
from core.store import ledger_rows
from core.store.ledger_rows import CreditedTotals, Cursor, Landed
from core.store.unit_of_work import Store
from oracle_bridge.effects import effects_of
from programs.client.accounts import MeterAccount
from programs.client.addresses import Addresses
from programs.client.rpc import AccountInfo, ConfirmedTransaction, SignatureInfo
from programs.client.subscribe import Gap, LogNotice

PAGE: Final = 1_000
"""Most signatures that a node gives in one answer."""
AT_ONCE: Final = 32
"""Transactions fetched together and written in one database transaction."""
POLL_S: Final = 2.0
"""What the subscription missed is found this much later."""
GATHER_S: Final = 0.5
"""News is read in one go with what follows it; the submitter writes down the bridge's own transactions meanwhile."""
METERS_A_LOOK: Final = 100

_log = get_logger(__name__)


class History(Protocol):
    """The part of `programs.client.rpc.ChainClient` that tells what happened."""

    async def signatures_for(
        self, address: Pubkey, *, before: str | None = None, until: str | None = None, limit: int = 1_000
    ) -> list[SignatureInfo]:
        """The history of an address, newest first."""
        ...

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


@dataclass(slots=True)
class _News:
    """A transaction not read yet, and the programs whose cursors it moves."""

    info: SignatureInfo
    programs: list[str] = field(default_factory=list[str])


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
        news = await self._unread(cursors)
        if news:
            self._reached(CrashPoint.INDEXER_LISTED)
        written = 0
        for start in range(0, len(news), AT_ONCE):
            written += await self._write(news[start : start + AT_ONCE])
        await self._look_at_ledgers()
        self.read_at = begun_at
        self._metrics.indexer_read_timestamp_seconds.set(begun_at)
        return written

    async def rebuild(self) -> int:
        """Forget all derived rows and read them from the chain again, in one database transaction; returns how many.

        Raises:
            Unavailable: the node no longer has the history; nothing was changed.
        """
        news = await self._unread({})
        landed: list[Landed] = []
        for start in range(0, len(news), AT_ONCE):
            landed += await self._fetch([one.info for one in news[start : start + AT_ONCE]])
        async with self._store.begin() as session:
            await ledger_rows.delete_derived(session)
            for one in landed:
                await ledger_rows.write_down(session, one, now=self._clock.now())
            for cursor in _cursors_after(news):
                await ledger_rows.set_cursor(session, cursor)
        self._looked_at_slot = 0
        await self._look_at_ledgers()
        return len(landed)

    async def _unread(self, cursors: Mapping[str, Cursor]) -> list[_News]:
        """What happened since the cursors, oldest first, each transaction once."""
        found: dict[str, _News] = {}
        for name, program in self.programs.items():
            until = cursors[name].signature if name in cursors else None
            for info in reversed(await self._history(program, until)):
                found.setdefault(info.signature, _News(info)).programs.append(name)
        return sorted(found.values(), key=lambda one: one.info.slot)

    async def _history(self, program: Pubkey, until: str | None) -> list[SignatureInfo]:
        rows: list[SignatureInfo] = []
        before: str | None = None
        while True:
            page = await self._chain.signatures_for(program, before=before, until=until, limit=PAGE)
            rows += page
            if len(page) < PAGE:
                return rows
            before = page[-1].signature

    async def _write(self, news: Sequence[_News]) -> int:
        async with self._store.read() as session:
            known = await ledger_rows.known_signatures(session, [one.info.signature for one in news])
        landed = await self._fetch([one.info for one in news if one.info.signature not in known])
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
            written = [await ledger_rows.write_down(session, one, now=self._clock.now()) for one in landed]
            self._reached(CrashPoint.INDEXER_WRITTEN)
            for cursor in cursors:
                await ledger_rows.set_cursor(session, cursor)
            self._reached(CrashPoint.INDEXER_MOVED)
        return sum(written)

    async def _fetch(self, infos: Sequence[SignatureInfo]) -> list[Landed]:
        """Read transactions; failed ones did nothing and are not even asked for."""
        good = [info.signature for info in infos if info.err is None]
        transactions = await asyncio.gather(*(self._chain.transaction(signature) for signature in good))
        landed: list[Landed] = []
        for signature, transaction in zip(good, transactions, strict=True):
            if transaction is None:
                raise Unavailable(f"the chain's node lists transaction {signature} and does not show it")
            try:
                landed.append(effects_of(transaction, self._at.ids, now=self._clock.now()).landed)
            except InvalidInput:  # only a newer program than this client can do that: the audit will tell
                _log.exception("events_not_understood", signature=signature)
        return landed

    async def _look_at_ledgers(self) -> None:
        """Copy the credited totals of meters that moved, and mark history that came after its settlement."""
        async with self._store.read() as session:
            moved, newest = await ledger_rows.moved_since(session, self._looked_at_slot)
        totals: list[CreditedTotals] = []
        for start in range(0, len(moved), METERS_A_LOOK):
            totals += await self._credited(moved[start : start + METERS_A_LOOK])
        async with self._store.begin() as session:
            await ledger_rows.set_credited(session, totals)
            await ledger_rows.mark_minted(session, now=self._clock.now())
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


def _cursors_after(news: Sequence[_News]) -> list[Cursor]:
    """Where each program's cursor stands after these transactions."""
    last: dict[str, Cursor] = {}
    for one in news:
        for name in one.programs:
            last[name] = Cursor(program=name, signature=one.info.signature, slot=one.info.slot)
    return list(last.values())
