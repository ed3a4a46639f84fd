"""The whole platform in one process: each part embedded, or somebody's by URL; started in order, stopped in reverse."""

import secrets
import ssl
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Literal, Self, final

from api.app import build_app, build_operations_app
from api.parts import ApiParts
from broker.credentials import CredentialCheck
from broker.embedded import EmbeddedBroker
from broker.passwords import password_matches
from core.domain.clock import Clock
from core.domain.errors import InvalidInput
from core.domain.identity import parse_fleet
from core.domain.network import network_bytes
from core.runtime.clock import SystemClock
from core.runtime.crash_points import Reached, pass_by
from core.runtime.health import Health
from core.runtime.loopback import is_loopback
from core.runtime.metrics import Metrics
from core.runtime.settings import Settings
from core.runtime.supervisor import Supervisor
from core.store import Store
from deploy.chain import embedded_chain, fund_payers, require_initialised, shipped_programs, websocket_url
from deploy.condition import broker_check, broker_engine, database_check, kind_of, tell_broker, watch_transactions
from deploy.database import database_of, migrate
from deploy.folders import ready_folder
from deploy.http import HttpFace
from deploy.keys import KeyFolder
from deploy.listening import require_free_port, require_tls_beyond_loopback
from deploy.logins import stored_logins
from deploy.tokens import kept_secret
from devices.acceptance.profiles import profile_named
from devices.intake import Intake, SignatureVerifier
from oracle_bridge.condition import Condition
from oracle_bridge.ingest_door import IntakeDoor
from oracle_bridge.service import Bridge, BridgeSigners
from oracle_bridge.subscriber import Subscriber
from programs.client.addresses import addresses_of
from programs.client.bootstrap import AuthorityKeys, TokenFace, initialise
from programs.client.ids import PROGRAM_IDS
from programs.client.rpc import ChainClient
from programs.client.subscribe import Subscriptions

VERIFIER_THREADS: Final = 2
Part = Literal["bridge", "api"]
"""What may run alone, so that there can be several of each on one database, broker and chain."""


@dataclass(frozen=True, kw_only=True)
class Endpoints:
    """Where the parts listen."""

    rpc_url: str
    mqtt_url: str
    api_url: str
    database: str


@final
class Platform:
    """Everything between a signed reading and a token. Use it as `async with Platform(settings) as platform`.

    Args:
        settings: which parts are embedded, and all limits.
        clock: the platform's time.
        genesis_seed: makes a new embedded chain's genesis hash reproducible; None draws it.
        reached: told at each step; the fault harness ends the process there.
        only: run this part alone, and nothing embedded; None runs all.

    Raises:
        InvalidInput: a setting is malformed or a part is missing; one sentence says what to do.
        Unavailable: a part given by URL does not answer.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock | None = None,
        genesis_seed: bytes | None = None,
        reached: Reached = pass_by,
        only: Part | None = None,
    ) -> None:
        self.settings = settings
        self.only = only
        self.clock = clock or SystemClock()
        self.keys = KeyFolder(path=settings.keys_dir)
        self.metrics = Metrics()
        self.health = Health(clock=self.clock, metrics=self.metrics)
        self.fleet = parse_fleet(settings.fleet)
        self._genesis_seed = genesis_seed
        self._reached = reached
        self._stack = AsyncExitStack()

    store: Store
    chain: ChainClient
    intake: Intake
    bridge: Bridge
    subscriber: Subscriber
    authorities: AuthorityKeys
    network: bytes
    endpoints: Endpoints
    operator_token: str
    supervisor: Supervisor

    async def __aenter__(self) -> Self:
        self._check_settings()
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, problem, trace)

    def _check_settings(self) -> None:
        """Refuse what cannot work before anything is started."""
        settings = self.settings
        self._require_urls()
        if self.only == "api":
            pass  # it never talks to the broker
        elif settings.mqtt.url is None:
            require_free_port("GRIDTOKENX_MQTT__EMBEDDED_PORT", "127.0.0.1", settings.mqtt.embedded_port)
        else:
            require_tls_beyond_loopback("GRIDTOKENX_MQTT__URL", settings.mqtt.url, plain="mqtt")
        if settings.chain.rpc_url is None:
            require_free_port("GRIDTOKENX_CHAIN__EMBEDDED_PORT", "127.0.0.1", settings.chain.embedded_port)
        else:
            require_tls_beyond_loopback("GRIDTOKENX_CHAIN__RPC_URL", settings.chain.rpc_url, plain="http")
        require_free_port("GRIDTOKENX_API__PORT", settings.api.host, settings.api.port)
        if not is_loopback(settings.api.host) and not settings.api.tls_in_front:
            raise InvalidInput(
                f"setting GRIDTOKENX_API__HOST: plain HTTP on {settings.api.host} is refused; listen on 127.0.0.1,"
                " or put TLS in front and set GRIDTOKENX_API__TLS_IN_FRONT=true"
            )
        _require_readable_ca(settings.mqtt.ca_file)
        token = settings.api.operator_token
        if token is not None and not token.get_secret_value().strip():
            raise InvalidInput("setting GRIDTOKENX_API__OPERATOR_TOKEN is empty; give a token, or unset it and one is drawn")
        ready_folder(settings.data_dir, "GRIDTOKENX_DATA_DIR")
        if settings.chain.rpc_url is None:
            ready_folder(settings.keys_dir, "GRIDTOKENX_CHAIN__KEYS_DIR")

    def _require_urls(self) -> None:
        """A part that runs alone meets the others at addresses: an embedded one would be its own and nobody else's."""
        needed = {"GRIDTOKENX_CHAIN__RPC_URL": self.settings.chain.rpc_url}
        if self.only == "bridge":
            needed["GRIDTOKENX_MQTT__URL"] = self.settings.mqtt.url
        for name, url in needed.items():
            if self.only is not None and url is None:
                raise InvalidInput(f"set {name}: `--only {self.only}` starts no part of its own to meet the others at")

    async def _start(self) -> None:
        await self._open_store()
        rpc_url, ws_url = await self._open_chain()
        self.network = network_bytes(await self.chain.genesis_hash(), bytes(PROGRAM_IDS.registry))
        with_bridge = self.only != "api"
        if with_bridge:
            self.bridge = self._new_bridge(ws_url)
        self.intake = Intake(
            store=self.store,
            clock=self.clock,
            network=self.network,
            profile=profile_named(self.settings.acceptance.profile),
            verifier=SignatureVerifier(threads=VERIFIER_THREADS),
            wake=self.bridge.wake if with_bridge else None,
            metrics=self.metrics,
            min_settlement_interval_s=self.settings.settlement.min_settlement_interval_s,
            reached=self._reached,
        )
        mqtt_url, password = await self._open_broker() if with_bridge else ("", "")
        self.supervisor = await self._stack.enter_async_context(Supervisor(metrics=self.metrics))
        if with_bridge:
            await self.bridge.start(self.supervisor)
            self._run_subscriber(mqtt_url, password)
        else:
            self._watch_chain()
        self.supervisor.run("health", self.health.watch)
        api_url = self._run_api()
        self.endpoints = Endpoints(rpc_url=rpc_url, mqtt_url=mqtt_url, api_url=api_url, database=self.store.engine_name)

    def _new_bridge(self, ws_url: str) -> Bridge:
        """Its user on the broker is its name on leases too: several bridges differ in both."""
        return Bridge(
            store=self.store,
            chain=self.chain,
            ids=PROGRAM_IDS,
            keys=BridgeSigners(attesters=self.authorities.attesters, payers=self.authorities.payers),
            settings=self.settings.settlement,
            clock=self.clock,
            metrics=self.metrics,
            health=self.health,
            notices=Subscriptions(ws_url),
            name=self.settings.mqtt.username,
            keep_months=self.settings.database.keep_months,
            reached=self._reached,
            shipped=shipped_programs(),
            chain_kind=kind_of(self.settings.chain.rpc_url),
        )

    async def _open_store(self) -> None:
        self.store = database_of(self.settings)
        self._stack.push_async_callback(self.store.close)
        await migrate(self.store)
        watch_transactions(self.store, self.metrics)
        self.health.register("database", database_check(self.store), kind=kind_of(self.settings.database.url))

    async def _open_chain(self) -> tuple[str, str]:
        """Start the embedded chain and set it up, or meet the one given by URL as it is; returns its two URLs."""
        settings = self.settings.chain
        if settings.rpc_url is not None:
            self.chain = await self._stack.enter_async_context(ChainClient(settings.rpc_url))
            if self.only != "api":  # the public process holds no keys
                self.authorities = self.keys.authorities()
            await require_initialised(self.chain)
            rpc_url, ws_url = settings.rpc_url, websocket_url(settings.rpc_url, settings.ws_url)
        else:
            self.keys.ensure(settings.payers)
            self.authorities = self.keys.authorities()
            localnet = embedded_chain(
                self.settings.data_dir / "chain", settings, self.keys, self.clock, genesis_seed=self._genesis_seed
            )
            await self._stack.enter_async_context(localnet)
            rpc_url, ws_url = localnet.rpc_url, localnet.ws_url
            self.chain = await self._stack.enter_async_context(ChainClient(rpc_url))
            await fund_payers(self.chain, self.authorities)
            token = self.settings.token
            await initialise(self.chain, self.authorities, token=TokenFace(name=token.name, symbol=token.symbol, uri=token.uri))
        return rpc_url, ws_url

    async def _open_broker(self) -> tuple[str, str]:
        """Start the embedded broker, or take the URL; returns the URL and the bridge's password."""
        settings = self.settings.mqtt
        given = settings.password.get_secret_value() if settings.password is not None else None
        if settings.url is not None:
            return settings.url, given or ""
        password = given or secrets.token_urlsafe(32)
        check = CredentialCheck(
            find=stored_logins(self.store),
            matches=password_matches,
            bridge_username=settings.username,
            bridge_password=password,
            clock=self.clock,
        )
        broker = await self._stack.enter_async_context(EmbeddedBroker(check, port=settings.embedded_port))
        self.metrics.on_scrape(tell_broker(broker, self.metrics))
        return broker.url, password

    def _run_subscriber(self, mqtt_url: str, password: str) -> None:
        settings = self.settings.mqtt
        self.subscriber = Subscriber(
            url=mqtt_url,
            username=settings.username,
            password=password,
            fleet=self.fleet,
            door=IntakeDoor(submit=self.intake.submit, store=self.store, fleet=self.fleet, clock=self.clock),
            network=self.network,
            clock=self.clock,
            metrics=self.metrics,
            ca_file=settings.ca_file,
            shared_group=settings.shared_group,
            reached=self._reached,
            asks_version=settings.url is not None,
        )
        self.supervisor.run("subscriber", self.subscriber.run, stop=self.subscriber.stop)
        self.health.register(
            "broker", broker_check(self.subscriber), kind=kind_of(settings.url), engine=broker_engine(settings.url)
        )

    def _run_api(self) -> str:
        given = self.settings.api.operator_token
        self.operator_token = (
            given.get_secret_value() if given is not None else kept_secret(self.settings.data_dir / "operator-token")
        )
        parts = ApiParts(
            store=self.store,
            intake=self.intake,
            chain=self.chain,
            ids=PROGRAM_IDS,
            clock=self.clock,
            health=self.health,
            metrics=self.metrics,
            token_symbol=self.settings.token.symbol,
            token_name=self.settings.token.name,
        )
        build = build_operations_app if self.only == "bridge" else build_app
        face = HttpFace(
            build(parts, operator_token=self.operator_token), host=self.settings.api.host, port=self.settings.api.port
        )
        self.supervisor.run("api", face.run, stop=face.stop)
        return face.url

    def _watch_chain(self) -> None:
        """What the bridge would register, where there is none."""
        condition = Condition(
            store=self.store,
            chain=self.chain,
            at=addresses_of(PROGRAM_IDS),
            attesters=(),
            payers=(),
            shipped=shipped_programs(),
            indexer=None,
            clock=self.clock,
        )
        condition.register_chain(self.health, kind_of(self.settings.chain.rpc_url))


def _require_readable_ca(path: Path | None) -> None:
    if path is None:
        return
    try:
        ssl.create_default_context(cafile=path)
    except OSError as problem:  # a missing file as well as one that is no certificate
        raise InvalidInput(f"setting GRIDTOKENX_MQTT__CA_FILE: {path} is no readable CA certificate in PEM") from problem
