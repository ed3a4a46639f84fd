"""Writes all derived rows again from the chain, or says where they differ from it (`core.store.derived` lists them).

The past is read into a database of its own first, page by page, so that an interruption costs nothing: the next run goes on
where it ended, and the platform's rows are changed in one transaction at the end, or not at all.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final, Protocol

from core.domain.clock import Clock
from core.domain.errors import Conflict, Unavailable
from core.runtime.metrics import Metrics
from core.store import ledger_rows, rebuilding, settled_points
from core.store.ledger_rows import Landed, LedgerSums
from core.store.unit_of_work import Session, Store
from oracle_bridge.alone import Alone
from oracle_bridge.comparison import Comparison
from oracle_bridge.differences import Differences
from oracle_bridge.fates import Statuses, fates
from oracle_bridge.indexer import History, Indexer
from programs.client.accounts import MeterAccount
from programs.client.addresses import Addresses

FINALITY_S: Final = 60.0
"""A cluster finalizes within about 13 s; rows that name later slots than that are wrong themselves."""
LOOK_EVERY_S: Final = 0.5
METERS_A_LOOK: Final = 100
SETTLING_LOOKS: Final = 3
"""Somebody may settle a meter between the reading of its past and of its account."""
FIRST_EVENTS: Final = {
    "registry": "RegistryInitialized",
    "oracle": "OracleInitialized",
    "energy_token": "TokenInitialized",
}

Told = Callable[[str], None]
"""Gets a sentence when a stage begins."""


class FinalizedChain(History, Statuses, Protocol):
    """The part of `programs.client.rpc.ChainClient` that a rebuild reads, at the commitment `finalized`."""

    async def slot(self) -> int:
        """The newest finalized slot."""
        ...


class IncompleteHistory(Unavailable):  # named after the node's condition
    """The node does not tell all that happened: ask another; nothing was changed, and what it told is worth nothing."""


class Rebuild:
    """One rebuild.

    Args:
        store: the platform's database.
        scratch: an empty database, or the one that an interrupted rebuild of the same chain has left.
        chain: a node that keeps the whole history.
        at: the deployment's addresses.
        clock: the present.
        tell: shown the stages.
    """

    def __init__(
        self, *, store: Store, scratch: Store, chain: FinalizedChain, at: Addresses, clock: Clock, tell: Told = lambda _: None
    ) -> None:
        self._store = store
        self._scratch = scratch
        self._chain = chain
        self._at = at
        self._tell = tell
        self._read_to = 0
        """The newest slot that is wholly in the past that was read."""
        self._alone = Alone(store, clock)
        self._reader = _Reader(store=scratch, chain=chain, at=at, clock=clock, metrics=Metrics())
        self._reader.keep = self._alone.keep

    async def check(self) -> Differences:
        """Say where the rows differ; changes nothing.

        Raises:
            IncompleteHistory: the node does not tell all that happened.
            Unavailable: node or database are away.
            Conflict: a bridge is at work on the rows.
        """
        async with self._at_rest(), self._scratch.read() as scratch, self._store.read() as rows:
            return await self._compare(scratch, rows, mend=False)

    async def mend(self) -> Differences:
        """Write what differs, in one transaction; returns what differed.

        Raises:
            IncompleteHistory, Unavailable, Conflict: as `check`; nothing was changed.
        """
        async with self._at_rest(), self._scratch.read() as scratch, self._store.begin() as rows:
            await rebuilding.lock(rows)
            await self._alone.require(rows)
            return await self._compare(scratch, rows, mend=True)

    @asynccontextmanager
    async def _at_rest(self) -> AsyncGenerator[None]:
        """Nobody else writes derived rows, and the chain's past is read."""
        await self._alone.begin()
        try:
            await self._read_all()
            self._tell("comparing rows")
            yield
        finally:
            await self._alone.end()

    async def _read_all(self) -> None:
        self._tell("waiting until what the rows name is final")
        await self._wait_for_finality()
        self._tell("reading the chain")
        async with self._scratch.begin() as session:
            await settled_points.create(session)
        wrong: str | None = ""
        for _ in range(SETTLING_LOOKS):
            self._read_to = await self._chain.slot()
            await self._reader.catch_up()
            await self._require_the_beginning()
            wrong = await self._first_wrong_ledger()
            if wrong is None:
                return
            self._tell(f"{wrong} moved while it was read, or something was not told: reading on")
        raise IncompleteHistory(f"the node's history does not add up to the account of {wrong}: ask one that keeps all of it")

    async def _wait_for_finality(self) -> None:
        async with self._store.read() as session:
            newest = await rebuilding.newest_slot(session)
        try:
            async with asyncio.timeout(FINALITY_S):
                while await self._chain.slot() < newest:  # a node sets no event
                    await asyncio.sleep(LOOK_EVERY_S)
                    await self._alone.keep()
        except TimeoutError:
            self._tell(f"the rows name slot {newest}, which the chain has not come to")

    async def _require_the_beginning(self) -> None:
        """Without its beginning the past is not whole, whatever follows."""
        async with self._scratch.read() as session:
            found = await rebuilding.first_events(session)
        for program, name in FIRST_EVENTS.items():
            if found.get(program) != name:
                raise IncompleteHistory(
                    f"the node's history of the {program} program begins after its set-up: ask one that keeps all of it"
                )

    async def _first_wrong_ledger(self) -> str | None:
        """A meter whose account is not what its events add up to: then an event was not told."""
        after = ""
        while True:
            async with self._scratch.read() as session:
                ledgers = await ledger_rows.sums(session, after=after, limit=METERS_A_LOOK)
            if not ledgers:
                return None
            accounts = await self._chain.accounts([self._at.meter(one.meter_id) for one in ledgers])
            for ledger, account in zip(ledgers, accounts, strict=True):
                if account is None or not _agree(ledger, MeterAccount.decode(account.data)):
                    return f"meter {ledger.meter_id}"
            after = ledgers[-1].meter_id

    async def _compare(self, scratch: Session, rows: Session, *, mend: bool) -> Differences:
        comparison = Comparison(scratch=scratch, rows=rows, mend=mend)
        await self._require_at_rest(await comparison.transactions_too_much())
        return await comparison.run()

    async def _require_at_rest(self, unknown: Sequence[str]) -> None:
        """Transactions that rows name and the finalized past does not: made up, rolled back, or newer than what was read."""
        told = (await fates(self._chain, unknown)).items()
        landed = [signature for signature, status in told if status is not None and status.slot > self._read_to]
        if landed:
            raise Conflict(f"rows name transaction {landed[0]}, which is newer than what was read: stop the bridge, and repeat")


class _Reader(Indexer):
    """An indexer that also keeps every step of each meter's settlement."""

    keep: Callable[[], Awaitable[None]]
    """Called now and then while it reads."""

    async def note(self, session: Session, landed: Landed) -> bool:
        await self.keep()
        written = await super().note(session, landed)
        settled = [change.meter_id for change in landed.changes if change.is_square]
        if settled:
            await settled_points.note(session, settled)
        return written


def _agree(ledger: LedgerSums, account: MeterAccount) -> bool:
    of_events = (ledger.minted_wh, ledger.burned_wh, ledger.settled_net_wh, ledger.correction_net_wh)
    if of_events != (account.minted_wh, account.burned_wh, account.settled_net_wh, account.correction_net_wh):
        return False
    return account.reading_count == 0 or (ledger.sequence, ledger.entry_number) == (account.last_sequence, account.entry_number)
