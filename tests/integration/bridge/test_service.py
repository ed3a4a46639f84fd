"""What the bridge refuses to start with, its loops, and its lookup tables."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from solders.keypair import Keypair

from core.domain.errors import Conflict, InvalidInput, NotFound, Unavailable
from core.runtime.clock import SystemClock
from core.runtime.health import Health
from core.runtime.metrics import Metrics
from core.runtime.settings import SettlementSettings
from core.store import Store, lookup_tables
from oracle_bridge.lookup_tables import LookupTables, shared_addresses
from oracle_bridge.service import Bridge, BridgeSigners, _patient
from oracle_bridge.settlement_loop import SettlementLoop
from programs.client.rpc import ChainClient, RpcRefused
from programs.client.signer import KeypairSigner, Signer
from tests.support.bridge_world import bridge_world
from tests.support.deployed import deployed
from tests.support.running_bridge import Running, names, running, until_idle


@pytest.fixture
async def live(tmp_path: Path) -> AsyncGenerator[Running]:
    async with running(tmp_path) as made:
        yield made


class OtherChain(ChainClient):
    """A node of another cluster."""

    async def genesis_hash(self) -> bytes:
        return b"x" * 32


def _bridge(
    live: Running,
    *,
    chain: ChainClient | None = None,
    attesters: tuple[Signer, ...] | None = None,
    payers: tuple[Signer, ...] | None = None,
) -> Bridge:
    keys = live.chain.keys
    return Bridge(
        store=live.store,
        chain=chain or live.chain.client,
        ids=live.chain.at.ids,
        keys=BridgeSigners(
            attesters=keys.attesters if attesters is None else attesters, payers=keys.payers if payers is None else payers
        ),
        settings=live.settings,
        clock=live.clock,
        metrics=live.metrics,
        health=live.health,
    )


async def test_the_bridge_refuses_the_wrong_chain_the_wrong_keys_and_empty_payers(live: Running):
    stranger = KeypairSigner(Keypair())

    async with OtherChain(live.chain.localnet.rpc_url) as other:
        with pytest.raises(Conflict, match="set up for another chain"):
            await _bridge(live, chain=other).check()
    with pytest.raises(Conflict, match="is not an attester"):
        await _bridge(live, attesters=(stranger,)).check()
    with pytest.raises(InvalidInput, match="has 0 lamports"):
        await _bridge(live, payers=(stranger,)).check()
    with pytest.raises(InvalidInput, match="at least one attester key"):
        await _bridge(live, attesters=()).check()
    assert await _bridge(live).check() == 1


async def test_the_bridge_refuses_a_chain_without_the_programs_set_up(tmp_path: Path):
    async with deployed() as chain:
        bridge = Bridge(
            store=Store(f"sqlite+aiosqlite:///{tmp_path / 'unused.db'}"),
            chain=chain.client,
            ids=chain.at.ids,
            keys=BridgeSigners(attesters=chain.keys.attesters, payers=chain.keys.payers),
            settings=SettlementSettings.model_validate({}),
            clock=SystemClock(),
            metrics=Metrics(),
            health=Health(),
        )
        with pytest.raises(NotFound, match="initialise the deployment first"):
            await bridge.check()


async def test_lookup_tables_hold_every_meter_survive_a_restart_and_grow(live: Running):
    def tables() -> LookupTables:
        return LookupTables(
            store=live.store, chain=live.chain.client, payer=live.chain.keys.payers[0], at=live.chain.at, clock=live.clock
        )

    await asyncio.gather(*(live.add_meter(name) for name in names("MTR", 3)))
    first = tables()
    await first.ensure()
    await live.add_meter("LATE")
    second = tables()
    await second.ensure()

    assert list(first.active) == list(second.active)
    (table,) = second.active.values()
    at = live.chain.at
    assert {at.meter(name) for name in (*names("MTR", 3), "LATE")} <= set(table.addresses)
    assert set(shared_addresses(at)) <= set(table.addresses)
    assert len(table.addresses) == len(set(table.addresses))


async def test_a_meter_that_joins_while_the_bridge_runs_is_settled_at_once_and_housed_soon(live: Running):
    async with live.bridge() as bridge:
        device = await live.add_meter("LATE")

        await live.say(live.intake(bridge), (device, 1, 1_000, 0))
        await until_idle(bridge)

        assert await live.tokens(device) == 1_000_000_000
        async with asyncio.timeout(10):
            while not await _tables_known(live):  # noqa: ASYNC110  # the database sets no event
                await asyncio.sleep(0.02)


async def test_meters_bound_while_the_bridge_runs_share_transactions_once_they_are_housed(live: Running):
    async with live.bridge() as bridge:
        devices = [await live.add_meter(name) for name in names("MTR", 5)]
        await bridge.meters_joined()

        await live.say(live.intake(bridge), *((device, 1, 1_000, 0) for device in devices))
        await until_idle(bridge)

        totals = await bridge.totals()
        assert (totals.transactions("landed"), totals.items("landed")) == (1, 5)


async def _tables_known(live: Running) -> list[str]:
    async with live.store.read() as session:
        return await lookup_tables.addresses(session, str(live.chain.keys.payers[0].pubkey))


async def test_polling_settles_what_nobody_announced(live: Running):
    live.settings = SettlementSettings(mode="polling", polling_interval_s=1)  # pyright: ignore[reportCallIssue]  # pydantic fills the defaults
    device = await live.add_meter("MTR-001")
    async with live.bridge() as bridge:
        await live.say(live.intake(), (device, 1, 1_000, 0))
        await until_idle(bridge)

        assert await live.tokens(device) == 1_000_000_000


async def test_arrival_mode_finds_work_that_another_process_wrote(live: Running):
    device = await live.add_meter("MTR-001")
    async with live.bridge() as bridge:
        await live.say(live.intake(), (device, 1, 1_000, 0))
        await until_idle(bridge)

        assert await live.tokens(device) == 1_000_000_000


async def test_a_round_sends_no_more_than_its_transactions(tmp_path: Path):
    async with bridge_world(tmp_path) as world:
        world.settings = world.settings.model_copy(update={"max_transactions_per_round": 2, "max_readings_per_batch": 7})
        many = [f"M{number:02}" for number in range(20)]
        await world.add_meters(*many)
        for name in many:
            await world.accept(name, sequence=1, generation_wh=100)
        bridge = world.bridge()
        loop = SettlementLoop(submitter=bridge, store=world.store, settings=world.settings, clock=world.clock)

        assert await loop.round() == 2
        assert await loop.round() == 0  # both are still open
        await bridge.follow()
        assert await loop.round() == 2

        assert len(world.chain.sent) == 4


async def test_a_node_that_refuses_is_waited_for():
    async def refused() -> None:
        raise RpcRefused(-32602, "no")

    with pytest.raises(Unavailable):
        await _patient(refused)()
