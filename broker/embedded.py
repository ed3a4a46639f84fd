"""The embedded broker: what `up`, `demo` and tests run when no broker URL is given. Loopback only."""

import logging
from types import TracebackType
from typing import Final, Self, final

from amqtt.errors import BrokerError

from broker.hardened import Authenticate, BrokerCounts, BrokerLimits, HardenedBroker
from core.domain.errors import InvalidInput, Unavailable
from core.runtime.loopback import is_loopback

_QUIET: Final = ("amqtt", "transitions")
"""Libraries that log every state change, some with payloads."""


@final
class EmbeddedBroker:
    """An MQTT 3.1.1 broker in this process.

    Args:
        authenticate: (username, password, client id) → identity, or None to refuse.
        host: A loopback address; anything else is refused.
        port: TCP port; 0 takes a free one.
        limits: What it takes at most.

    Raises:
        InvalidInput: the host is not loopback.
    """

    def __init__(
        self, authenticate: Authenticate, *, host: str = "127.0.0.1", port: int = 1883, limits: BrokerLimits | None = None
    ) -> None:
        if not is_loopback(host):
            raise InvalidInput(f"the embedded broker listens on loopback only, not on {host}: set a broker URL instead")
        self._authenticate = authenticate
        self._host = host
        self._port = port
        self._limits = limits or BrokerLimits()
        self._engine: HardenedBroker | None = None

    async def start(self) -> None:
        """Listen.

        Raises:
            Unavailable: the port is taken.
        """
        for name in _QUIET:
            logging.getLogger(name).setLevel(logging.CRITICAL)
        engine = HardenedBroker(self._host, self._port, self._authenticate, self._limits)
        try:
            await engine.start()
        except BrokerError as problem:
            raise Unavailable(f"the embedded broker cannot listen on port {self._port}: choose another") from problem
        self._engine = engine
        self._port = engine.port

    async def stop(self) -> None:
        """Close every connection and stop listening; what was queued is forgotten."""
        if self._engine is not None:
            engine, self._engine = self._engine, None
            await engine.shutdown()

    @property
    def port(self) -> int:
        """The port in use, known after the start."""
        return self._port

    @property
    def url(self) -> str:
        """`mqtt://host:port`."""
        return f"mqtt://{f'[{self._host}]' if ':' in self._host else self._host}:{self._port}"

    @property
    def counts(self) -> BrokerCounts:
        """What happened since the start."""
        return self._engine.counts if self._engine is not None else BrokerCounts()

    @property
    def clients(self) -> int:
        """Connections that are open now."""
        return self._engine.connections if self._engine is not None else 0

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        await self.stop()
