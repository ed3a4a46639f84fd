"""A bridge over a fake chain and a real database, with meters whose readings are accepted by hand."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlmodel import col, select

from core.domain.readings import MeterStatus, ProofKind, StatementKind
from core.runtime.metrics import Metrics
from core.runtime.settings import SettlementSettings
from core.store import Store, work
from core.store.tables.meters import MeterRow
from core.store.tables.readings import MeterReadingRow
from core.store.tables.settlement import OutboxRow, SettlementWorkRow
from core.store.tables.users import UserRow
from core.store.work import Target
from oracle_bridge.latency import MintLatency
from oracle_bridge.outbox import Outbox
from oracle_bridge.submitter import Submitter
from programs.client.ids import PROGRAM_IDS
from tests.support.fake_chain import OWNER, FakeChain, FakeComposer

START_S = 1_700_000_000


class HandClock:
    """A clock that tests move by milliseconds."""

    def __init__(self) -> None:
        self.ms = START_S * 1_000

    def now(self) -> int:
        return self.ms // 1_000

    def now_ms(self) -> int:
        return self.ms

    def pass_s(self, seconds: float) -> None:
        self.ms += int(seconds * 1_000)


@dataclass
class World:
    """All that outlives a crash: chain, database, time."""

    store: Store
    chain: FakeChain = field(default_factory=FakeChain)
    clock: HandClock = field(default_factory=HandClock)
    metrics: Metrics = field(default_factory=Metrics)
    settings: SettlementSettings = field(default_factory=lambda: SettlementSettings.model_validate({}))

    def bridge(self, *, owner: str = "bridge-1", store: Store | None = None, chain: FakeChain | None = None) -> Submitter:
        """A bridge's sending half, as after a start."""
        store, chain = store or self.store, chain or self.chain
        composer = FakeComposer()
        outbox = Outbox(store=store, composer=composer, settings=self.settings, clock=self.clock, owner=owner)
        return Submitter(
            outbox=outbox,
            store=store,
            chain=chain,
            composer=composer,
            ids=PROGRAM_IDS,
            clock=self.clock,
            metrics=self.metrics,
            latency=MintLatency(self.metrics),
        )

    async def add_meters(self, *names: str, kind: StatementKind = StatementKind.REGISTER) -> None:
        """Bound meters without readings."""
        async with self.store.begin() as session:
            owner = UserRow(
                wallet_address=str(OWNER), token_account=str(OWNER), zone=1, verified=True, created_at=START_S, updated_at=START_S
            )
            known = (await session.exec(select(UserRow))).first()
            if known is None:
                session.add(owner)
                await session.flush()
            session.add_all(_meter(name, kind, (known or owner).id or 0) for name in names)

    async def accept(self, name: str, *, sequence: int, generation_wh: int, consumption_wh: int = 0) -> None:
        """Intake accepted a reading with these totals."""
        async with self.store.begin() as session:
            meter = (await session.exec(select(MeterRow).where(col(MeterRow.meter_id) == name))).one()
            meter.last_sequence, meter.highest_sequence = sequence, sequence
            meter.accepted_count += 1
            meter.credited_generation_wh, meter.credited_consumption_wh = generation_wh, consumption_wh
            meter.last_generation_wh, meter.last_consumption_wh = generation_wh, consumption_wh
            session.add(meter)
            session.add(_reading(meter, sequence, generation_wh, consumption_wh))
            target = Target(meter_id=name, sequence=sequence, ordinal=meter.accepted_count)
            await work.want(session, [target], now_ms=self.clock.now_ms(), min_interval_ms=0)

    async def readings(self, name: str) -> list[MeterReadingRow]:
        """A meter's rows by sequence."""
        async with self.store.read() as session:
            rows = select(MeterReadingRow).where(col(MeterReadingRow.meter_id) == name).order_by(col(MeterReadingRow.sequence))
            return list((await session.exec(rows)).all())

    async def work_of(self, name: str) -> SettlementWorkRow:
        """A meter's work item."""
        async with self.store.read() as session:
            rows = select(SettlementWorkRow).where(col(SettlementWorkRow.meter_id) == name)
            return (await session.exec(rows)).one()

    async def outbox(self) -> list[OutboxRow]:
        """All transactions by id."""
        async with self.store.read() as session:
            return list((await session.exec(select(OutboxRow).order_by(col(OutboxRow.id)))).all())


async def settle_once(bridge: Submitter, *, room: int = 20) -> int:
    """Draft, submit and follow once; returns what is still open."""
    drafted = await bridge.draft(room)
    await bridge.submit(drafted)
    return await bridge.follow()


@asynccontextmanager
async def bridge_world(folder: Path) -> AsyncGenerator[World]:
    """A world with an empty database in `folder`."""
    store = Store(f"sqlite+aiosqlite:///{folder / 'bridge.db'}")
    await store.migrate()
    try:
        yield World(store=store)
    finally:
        await store.close()


def _meter(name: str, kind: StatementKind, user_id: int) -> MeterRow:
    return MeterRow(
        meter_id=name,
        fleet="home",
        user_id=user_id,
        wallet_address=str(OWNER),
        token_account=str(OWNER),
        asset_kind=1,
        statement_kind=int(kind),
        proof_kind=int(ProofKind.DEVICE if kind is StatementKind.REGISTER else ProofKind.ATTESTED),
        zone=1,
        rated_power_out_w=5_000,
        rated_power_in_w=5_000,
        status=int(MeterStatus.ACTIVE),
        base_sequence=0,
        base_measured_at=START_S - 86_400,
        base_generation_wh=0,
        base_consumption_wh=0,
        highest_sequence=0,
        contiguous_sequence=0,
        last_sequence=0,
        last_measured_at=START_S - 86_400,
        last_generation_wh=0,
        last_consumption_wh=0,
        created_at=START_S,
        updated_at=START_S,
    )


def _reading(meter: MeterRow, sequence: int, generation_wh: int, consumption_wh: int) -> MeterReadingRow:
    return MeterReadingRow(
        user_id=meter.user_id,
        wallet_address=meter.wallet_address,
        meter_id=meter.meter_id,
        sequence=sequence,
        statement_kind=meter.statement_kind,
        kwh_amount=0,  # pyright: ignore[reportArgumentType]  # a whole number of kWh
        energy_generation_wh=0,
        energy_consumption_wh=0,
        stated_generation_wh=generation_wh,
        stated_consumption_wh=consumption_wh,
        reading_timestamp=START_S,
        submitted_at=START_S,
        statement=bytes(64),
        meter_signature="s",
        public_key="k",
        verification_status="accepted",
        ordinal=meter.accepted_count,
        source="mqtt",
        created_at=START_S,
        updated_at=START_S,
    )
