"""The whole platform on embedded parts in a folder, with meters at hand, reached by its public doors alone."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, Literal, Protocol

import aiomqtt
import httpx
import msgspec
from solana.rpc.async_api import AsyncClient
from solana.rpc.commitment import Confirmed
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from core.domain.identity import parse_meter_id
from core.domain.readings import AssetKind, ProofKind, Statement, StatementKind
from core.runtime.settings import Settings
from deploy.enrolment import Enrolment
from deploy.platform import Platform
from devices.envelope import encode_binary, encode_json
from devices.interval_body import encode_interval_body
from devices.keys import DeviceKey, signature_text
from devices.provisioning import MeterImport
from devices.provisioning.meter_import import binding_message_of
from devices.statement import encode_statement
from devices.topics import Channel, meter_topic
from firmware_sim.mqtt import parse_broker_url
from programs.client.addresses import Addresses, addresses_of
from programs.client.bootstrap import ensure_balance
from programs.client.ids import PROGRAM_IDS
from programs.client.signer import KeypairSigner

CADENCE_S: Final = 900
SLOT_MS: Final = 50
"""Eight times as fast as a real chain: the same rules, less waiting."""
SOL: Final = 1_000_000_000
SETTLED_WITHIN_S: Final = 30.0
RECEIPT_WITHIN_S: Final = 15.0
READING_PATH: Final = "/api/meters/submit-reading"
RATED_W: Final = 2_000_000
"""Wide enough that only the 100 kWh limit speaks."""


def settings_in(folder: Path, **changes: object) -> Settings:
    """Embedded parts on free ports, everything that lasts in `folder`; nothing of the environment."""
    plain: dict[str, object] = {
        "data_dir": folder,
        "log_level": "error",
        "mqtt": {"embedded_port": 0},
        "chain": {"embedded_port": 0, "slot_ms": SLOT_MS},
        "api": {"port": 0},
    }
    return Settings.model_validate({**plain, **changes})


def free_port() -> int:
    """A port that nothing held a moment ago, for parts that must come back on the same one."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def free_chain_port() -> int:
    """A free port whose successor is free too: the chain's WebSocket listens there."""
    while True:
        port = free_port()
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
        return port


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a device is told about one statement, by either door."""

    verdict: str
    reason: str | None
    final: bool
    status: int | None = None
    """Of the HTTP answer."""
    problem: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The problem document, when HTTP refused."""

    @property
    def said(self) -> str:
        """The same words by either door: `accepted`, `rejected stale`."""
        return self.verdict if self.reason is None else f"{self.verdict} {self.reason}"


@dataclass(slots=True, kw_only=True)
class EnrolledMeter:
    """A meter that came in as an operator lets it in, with everything its firmware knows."""

    meter_id: str
    key: DeviceKey
    owner: Keypair
    kind: StatementKind
    network: bytes
    base_at: int
    password: str
    sequence: int = 0

    @property
    def wallet(self) -> str:
        return str(self.owner.pubkey())

    def states(
        self,
        generation_wh: int = 0,
        consumption_wh: int = 0,
        *,
        sequence: int | None = None,
        measured_at: int | None = None,
        ticks: int | None = None,
    ) -> Statement:
        """The next statement, or the one of `sequence`; measured that many cadences after the base.

        Args:
            generation_wh: register or interval.
            consumption_wh: likewise.
            sequence: its number; the next one when left out.
            measured_at: Unix seconds.
            ticks: cadences after the base; by default as many as the number.
        """
        if sequence is None:
            self.sequence += 1
            sequence = self.sequence
        at = self.base_at + CADENCE_S * (sequence if ticks is None else ticks) if measured_at is None else measured_at
        return Statement(
            kind=self.kind,
            network=self.network,
            meter_id=parse_meter_id(self.meter_id),
            sequence=sequence,
            measured_at=at,
            generation_wh=generation_wh,
            consumption_wh=consumption_wh,
        )

    def signs(self, statement: Statement) -> bytes:
        return self.key.sign(encode_statement(statement))

    def envelope(self, statement: Statement) -> bytes:
        """A signed JSON envelope."""
        return encode_json(statement, self.signs(statement), public_key=self.key.public_key)

    def binary(self, statement: Statement) -> bytes:
        """A signed binary envelope."""
        return encode_binary(statement, self.signs(statement))

    def interval_body(self, statement: Statement, **changes: object) -> dict[str, object]:
        """The interval body of the HTTP door."""
        body = encode_interval_body(statement, self.signs(statement), wallet_address=self.wallet, public_key=self.key.public_key)
        return {**body, **changes}


class Door(Protocol):
    """One of the two ways in, as a device uses it."""

    name: Literal["mqtt", "http"]

    async def send(self, meter: EnrolledMeter, statement: Statement) -> Answer:
        """Send a statement, signed by the meter; returns what the platform says."""
        ...

    async def send_raw(self, meter: EnrolledMeter, payload: bytes) -> Answer:
        """Send any bytes in the meter's name."""
        ...


@dataclass(slots=True)
class HttpDoor:
    """`POST /api/meters/submit-reading`."""

    grid: "Grid"
    name: Literal["mqtt", "http"] = "http"

    async def send(self, meter: EnrolledMeter, statement: Statement) -> Answer:
        return await self.send_raw(meter, meter.envelope(statement))

    async def send_interval(self, meter: EnrolledMeter, statement: Statement, **changes: object) -> Answer:
        """Send the interval body instead of an envelope."""
        return await self.send_raw(meter, msgspec.json.encode(meter.interval_body(statement, **changes)))

    async def send_raw(self, meter: EnrolledMeter, payload: bytes) -> Answer:
        del meter
        response = await self.grid.http.post(READING_PATH, content=payload, headers={"content-type": "application/json"})
        return http_answer(response)


def http_answer(response: httpx.Response) -> Answer:
    """Read either kind of answer; anything else fails the test."""
    body = response.json()
    if response.is_success:
        return Answer(verdict=body["verdict"], reason=body["reason"], final=body["final"], status=response.status_code)
    assert response.headers["content-type"] == "application/problem+json", response.text
    assert body["status"] == response.status_code
    return Answer(
        verdict="rejected", reason=body.get("reason"), final=bool(body.get("final")), status=response.status_code, problem=body
    )


@dataclass(slots=True)
class MqttDoor:
    """A connection of the meter's own to the broker: publish, and wait for the receipt."""

    grid: "Grid"
    name: Literal["mqtt", "http"] = "mqtt"

    async def send(self, meter: EnrolledMeter, statement: Statement) -> Answer:
        return await self._exchange(meter, meter.envelope(statement), {statement.sequence, 0})

    async def send_raw(self, meter: EnrolledMeter, payload: bytes) -> Answer:
        return await self._exchange(meter, payload, None)

    async def _exchange(self, meter: EnrolledMeter, payload: bytes, numbers: set[int] | None) -> Answer:
        fleet = self.grid.platform.fleet
        meter_id = parse_meter_id(meter.meter_id)
        async with asyncio.timeout(RECEIPT_WITHIN_S), self.grid.mqtt_client(meter) as client:
            await client.subscribe(meter_topic(fleet, meter_id, Channel.RECEIPT), qos=1)
            await client.publish(meter_topic(fleet, meter_id, Channel.READING), payload, qos=1)
            async for message in client.messages:
                for result in msgspec.json.decode(message.payload).get("results") or []:
                    if numbers is None or result["sequence"] in numbers:
                        return Answer(verdict=result["verdict"], reason=result.get("reason"), final=result["final"])
        raise AssertionError("the broker closed the line before a receipt came")


@dataclass(slots=True, kw_only=True)
class Grid:
    """A running platform, seen from outside: HTTP, MQTT, RPC."""

    platform: Platform
    http: httpx.AsyncClient
    """Without the operator's token."""
    operator: httpx.AsyncClient
    """With it."""
    rpc: AsyncClient
    """solana-py, as anybody's client."""

    @property
    def at(self) -> Addresses:
        return addresses_of(PROGRAM_IDS)

    def door(self, name: str) -> Door:
        return MqttDoor(self) if name == "mqtt" else HttpDoor(self)

    def mqtt_client(self, meter: EnrolledMeter, *, password: str | None = None) -> aiomqtt.Client:
        """The meter's own connection."""
        address = parse_broker_url(self.platform.endpoints.mqtt_url)
        return aiomqtt.Client(
            address.host,
            address.port,
            username=meter.meter_id,
            password=meter.password if password is None else password,
            identifier=meter.meter_id,
            clean_session=True,
            timeout=RECEIPT_WITHIN_S,
        )

    async def enrol(self, meter_id: str, **changes: Any) -> EnrolledMeter:
        """See `enrol`."""
        return await enrol(self.platform, meter_id, **changes)

    async def readings(self, meter: EnrolledMeter) -> list[dict[str, Any]]:
        """The meter's rows as the API shows them, by number."""
        response = await self.operator.get(f"/api/meters/{meter.meter_id}/readings", params={"limit": 100})
        assert response.status_code == 200, response.text
        return sorted(response.json()["items"], key=lambda row: row["sequence"])

    async def minted(self, meter: EnrolledMeter, sequence: int) -> dict[str, Any]:
        """Wait until the API shows the reading as minted; returns its row."""
        async with asyncio.timeout(SETTLED_WITHIN_S):
            while True:
                for row in await self.readings(meter):
                    if row["sequence"] == sequence and row["minted"]:
                        return row
                await asyncio.sleep(0.05)

    async def tokens(self, owner: Pubkey) -> int:
        """Base units in the owner's associated account, asked of the chain with solana-py."""
        answer = await self.rpc.get_token_account_balance(self.at.token_account(owner), commitment=Confirmed)
        return int(answer.value.amount)

    async def supply(self) -> int:
        """Base units that exist, asked of the chain with solana-py."""
        return int((await self.rpc.get_token_supply(self.at.mint, commitment=Confirmed)).value.amount)

    async def at_rest(self) -> None:
        """Wait until nothing is due or in flight, then see that everything adds up."""
        await at_rest(self.platform)
        report = await self.platform.bridge.audit()
        assert report.ok, report.failures


async def at_rest(platform: Platform, *, within_s: float = SETTLED_WITHIN_S) -> None:
    """Wait until the bridge has nothing left to do."""
    async with asyncio.timeout(within_s):
        while not await platform.bridge.is_idle():  # noqa: ASYNC110  # rows tell, no event does
            await asyncio.sleep(0.05)
        await platform.bridge.indexer.catch_up()


@asynccontextmanager
async def running_grid(folder: Path, settings: Settings | None = None) -> AsyncGenerator[Grid]:
    """Start a platform in `folder`, with clients of all its faces."""
    async with Platform(settings or settings_in(folder)) as platform, clients_of(platform) as grid:
        yield grid


@asynccontextmanager
async def clients_of(platform: Platform) -> AsyncGenerator[Grid]:
    """Clients of a platform's faces."""
    url = platform.endpoints.api_url
    async with (
        httpx.AsyncClient(base_url=url, timeout=20) as http,
        httpx.AsyncClient(base_url=url, timeout=20, headers={"authorization": f"Bearer {platform.operator_token}"}) as operator,
        AsyncClient(platform.endpoints.rpc_url) as rpc,
    ):
        yield Grid(platform=platform, http=http, operator=operator, rpc=rpc)


def enrolment_on(platform: Platform) -> Enrolment:
    """The operator's way to let meters in."""
    return Enrolment(
        store=platform.store,
        chain=platform.chain,
        addresses=addresses_of(PROGRAM_IDS),
        keys=platform.authorities,
        network=platform.network,
        fleet=platform.fleet,
        clock=platform.clock,
    )


def keypair_of(name: str) -> Keypair:
    """Always the same wallet for one name."""
    return Keypair.from_seed(sha256(f"wallet of {name}".encode()).digest())


async def enrol(
    platform: Platform,
    meter_id: str,
    *,
    owner: Keypair | None = None,
    kind: StatementKind = StatementKind.REGISTER,
    base_at: int | None = None,
    rated_in_w: int = RATED_W,
    rated_out_w: int = RATED_W,
    base_generation_wh: int = 0,
    base_consumption_wh: int = 0,
) -> EnrolledMeter:
    """Register a meter on the chain and with the platform, signed by owner, platform and device, a day ago."""
    wallet = owner or keypair_of(meter_id)
    now = platform.clock.now()
    meter = EnrolledMeter(
        meter_id=meter_id,
        key=DeviceKey(sha256(f"device {meter_id}".encode()).digest()),
        owner=wallet,
        kind=kind,
        network=platform.network,
        base_at=now - now % CADENCE_S - 86_400 if base_at is None else base_at,
        password="",
    )
    unsigned = MeterImport(
        meter_id=parse_meter_id(meter_id),
        legacy_id=None,
        owner=meter.wallet,
        asset_kind=AssetKind.SOLAR,
        statement_kind=kind,
        proof_kind=ProofKind.DEVICE if kind is StatementKind.REGISTER else ProofKind.ATTESTED,
        zone=1,
        rated_power_out_w=rated_out_w,
        rated_power_in_w=rated_in_w,
        public_key=meter.key.public_text,
        base_sequence=0,
        base_measured_at=meter.base_at,
        base_generation_wh=base_generation_wh,
        base_consumption_wh=base_consumption_wh,
        binding_signature="",
    )
    signature = meter.key.sign(binding_message_of(unsigned, network=platform.network))
    line = msgspec.structs.replace(unsigned, binding_signature=signature_text(signature))
    await ensure_balance(platform.chain, wallet.pubkey(), SOL)
    enrolled = await enrolment_on(platform).enrol(line, {meter.wallet: KeypairSigner(wallet)})
    assert enrolled.credential is not None, enrolled.problem
    meter.password = enrolled.credential.password
    return meter


def changed(statement: Statement, **changes: Any) -> Statement:
    """The statement with other content."""
    return replace(statement, **changes)
