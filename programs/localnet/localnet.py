import asyncio
import logging
import socket
from types import TracebackType
from typing import Self

from core.runtime.loopback import is_loopback
from programs.localnet.app import RpcApp
from programs.localnet.chain import Chain
from programs.localnet.config import LocalnetConfig
from programs.localnet.errors import LocalnetError
from programs.localnet.server import EmbeddedServer, bind_pair

log = logging.getLogger(__name__)


class Localnet:
    """The embedded chain with its network side: starts and stops inside a running event loop.

    `start` opens the chain on disk, serves JSON-RPC and WebSocket and closes a slot every `slot_ms`; `stop` undoes it.
    It may be started again after a stop. Everything runs on the loop's thread.

    Raises:
        LocalnetError: From `start`: the directory or the ports are in use, or the host is not loopback.
    """

    def __init__(self, config: LocalnetConfig) -> None:
        self._config = config
        self._chain: Chain | None = None
        self._server: EmbeddedServer | None = None
        self._sockets: list[socket.socket] = []
        self._tick: asyncio.TimerHandle | None = None
        self._port = config.port

    @property
    def chain(self) -> Chain:
        """The chain itself, while running."""
        if self._chain is None:
            raise LocalnetError("localnet is not running: start it first")
        return self._chain

    @property
    def rpc_url(self) -> str:
        """Where JSON-RPC is spoken."""
        return f"http://{self._authority(self._port)}"

    @property
    def ws_url(self) -> str:
        """Where subscriptions are served, one port above."""
        return f"ws://{self._authority(self._port + 1)}"

    def _authority(self, port: int) -> str:
        host = self._config.host
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    async def start(self) -> None:
        """Open the chain and serve it."""
        config = self._config
        if not is_loopback(config.host):
            raise LocalnetError(f"localnet listens on loopback only, not on {config.host}: it gives lamports to everyone")
        self._sockets = bind_pair(config.host, self._port)
        try:
            self._chain = Chain(config)
        except BaseException:
            self._close_sockets()
            raise
        self._port = self._sockets[0].getsockname()[1]
        app = RpcApp(self._chain, max_body_bytes=config.max_body_bytes, max_subscriptions=config.max_subscriptions)
        self._server = EmbeddedServer(app, config.max_body_bytes)
        try:
            await self._server.open(self._sockets)
        except BaseException:
            await self.stop()
            raise
        self._schedule()

    async def stop(self) -> None:
        """Stop serving, close the open slot, let go of disk and ports."""
        if self._tick is not None:
            self._tick.cancel()
            self._tick = None
        if self._server is not None:
            await self._server.aclose(self._sockets)
            self._server = None
        self._close_sockets()
        if self._chain is not None:
            self._chain.close()
            self._chain = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        await self.stop()

    def _close_sockets(self) -> None:
        for bound in self._sockets:
            bound.close()
        self._sockets = []

    def _schedule(self) -> None:
        self._tick = asyncio.get_running_loop().call_later(self._config.slot_ms / 1000, self._close_slot)

    def _close_slot(self) -> None:
        try:
            self.chain.close_slot()
        except LocalnetError:
            log.exception("localnet_halted")
            return
        self._schedule()
