"""The platform as it is, on a node that is not ours: `bash tests/cluster/run.sh` prepares it, and calls this file by name."""

import asyncio
import os
import re
import shutil
import signal
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import pytest
import pytest_asyncio
from solders.hash import Hash
from solders.keypair import Keypair

from core.runtime.settings import Settings
from deploy.keys import KeyFolder
from deploy.platform import Platform
from programs.client import transactions
from programs.client.addresses import Addresses, addresses_of
from programs.client.bootstrap import ensure_balance
from programs.client.confirmation import send_confirmed
from programs.client.deployment import (
    Build,
    Deployer,
    DeployerKeys,
    ProgramSurvey,
    committed_builds,
    leftover_buffers,
    survey,
)
from programs.client.instructions import system
from programs.client.rpc import ChainClient, TransactionRefused
from programs.client.signer import KeypairSigner
from programs.client.subscribe import Gap, Subscriptions
from tests.support.compute_units import TABLE
from tests.support.fleet_day import fleet_day
from tests.support.node_scripts import IDLS, require_driven, require_driven_by_kit, run
from tests.support.platform import SOL, free_port, settings_in
from tests.support.svm import artifact
from tests.support.units_on_chain import units_on
from tests.support.up import GRIDTOKENX, environment, gridtokenx_up

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(280)]
FUNDS: Final = 10 * SOL
FEWEST_COMPARED: Final = 20
BUMP_UNITS: Final = 24 * 1_500
"""Other ids have other bumps: a derived address costs 1,500 units for each try, and an instruction derives up to five."""


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """The node, an operator's keys, and a client."""

    rpc_url: str
    ws_url: str
    folder: Path
    keys: KeyFolder
    client: ChainClient
    old_blockhash: Hash
    """As old as the node."""
    old_last_valid: int

    @property
    def at(self) -> Addresses:
        return addresses_of()

    @property
    def payer(self) -> KeypairSigner:
        return KeypairSigner(self.keys.numbered("payer")[0])

    def settings(self) -> Settings:
        """Embedded broker and database on ports that stay, and the chain by URL."""
        return settings_in(
            self.folder / "platform",
            mqtt={"embedded_port": free_port()},
            chain={"rpc_url": self.rpc_url, "ws_url": self.ws_url, "keys_dir": self.keys.path},
            api={"port": free_port()},
        )

    async def seen(self) -> dict[str, ProgramSurvey]:
        """The programs as the chain shows them."""
        authority = self.keys.single("upgrade").pubkey()
        return {row.build.name: row for row in await survey(self.client, committed_builds(), authority)}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Cluster]:
    """A new node, and keys that own nothing on it but a payer's lamports."""
    folder = tmp_path_factory.mktemp("operator")
    keys = KeyFolder(path=folder / "keys")
    shutil.copytree(_given("GRIDTOKENX_CLUSTER_KEYS"), keys.path)
    async with _node() as urls, ChainClient(urls["rpcUrl"]) as client:
        await ensure_balance(client, keys.numbered("payer")[0].pubkey(), FUNDS)
        for attester in (*keys.numbered("attester"), *keys.numbered("payer")):
            await ensure_balance(client, attester.pubkey(), SOL)
        blockhash, last_valid = await client.latest_blockhash()
        yield Cluster(
            rpc_url=urls["rpcUrl"],
            ws_url=urls["wsUrl"],
            folder=folder,
            keys=keys,
            client=client,
            old_blockhash=blockhash,
            old_last_valid=last_valid,
        )


def _given(name: str) -> str:
    """What `run.sh` prepared."""
    value = os.getenv(name)
    assert value, "run `bash tests/cluster/run.sh`: it prepares the node and an operator's own programs"
    return value


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


@asynccontextmanager
async def _node() -> AsyncGenerator[dict[str, str]]:
    program = shutil.which("node")
    assert program is not None, "node is needed: apt-get install nodejs npm"
    process = await asyncio.create_subprocess_exec(
        program, "node.mjs", cwd=_given("GRIDTOKENX_CLUSTER_NODE"), stdin=PIPE, stdout=PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            line = await process.stdout.readline()
        yield msgspec.json.decode(line, type=dict[str, str])
    finally:
        process.kill()
        await process.wait()


@asynccontextmanager
async def _command(cluster: Cluster, *words: str) -> AsyncGenerator[Process]:
    """`gridtokenx programs …` as a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *GRIDTOKENX,
        "programs",
        *words,
        cwd=cluster.folder,
        env={**environment(cluster.settings()), "PYTHONUNBUFFERED": "1"},
        stdout=PIPE,
        stderr=STDOUT,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _says(cluster: Cluster, *words: str, code: int = 0) -> str:
    async with _command(cluster, *words) as process:
        said = (await process.communicate())[0].decode()
    assert process.returncode == code, said
    return said


async def _killed_when(cluster: Cluster, is_time: Any) -> None:
    """Deploy, and be killed (−9) as soon as the chain shows what is waited for."""
    async with _command(cluster, "deploy", "--yes") as process, asyncio.timeout(90):
        while not is_time(await cluster.seen()):
            assert process.returncode is None, (await process.communicate())[0].decode()
            await asyncio.sleep(0.01)
        process.send_signal(signal.SIGKILL)


async def test_what_cannot_succeed_is_refused_before_anything_is_spent(cluster: Cluster, tmp_path: Path):
    before = await cluster.client.balance(cluster.payer.pubkey)
    poor = tmp_path / "poor.json"
    poor.write_bytes(msgspec.json.encode(list(bytes(Keypair()))))
    poor.chmod(0o600)

    elsewhere = await _says(cluster, "deploy", "--yes", "--genesis", "mainnet-beta", code=2)
    too_poor = await _says(cluster, "deploy", "--yes", "--keypair", str(poor), code=2)
    not_there = await _says(cluster, "verify", code=1)

    assert "another cluster" in elsewhere
    assert re.search(r"send it \d+\.\d{9} more", too_poor)
    assert "not deployed" in not_there
    assert await cluster.client.balance(cluster.payer.pubkey) == before


async def test_a_deployment_killed_twice_is_finished_by_the_third_run_and_paid_once(cluster: Cluster):
    plan = await _says(cluster, "deploy", "--dry-run")
    most = round(float(re.findall(r"at most ([\d.]+) SOL", plan)[0]) * SOL)
    before = await cluster.client.balance(cluster.payer.pubkey)

    await _killed_when(cluster, lambda seen: seen["registry"].buffer is not None and any(seen["registry"].buffer.code))
    first = await cluster.seen()
    await _killed_when(cluster, lambda seen: seen["energy_token"].is_current)
    is_set_up = await cluster.client.account(cluster.at.oracle.config)
    said = await _says(cluster, "deploy", "--yes")

    assert first["registry"].data is None, "the first died while it wrote code"
    assert is_set_up is None, "the second died between deployment and settings"
    assert "WRONG" not in said
    assert 0 < before - await cluster.client.balance(cluster.payer.pubkey) <= most
    assert await leftover_buffers(cluster.client, committed_builds(), cluster.keys.single("upgrade").pubkey()) == []


async def test_what_runs_there_is_verified_and_a_second_deployment_does_nothing(cluster: Cluster):
    before = await cluster.client.balance(cluster.payer.pubkey)

    said = await _says(cluster, "deploy")
    verified = await _says(cluster, "verify")
    shown = await _says(cluster, "show")

    assert "nothing" in said
    assert "WRONG" not in verified
    assert shown.count("this build") == 3
    assert await cluster.client.balance(cluster.payer.pubkey) == before


async def test_a_program_is_called_in_no_slot_before_the_next(cluster: Cluster):
    """What LiteSVM does not hold: a program deployed in this slot runs in the next; `deploy` waits for it."""
    deployed = [row.data.slot for row in (await cluster.seen()).values() if row.data is not None]
    first = min([row.slot for row in await cluster.client.signatures_for(cluster.at.registry.config)])

    assert len(deployed) == 3
    assert first > max(deployed)


async def test_an_upgrade_makes_room_as_this_loader_wants_it(cluster: Cluster):
    program = KeypairSigner(Keypair())
    upgrade = KeypairSigner(cluster.keys.single("upgrade"))
    keys = DeployerKeys(payer=cluster.payer, authority=upgrade, programs={"probe": program})
    deployer = Deployer(cluster.client, keys, lambda _program, _step, _share: None)
    first, longer = (Build("probe", program.pubkey, artifact(name)) for name in ("hostile_wrapper", "energy_token"))

    await deployer.run([first])
    await deployer.run([longer])

    seen = (await survey(cluster.client, [longer], upgrade.pubkey))[0]
    assert seen.is_current
    assert await leftover_buffers(cluster.client, [longer], upgrade.pubkey) == []


async def test_subscriptions_hear_of_a_transaction(cluster: Cluster):
    heard: asyncio.Queue[str] = asyncio.Queue()
    subscriptions, target = Subscriptions(cluster.ws_url), Keypair().pubkey()
    is_open = asyncio.Event()

    async def listen() -> None:
        async for notice in subscriptions.logs(target):
            if isinstance(notice, Gap):
                is_open.set()
            else:
                await heard.put(notice.signature)

    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        listening = tasks.create_task(listen())
        await is_open.wait()
        signature = await send_confirmed(
            cluster.client, cluster.payer, [system.transfer(cluster.payer.pubkey, target, SOL // 100)]
        )
        assert await heard.get() == signature
        listening.cancel()
        slots = [slot async for slot in _first(subscriptions.slots(), 3)]
    assert slots == sorted(slots)


async def _first(notices: AsyncGenerator[int | Gap, None], count: int) -> AsyncGenerator[int]:
    async for notice in notices:
        if not isinstance(notice, Gap):
            yield notice
            count -= 1
        if count == 0:
            return


async def test_a_day_of_readings_adds_up_to_the_watt_hour_though_the_bridge_is_killed(cluster: Cluster):
    settings = cluster.settings()
    async with fleet_day(settings, seed=21) as day:
        async with gridtokenx_up(settings, cluster.folder) as process:
            await day.fleet.connect()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(day.live(16, pause_s=0.1), name="the fleet lives")
                await asyncio.sleep(1.2)
                process.send_signal(signal.SIGKILL)
        async with gridtokenx_up(settings, cluster.folder) as process:
            await day.finish()
            process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0
        async with Platform(settings) as platform:
            report = await day.audit(platform)
    assert report.terms["burned"] > 0, "consumption was burned too"


async def test_anchor_and_kit_drive_the_programs_here_too(cluster: Cluster):
    clients = Path(_given("GRIDTOKENX_CLUSTER_CLIENTS"))
    where = (cluster.rpc_url, cluster.ws_url, str(IDLS), str(cluster.keys.path))

    require_driven(await run(clients, "drive.mjs", *where, "ANCHOR-1"))
    require_driven_by_kit(await run(clients, "kit_drive.mjs", *where, "KIT-1"))


async def test_no_instruction_costs_more_here_than_in_the_committed_table(cluster: Cluster):
    here = {name: min(used) for name, used in (await units_on(cluster.client, cluster.at)).items()}
    committed: dict[str, int] = msgspec.json.decode(TABLE.read_bytes())
    report = os.getenv("GRIDTOKENX_CLUSTER_UNITS")
    if report:
        _write(Path(report), msgspec.json.encode(here))

    both = here.keys() & committed.keys()
    assert len(both) > FEWEST_COMPARED
    assert [name for name in both if here[name] > committed[name] + BUMP_UNITS] == []


async def test_a_transaction_is_refused_when_its_blockhash_has_expired(cluster: Cluster):
    async with asyncio.timeout(120):
        while await cluster.client.block_height() <= cluster.old_last_valid:  # noqa: ASYNC110  # the chain tells, no event does
            await asyncio.sleep(0.2)
    transfer = system.transfer(cluster.payer.pubkey, Keypair().pubkey(), SOL // 100)
    wire = await transactions.signed(cluster.payer, [transfer], cluster.old_blockhash)

    with pytest.raises(TransactionRefused, match="BlockhashNotFound"):
        await cluster.client.send(wire)
