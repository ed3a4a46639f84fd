"""A deployment of many meters, made without waiting: transactions go straight into the embedded chain, rows in large batches."""

import asyncio
import shutil
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from solders.hash import Hash
from solders.instruction import Instruction
from solders.pubkey import Pubkey
from solders.transaction import VersionedTransaction

from benchmarks.processes import Part, start
from broker.passwords import hash_password
from core.domain.identity import MeterId, parse_fleet
from core.domain.network import network_bytes
from core.runtime.clock import SystemClock
from core.runtime.settings import ChainSettings
from core.store import Store
from deploy.chain import embedded_chain, fund_payers
from deploy.demo.village import Village, draw_village
from deploy.enrolment import enrolment_of
from deploy.keys import KeyFolder
from devices.acceptance.profiles import STANDARD
from devices.provisioning import MeterImport, record_bound_meter
from firmware_sim.fleet import MeterSpec, draw_specs
from oracle_bridge.lookup_tables import LookupTables
from programs.client import transactions
from programs.client.addresses import Addresses, addresses_of
from programs.client.bootstrap import AuthorityKeys, initialise
from programs.client.enrolment import PROSUMER, register_meter_instructions
from programs.client.ids import PROGRAM_IDS
from programs.client.instructions import registry
from programs.client.rpc import ChainClient
from programs.client.signer import Signer
from programs.localnet import LocalnetConfig
from programs.localnet.chain import Chain
from programs.localnet.execution import Refusal
from programs.localnet.transactions import Submission
from tests.support.platform import free_chain_port

PAYERS: Final = 2
OWNER_LAMPORTS: Final = 1_000_000_000
ROWS_A_TRANSACTION: Final = 500
TRANSACTIONS_A_SLOT: Final = 500
READY_WITHIN_S: Final = 120.0
FAST_SLOT_MS: Final = 20
BEFORE: Final = "chain-before"
"""Where a deployment keeps a copy of its chain as it was at first."""
FLEET: Final = parse_fleet("home")


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A deployment at rest in a folder."""

    specs: Sequence[MeterSpec]
    passwords: dict[MeterId, str]
    network: bytes
    base_at: int
    keys: AuthorityKeys
    at: Addresses


async def prepare(
    folder: Path, store: Store, *, meters: int, seed: int = 1, history_s: int = 86_400, cadence_s: int = STANDARD.cadence_s
) -> Prepared:
    """Make a deployment with meters that have their places in lookup tables.

    Args:
        folder: where chain and keys go, as `gridtokenx up` expects them.
        store: the database, empty.
        meters: how many.
        seed: decides them.
        history_s: how long before now they were bound.
        cadence_s: of their statements.
    """
    clock, folder_of_keys = SystemClock(), KeyFolder(path=folder / "keys")
    folder_of_keys.ensure(PAYERS)
    keys, at = folder_of_keys.authorities(), addresses_of(PROGRAM_IDS)
    settings = ChainSettings.model_validate({"embedded_port": 0, "slot_ms": FAST_SLOT_MS})
    node = embedded_chain(folder / "chain", settings, folder_of_keys, clock)
    async with node, ChainClient(node.rpc_url) as client:
        await fund_payers(client, keys)
        await initialise(client, keys)
        network = network_bytes(await client.genesis_hash(), bytes(PROGRAM_IDS.registry))
    base_at = (clock.now() - history_s) // cadence_s * cadence_s
    specs = draw_specs(meters, seed=seed, base_measured_at=base_at)
    village = draw_village(specs, network=network, seed=seed)
    await _fill_chain(folder, keys, village, network, at, clock)
    await store.migrate()
    passwords = await _fill_rows(store, village.meters, at, clock)
    async with node, ChainClient(node.rpc_url) as client:
        await LookupTables(store=store, chain=client, payer=keys.payers[0], at=at, clock=clock).ensure()
    return Prepared(specs=specs, passwords=passwords, network=network, base_at=base_at, keys=keys, at=at)


@dataclass(frozen=True, kw_only=True)
class Deployment:
    """Meters that are on the chain and in the rows, and the chain, running."""

    prepared: Prepared
    store: Store
    client: ChainClient
    chain: Part
    rpc_url: str

    @property
    def specs(self) -> Sequence[MeterSpec]:
        """The meters."""
        return self.prepared.specs


@asynccontextmanager
async def deployment(
    folder: Path, *, meters: int, seed: int = 1, database_url: str | None = None, slot_ms: int = 400
) -> AsyncGenerator[Deployment]:
    """Make a deployment in a folder, and run its chain in a process of its own."""
    store = Store(database_url or f"sqlite+aiosqlite:///{folder / 'platform.db'}")
    made = await prepare(folder, store, meters=meters, seed=seed)
    shutil.copytree(folder / "chain", folder / BEFORE)
    port = free_chain_port()
    env = {
        "GRIDTOKENX_DATA_DIR": str(folder),
        "GRIDTOKENX_CHAIN__KEYS_DIR": str(folder / "keys"),
        "GRIDTOKENX_CHAIN__SLOT_MS": str(slot_ms),
    }
    command = ["-c", "from deploy.cli import main; main()", "localnet", "--port", str(port)]
    chain = await start("chain", command, env=env, log=folder / "chain.log")
    url = f"http://127.0.0.1:{port}"
    try:
        async with ChainClient(url) as client:
            await _until_it_answers(client)
            yield Deployment(prepared=made, store=store, client=client, chain=chain, rpc_url=url)
    finally:
        await chain.stop()
        await store.close()


async def _until_it_answers(client: ChainClient) -> None:
    async with asyncio.timeout(READY_WITHIN_S):
        while True:
            try:
                await client.slot()
            except Exception:  # noqa: BLE001  # whatever keeps it from answering ends, or the time does
                await asyncio.sleep(0.1)
            else:
                return


async def _fill_chain(
    folder: Path, authorities: AuthorityKeys, village: Village, network: bytes, at: Addresses, clock: SystemClock
) -> None:
    chain = Chain(LocalnetConfig(data_dir=folder / "chain", now=clock.now))
    ledger = _Ledger(chain)
    payer, provisioner = authorities.payers[0], authorities.provisioner
    try:
        for wallet, owner in village.owners.items():
            chain.fund(Pubkey.from_string(wallet), OWNER_LAMPORTS)
            await ledger.land(owner, [registry.register_user(at, wallet=owner.pubkey, kind=PROSUMER)])
            verified = registry.verify_user(at, authority=authorities.authority.pubkey, wallet=owner.pubkey, zone=1)
            await ledger.land(payer, [verified], [authorities.authority])
        for meter in village.meters:
            bound = register_meter_instructions(
                at, enrolment_of(meter, network), payer=payer.pubkey, provisioner=provisioner.pubkey
            )
            await ledger.land(payer, bound, [village.owners[meter.owner], provisioner])
    finally:
        chain.close()


class _Ledger:
    """Lands transactions at once, a slot for each few hundred."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._landed = 0

    async def land(self, payer: Signer, instructions: Sequence[Instruction], signers: Iterable[Signer] = ()) -> None:
        blockhash = Hash(self._chain.blocks.last.blockhash)
        wire = await transactions.signed(payer, instructions, blockhash, tuple(signers))
        outcome = self._chain.execute(Submission(VersionedTransaction.from_bytes(wire)))
        err = outcome.err if isinstance(outcome, Refusal) else outcome.meta.err
        if err is not None:
            raise RuntimeError(f"a meter was not enrolled: {err.decode()}")
        self._landed += 1
        if self._landed % TRANSACTIONS_A_SLOT == 0:
            self._chain.close_slot()


async def _fill_rows(store: Store, meters: Sequence[MeterImport], at: Addresses, clock: SystemClock) -> dict[MeterId, str]:
    passwords: dict[MeterId, str] = {}
    for first in range(0, len(meters), ROWS_A_TRANSACTION):
        async with store.begin() as session:
            for meter in meters[first : first + ROWS_A_TRANSACTION]:
                credential = await record_bound_meter(
                    session,
                    meter,
                    fleet=FLEET,
                    token_account=str(at.token_account(Pubkey.from_string(meter.owner))),
                    owner_verified=True,
                    hash_password=hash_password,
                    clock=clock,
                )
                passwords[meter.meter_id] = credential.password
    return passwords
