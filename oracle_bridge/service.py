"""The bridge's value-out half: everything that settles, indexes and audits, composed and supervised."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from core.domain.clock import Clock
from core.domain.errors import Conflict, DomainError, InvalidInput, NotFound, Unavailable
from core.domain.network import network_bytes
from core.runtime.crash_points import Reached, pass_by
from core.runtime.health import Health, Kind
from core.runtime.logging import get_logger
from core.runtime.metrics import Metrics
from core.runtime.settings import SettlementSettings
from core.runtime.supervisor import Supervisor
from core.store import duties as duty
from core.store import outbox as outbox_rows
from core.store import partitions, work
from core.store.outbox import Totals
from core.store.unit_of_work import Store
from oracle_bridge import audit
from oracle_bridge.audit import AuditReport
from oracle_bridge.audit_metrics import publish
from oracle_bridge.composer import BridgeKeys, SolanaComposer
from oracle_bridge.condition import LOWEST_BALANCE_LAMPORTS, Condition
from oracle_bridge.continuous_audit import ContinuousAudit
from oracle_bridge.duties import Duties
from oracle_bridge.figures import FiguresLoop
from oracle_bridge.indexer import Indexer, Notices
from oracle_bridge.latency import MintLatency
from oracle_bridge.leftovers import Leftovers
from oracle_bridge.lookup_tables import LookupTables
from oracle_bridge.outbox import Outbox
from oracle_bridge.settlement_loop import SettlementLoop
from oracle_bridge.submitter import Submitter
from programs.client.accounts import OracleConfig, RegistryConfig
from programs.client.addresses import addresses_of
from programs.client.ids import ProgramIds
from programs.client.rpc import ChainClient, RpcRefused
from programs.client.signer import Signer

MONTHS_EVERY_S: Final = 86_400.0
TABLES_EVERY_S: Final = 30.0
TABLES_PAUSE_S: Final = 5.0
AUDIT_EVERY_S: Final = 60.0

Loop = Callable[[], Awaitable[object]]

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeSigners:
    """Keys that the bridge holds; it alone holds any."""

    attesters: tuple[Signer, ...]
    """They sign readings and pay for the transactions that they sign first, so they need lamports."""
    payers: tuple[Signer, ...]
    """They pay for settling leftovers and for lookup tables."""


class Bridge:
    """Settles accepted readings and keeps the rows that follow from the chain.

    Args:
        store: the database.
        chain: the node.
        ids: our programs.
        keys: attesters and payers.
        settings: when and how much is settled.
        clock: the present.
        metrics: the process's figures.
        health: gets the checks of `Condition`.
        shipped: the programs' bytes of this version; empty compares nothing.
        chain_kind: whether the node is embedded or somebody's, for `/ready`.
        notices: subscriptions that wake the indexer; None polls only.
        name: tells several bridges on one database apart; the same after a restart.
        reached: told at each step of outbox and indexer.
        keep_months: how many months of readings are kept; None keeps all.
    """

    def __init__(
        self,
        *,
        store: Store,
        chain: ChainClient,
        ids: ProgramIds,
        keys: BridgeSigners,
        settings: SettlementSettings,
        clock: Clock,
        metrics: Metrics,
        health: Health,
        notices: Notices | None = None,
        name: str = "bridge-1",
        reached: Reached = pass_by,
        shipped: Mapping[str, bytes] | None = None,
        chain_kind: Kind = "real",
        keep_months: int | None = None,
    ) -> None:
        self._store = store
        self._chain = chain
        self._at = addresses_of(ids)
        self._keys = keys
        self._settings = settings
        self._clock = clock
        self._metrics = metrics
        self._health = health
        self._notices = notices
        self._name = name
        self._reached = reached
        self._keep_months = keep_months
        self._duties = Duties(store=store, clock=clock, owner=name, lease_s=settings.lease_s)
        self._loop: SettlementLoop | None = None
        self._tables: LookupTables | None = None
        self._leftovers: Leftovers | None = None
        self._newcomers = asyncio.Event()
        self.latency = MintLatency(metrics)
        """From intake to confirmed transaction, in milliseconds."""
        self.indexer = Indexer(store=store, chain=chain, at=self._at, clock=clock, metrics=metrics, reached=reached)
        """Also rebuilds all derived rows."""
        self._chain_kind: Kind = chain_kind
        self._condition = Condition(
            store=store,
            chain=chain,
            at=self._at,
            attesters=keys.attesters,
            payers=keys.payers,
            shipped=shipped or {},
            indexer=self.indexer,
            clock=clock,
        )

    def wake(self, meter_ids: set[str]) -> None:
        """Readings of these meters were committed: intake calls this."""
        self.latency.accepted(meter_ids, at_ms=self._clock.now_ms())
        if self._loop is not None:
            self._loop.wake()
        if self._tables is not None and not meter_ids <= self._tables.housed:
            self._newcomers.set()

    async def meters_joined(self) -> None:
        """Put new meters into lookup tables now instead of within half a minute, so that their first readings travel together."""
        if self._tables is not None:
            await self._tables.ensure()

    async def start(self, supervisor: Supervisor) -> None:
        """Check the deployment, make lookup tables, and start all loops under a supervisor.

        Raises:
            NotFound: the programs are not set up on this chain.
            Conflict: the chain is another one than the programs were set up for, or the keys don't fit the deployment.
            InvalidInput: a payer has no lamports, or a key is missing.
            Unavailable: node or database are away.
        """
        threshold = await self.check()
        keys = BridgeKeys(attesters=self._keys.attesters, payers=self._keys.payers, threshold=threshold)
        tables = LookupTables(
            store=self._store,
            chain=self._chain,
            payer=self._keys.payers[0],
            at=self._at,
            clock=self._clock,
            may_change=lambda: self._duties.mine(duty.LOOKUP_TABLES),
        )
        composer = SolanaComposer(at=self._at, keys=keys, tables=tables.active)
        submitter = self._submitter(composer)
        loop = SettlementLoop(submitter=submitter, store=self._store, settings=self._settings, clock=self._clock)
        leftovers = Leftovers(
            submitter=submitter,
            store=self._store,
            chain=self._chain,
            at=self._at,
            clock=self._clock,
            room=self._settings.max_transactions_per_round,
        )
        self._loop, self._leftovers, self._tables = loop, leftovers, tables
        await self._ensure(tables)
        self._condition.register_chain(self._health, self._chain_kind)
        self._condition.register_settlement(self._health)
        self._health.register("indexer", lambda: self._duties.health(duty.INDEXER, self._condition.indexer), essential=False)
        figures = FiguresLoop(
            store=self._store, chain=self._chain, condition=self._condition, metrics=self._metrics, clock=self._clock
        )
        loops: list[tuple[str, Loop]] = [
            ("indexer", self._duties.holding(duty.INDEXER, self.indexer.run)),
            ("indexer-notices", self._listen),
            ("bridge-figures", figures.run),
            ("audit", self._duties.holding(duty.AUDIT, self._audit)),
            ("months", self._duties.holding(duty.MONTHS, lambda: _every(MONTHS_EVERY_S, self._keep_months_in_order))),
            ("lookup-tables", lambda: self._keep_tables(tables)),
            ("leases", lambda: _every(self._settings.lease_s / 4, lambda: self._keep_leases(submitter))),
            ("leftovers", self._duties.holding(duty.LEFTOVERS, leftovers.run)),
            ("follower", loop.follow),
            ("settlement", loop.settle),
        ]
        for name, body in loops:
            supervisor.run(name, _patient(body))

    async def run(self) -> None:
        """Run alone until a signal; see `start` for what it raises."""
        async with Supervisor() as supervisor:
            await self.start(supervisor)
            await supervisor.until_signal()

    async def check(self) -> int:
        """Refuse to run on the wrong chain or without means; returns the oracle's threshold.

        Raises:
            NotFound, Conflict, InvalidInput: as `start`.
        """
        if not self._keys.attesters or not self._keys.payers:
            raise InvalidInput("the bridge needs at least one attester key and one payer key")
        registry, oracle = await self._configs()
        expected = network_bytes(await self._chain.genesis_hash(), bytes(self._at.ids.registry))
        for program, found in (("registry", registry.network), ("oracle", oracle.network)):
            if found != expected:
                raise Conflict(f"the {program} was set up for another chain (network {found.hex()}, here {expected.hex()})")
        pins = (registry.oracle_program, registry.energy_token_program, registry.energy_mint)
        if pins != (self._at.ids.oracle, self._at.ids.energy_token, self._at.mint):
            raise Conflict("the registry on this chain pins other programs than this platform was built with")
        known = set(oracle.attesters[: oracle.attester_count])
        strangers = [signer.pubkey for signer in self._keys.attesters if signer.pubkey not in known]
        if strangers:
            raise Conflict(f"{strangers[0]} is not an attester of the oracle: set the attesters, or give their keys")
        await self._require_lamports()
        return oracle.threshold

    async def audit(self, truth: Mapping[str, tuple[int, int]] | None = None) -> AuditReport:
        """Compare rows, events, accounts, supply and truth now; the outcome is in the metrics too."""
        report = await audit.run(self._store, self._chain, truth, at=self._at)
        publish(report, self._metrics, self._clock)
        return report

    async def sweep(self) -> int:
        """Settle what is owed or unsettled and can move now, without waiting for the next sweep; returns transactions sent."""
        if self._leftovers is None:
            raise Conflict("the bridge is not started")
        sent = await self._leftovers.sweep()
        if self._loop is not None:
            self._loop.wake_follower()
        return sent

    async def is_idle(self) -> bool:
        """Whether nothing is due, in flight or waiting (what is in review or suspended waits for a person)."""
        async with self._store.read() as session:
            due_at_ms = await work.next_due_at_ms(session)
            states = await work.count_by_state(session)
            open_count = await outbox_rows.count_open(session)
        return due_at_ms is None and open_count == 0 and not states.get(work.LEASED)

    async def totals(self) -> Totals:
        """Transactions so far, by kind and end, with meters carried and compute units."""
        async with self._store.read() as session:
            return await outbox_rows.totals(session)

    def _submitter(self, composer: SolanaComposer) -> Submitter:
        outbox = Outbox(
            store=self._store,
            composer=composer,
            settings=self._settings,
            clock=self._clock,
            owner=self._name,
            reached=self._reached,
        )
        return Submitter(
            outbox=outbox,
            store=self._store,
            chain=self._chain,
            composer=composer,
            ids=self._at.ids,
            clock=self._clock,
            metrics=self._metrics,
            latency=self.latency,
            reached=self._reached,
        )

    async def _configs(self) -> tuple[RegistryConfig, OracleConfig]:
        registry, oracle = await self._chain.accounts([self._at.registry.config, self._at.oracle.config])
        if registry is None or oracle is None:
            raise NotFound("registry or oracle are not set up on this chain: initialise the deployment first")
        return RegistryConfig.decode(registry.data), OracleConfig.decode(oracle.data)

    async def _require_lamports(self) -> None:
        for key in dict.fromkeys(signer.pubkey for signer in (*self._keys.attesters, *self._keys.payers)):
            lamports = await self._chain.balance(key)
            if lamports < LOWEST_BALANCE_LAMPORTS:
                raise InvalidInput(f"payer {key} has {lamports} lamports of at least {LOWEST_BALANCE_LAMPORTS}: fund it")

    async def _keep_leases(self, submitter: Submitter) -> None:
        taken = await submitter.keep()
        if taken:
            self._metrics.lease_takeovers_total.inc(taken)
            _log.warning("leases_taken_over", transactions=taken)

    async def _keep_tables(self, tables: LookupTables) -> None:
        """Without a table a meter still settles, in smaller transactions: nothing here may stop the bridge."""
        while True:
            try:
                async with asyncio.timeout(TABLES_EVERY_S):
                    await self._newcomers.wait()
            except TimeoutError:
                pass
            self._newcomers.clear()
            if not await self._ensure(tables):
                await asyncio.sleep(TABLES_PAUSE_S)

    async def _ensure(self, tables: LookupTables) -> bool:
        """Make tables, or note that it is still to be done."""
        try:
            await tables.ensure()
        except DomainError as problem:
            _log.warning("lookup_tables_wait", why=str(problem))
            self._newcomers.set()
            return False
        return True

    async def _keep_months_in_order(self) -> None:
        """Rooms for the months to come, and those let go that are over and kept long enough."""
        now = self._clock.now()
        made = await partitions.make_ahead(self._store, now=now)
        gone = [] if self._keep_months is None else await partitions.let_go(self._store, now=now, keep_months=self._keep_months)
        if made or gone:
            _log.info("months", made=made, let_go=gone)

    async def _listen(self) -> None:
        """A node without subscriptions costs only time: polling goes on."""
        if self._notices is None:
            return
        try:
            await self.indexer.listen(self._notices)
        except InvalidInput as problem:
            _log.warning("no_subscriptions", why=str(problem))

    async def _audit(self) -> None:
        audits = ContinuousAudit(store=self._store, chain=self._chain, at=self._at, clock=self._clock, metrics=self._metrics)
        await _every(AUDIT_EVERY_S, audits.once)


async def _every(seconds: float, act: Loop) -> None:
    """At once, for there may be something left from an earlier life, and then again and again."""
    while True:
        await act()
        await asyncio.sleep(seconds)


def _patient(loop: Loop) -> Callable[[], Awaitable[None]]:
    """A node that refuses a request is a node that is away: the supervisor waits and starts the loop again."""

    async def run() -> None:
        try:
            await loop()
        except RpcRefused as problem:
            raise Unavailable(str(problem)) from problem

    return run
