"""The real bridge on the embedded chain with the real programs: readings go in at the door, tokens come out."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from solders.keypair import Keypair
from solders.pubkey import Pubkey
from solders.signature import Signature

from broker.passwords import hash_password
from core.domain.identity import Fleet
from core.domain.network import network_bytes
from core.domain.readings import ProofKind, StatementKind
from core.runtime.clock import SystemClock
from core.runtime.health import Health
from core.runtime.metrics import Metrics
from core.runtime.settings import SettlementSettings
from core.runtime.supervisor import Supervisor
from core.store import Store, ledger_rows
from devices.acceptance import STANDARD
from devices.intake import BatchResult, Intake, SignatureVerifier, Submission
from devices.keys import DeviceKey
from devices.provisioning import MeterImport, record_bound_meter
from oracle_bridge.service import Bridge, BridgeSigners
from programs.client import enrolment
from programs.client.bootstrap import Rules, ensure_balance, initialise
from programs.client.enrolment import MeterEnrolment
from programs.client.signer import KeypairSigner
from programs.client.subscribe import Subscriptions
from tests.support.deployed import SOL, Deployed, deployed
from tests.support.enrolled import CADENCE_S, Device, by_http, by_mqtt, meter_import

DAY_S = 86_400
FLEET = Fleet("home")


def keypair_of(name: str) -> Keypair:
    """Always the same wallet for one name."""
    return Keypair.from_seed(sha256(name.encode()).digest())


@dataclass
class Running:
    """Everything that a scenario touches."""

    chain: Deployed
    store: Store
    network: bytes
    base_at: int
    clock: SystemClock = field(default_factory=SystemClock)
    metrics: Metrics = field(default_factory=Metrics)
    health: Health = field(default_factory=Health)
    settings: SettlementSettings = field(default_factory=lambda: SettlementSettings.model_validate({}))
    verifier: SignatureVerifier = field(default_factory=SignatureVerifier)
    devices: dict[str, Device] = field(default_factory=dict[str, Device])

    def new_bridge(self, *, with_notices: bool = True) -> Bridge:
        """A bridge as after a start of its process."""
        notices = Subscriptions(self.chain.localnet.ws_url) if with_notices else None
        return Bridge(
            store=self.store,
            chain=self.chain.client,
            ids=self.chain.at.ids,
            keys=BridgeSigners(attesters=self.chain.keys.attesters, payers=self.chain.keys.payers),
            settings=self.settings,
            clock=self.clock,
            metrics=self.metrics,
            health=self.health,
            notices=notices,
        )

    @asynccontextmanager
    async def bridge(self) -> AsyncGenerator[Bridge]:
        """A bridge whose loops run."""
        made = self.new_bridge()
        async with Supervisor(stop_deadline_s=2.0) as supervisor:
            await made.start(supervisor)
            yield made

    def intake(self, bridge: Bridge | None = None) -> Intake:
        """The door, waking a bridge."""
        return Intake(
            store=self.store,
            clock=self.clock,
            network=self.network,
            profile=STANDARD,
            verifier=self.verifier,
            wake=None if bridge is None else bridge.wake,
        )

    async def add_meter(
        self, name: str, *, owner: str | None = None, kind: StatementKind = StatementKind.REGISTER, proof: ProofKind | None = None
    ) -> Device:
        """Register owner and meter on the chain and in the database."""
        client, at, keys = self.chain.client, self.chain.at, self.chain.keys
        wallet = KeypairSigner(keypair_of(owner or f"owner of {name}"))
        await ensure_balance(client, wallet.pubkey, SOL)
        await enrolment.register_user(client, at, wallet=wallet)
        await enrolment.verify_user(client, at, payer=keys.payers[0], authority=keys.authority, wallet=wallet.pubkey, zone=1)
        device = Device(
            meter_id=name,
            key=DeviceKey(sha256(name.encode()).digest()),
            kind=kind,
            network=self.network,
            wallet=str(wallet.pubkey),
        )
        changes: dict[str, object] = {} if proof is None else {"proof_kind": proof}
        row = meter_import(device, base_measured_at=self.base_at, **changes)
        await enrolment.register_meter(
            client, at, _enrolment(device, row), payer=keys.payers[0], owner=wallet, provisioner=keys.provisioner
        )
        async with self.store.begin() as session:
            await record_bound_meter(
                session,
                row,
                fleet=FLEET,
                token_account=str(at.token_account(wallet.pubkey)),
                owner_verified=True,
                hash_password=hash_password,
                clock=self.clock,
            )
        self.devices[name] = device
        return device

    def measured_at(self, step: int) -> int:
        """The end of the step-th quarter of an hour after the base."""
        return self.base_at + CADENCE_S * step

    async def say(self, intake: Intake, *said: tuple[Device, int, int, int], http: bool = False) -> BatchResult:
        """Submit (device, sequence, generation, consumption) statements in one batch; the sequence is also the quarter."""
        submissions: list[Submission] = []
        for device, sequence, generation_wh, consumption_wh in said:
            statement = device.states(sequence, generation_wh, consumption_wh, measured_at=self.measured_at(sequence))
            now = self.clock.now()
            submissions.append(
                by_http(device.json(statement), received_at=now)
                if http
                else by_mqtt(device, device.binary(statement), received_at=now)
            )
        return await intake.submit(submissions)

    async def minted_sequences(self) -> list[int]:
        """Sequences of all readings that are marked minted."""
        async with self.store.read() as session:
            return [sequence for _, sequence, _ in await ledger_rows.minted_readings(session)]

    async def tokens(self, device: Device) -> int:
        """Base units of a meter's owner."""
        return await self.chain.client.token_balance(self.chain.at.token_account(Pubkey.from_string(device.wallet))) or 0


async def until_idle(bridge: Bridge, *, timeout_s: float = 20.0) -> None:
    """Wait until the bridge has nothing left to do, and the indexer has seen it."""
    async with asyncio.timeout(timeout_s):
        while not await bridge.is_idle():  # noqa: ASYNC110  # the database sets no event
            await asyncio.sleep(0.02)
    await bridge.indexer.catch_up()


@asynccontextmanager
async def running(
    folder: Path, *, slot_ms: int = 20, attesters: int = 3, threshold: int = 1, store_url: str | None = None
) -> AsyncGenerator[Running]:
    """Start the chain, initialise the programs, open an empty database."""
    async with deployed(slot_ms=slot_ms, attesters=attesters) as chain:
        await initialise(chain.client, chain.keys, rules=Rules(threshold=threshold))
        network = network_bytes(await chain.client.genesis_hash(), bytes(chain.at.ids.registry))
        store = Store(store_url or f"sqlite+aiosqlite:///{folder / 'platform.db'}")
        await store.migrate()
        base_at = (SystemClock().now() - DAY_S) // CADENCE_S * CADENCE_S
        try:
            made = Running(chain=chain, store=store, network=network, base_at=base_at)
            yield made
            made.verifier.close()
        finally:
            await store.close()


def names(prefix: str, count: int) -> Sequence[str]:
    """Meter ids."""
    return [f"{prefix}-{number:03}" for number in range(1, count + 1)]


def _enrolment(device: Device, row: MeterImport) -> MeterEnrolment:
    return MeterEnrolment(
        network=device.network,
        meter_id=device.meter_id,
        owner=Pubkey.from_string(row.owner),
        device_key=Pubkey.from_string(row.public_key),
        signature=bytes(Signature.from_string(row.binding_signature)),
        base_sequence=row.base_sequence,
        base_measured_at=row.base_measured_at,
        base_generation_wh=row.base_generation_wh,
        base_consumption_wh=row.base_consumption_wh,
        rated_power_out_w=row.rated_power_out_w,
        rated_power_in_w=row.rated_power_in_w,
        zone=row.zone,
        statement_kind=int(row.statement_kind),
        proof=int(row.proof_kind),
        asset_kind=int(row.asset_kind),
    )
