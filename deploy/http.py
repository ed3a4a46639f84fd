"""The API's listener: uvicorn on a socket that is bound before anything is promised."""

import contextlib
import socket
from collections.abc import Generator
from typing import Final

import uvicorn
from litestar import Litestar

from core.domain.errors import InvalidInput

KEEP_ALIVE_S: Final = 15
CONCURRENT_REQUESTS: Final = 512  # beyond it callers get 503 at once, and memory stays bounded
STOP_DEADLINE_S: Final = 5


class _Server(uvicorn.Server):
    """uvicorn that leaves the process's signals to the supervisor."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Capture nothing."""
        yield


class HttpFace:
    """One application on one address.

    Args:
        app: the application.
        host: listening address.
        port: listening port; 0 takes a free one.

    Raises:
        InvalidInput: the port is taken.
    """

    def __init__(self, app: Litestar, *, host: str, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((host, port))
        except OSError as problem:
            self._socket.close()
            raise InvalidInput(f"port {port} is taken; free it, or set GRIDTOKENX_API__PORT to another one") from problem
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self._socket.getsockname()[1]}"
        self._server = _Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                lifespan="on",
                timeout_keep_alive=KEEP_ALIVE_S,
                limit_concurrency=CONCURRENT_REQUESTS,
                timeout_graceful_shutdown=STOP_DEADLINE_S,
                server_header=False,
            )
        )

    async def run(self) -> None:
        """Serve until `stop`."""
        try:
            await self._server.serve(sockets=[self._socket])
        finally:
            self._socket.close()

    def stop(self) -> None:
        """Finish the requests in hand and return from `run`."""
        self._server.should_exit = True
