import socket
from contextlib import closing

import uvicorn

from programs.localnet.app import RpcApp
from programs.localnet.errors import LocalnetError

PORT_TRIES = 100
BACKLOG = 512
GRACE_S = 2


class EmbeddedServer(uvicorn.Server):
    """uvicorn inside a loop that is not its own: no signal handlers, no main loop, no task left behind."""

    def __init__(self, app: RpcApp, max_message_bytes: int) -> None:
        config = uvicorn.Config(
            app,
            log_config=None,
            log_level="warning",
            access_log=False,
            lifespan="off",
            ws="websockets-sansio",
            ws_max_size=max_message_bytes,
            ws_per_message_deflate=False,
            date_header=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE_S,
        )
        super().__init__(config)

    async def open(self, sockets: list[socket.socket]) -> None:
        """Serve on bound sockets until `aclose`."""
        self.config.load()
        self.lifespan = self.config.lifespan_class(self.config)
        await self.startup(sockets)

    async def aclose(self, sockets: list[socket.socket]) -> None:
        """Say goodbye to every connection."""
        await self.shutdown(sockets)


def bind_pair(host: str, port: int) -> list[socket.socket]:
    """Two listening sockets, the second one port above the first, as Solana clients assume.

    Raises:
        LocalnetError: A port is taken.
    """
    if port != 0:
        try:
            return _bind_both(host, port)
        except OSError as error:
            raise LocalnetError(f"ports {port} and {port + 1} on {host} are not free ({error}): choose another port") from error
    for _ in range(PORT_TRIES):
        with closing(_bind(host, 0)) as probe:
            free = probe.getsockname()[1]
        try:
            return _bind_both(host, free)
        except (OSError, OverflowError):
            continue
    raise LocalnetError(f"no two neighbouring ports are free on {host}")


def _bind_both(host: str, port: int) -> list[socket.socket]:
    first = _bind(host, port)
    try:
        return [first, _bind(host, port + 1)]
    except BaseException:
        first.close()
        raise


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # asyncio sets TCP_NODELAY by the protocol's number
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except BaseException:
        bound.close()
        raise
    bound.listen(BACKLOG)
    return bound
