"""The API's listener: uvicorn on a socket that is bound before anything is promised."""

import asyncio
import contextlib
import socket
from collections.abc import Generator
from http import HTTPStatus
from typing import Final

import msgspec
import uvicorn
from litestar import Litestar
from litestar.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from api.problems import PROBLEM_TYPE, plain_problem
from deploy.listening import address_family, cannot_listen

KEEP_ALIVE_S: Final = 15
CONCURRENT_REQUESTS: Final = 512  # beyond it callers get 503 at once, and memory stays bounded
MOST_CONNECTIONS: Final = 4_096  # beyond it the one that has waited longest without a request gives way
STOP_DEADLINE_S: Final = 5
HEAD_TIMEOUT_S: Final = 10.0  # a caller that never ends its headers must not hold a connection
MAX_HEAD_BYTES: Final = 16_384


class _BoundedHttp(H11Protocol):
    """HTTP/1.1 whose request heads are bounded in size (by h11; the faster parser has no bound) and in time."""

    waiting: "dict[_BoundedHttp, None]"
    """Connections of one face without a request in hand, the longest waiting first."""
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]  # as in uvicorn
        """Start the clock of the first head."""
        super().connection_made(transport)
        self.waiting[self] = None
        if len(self.connections) > MOST_CONNECTIONS:
            next(iter(self.waiting)).transport.abort()
        self._head_timer = self.loop.call_later(HEAD_TIMEOUT_S, transport.close)

    def data_received(self, data: bytes) -> None:
        """A request in hand stops the clock; a head that is not complete starts it."""
        super().data_received(data)
        in_hand = self.cycle is not None and not self.cycle.response_complete  # pyright: ignore[reportUnnecessaryComparison]  # unset before the first request
        if in_hand:
            self._stop_clock()
            self.waiting.pop(self, None)
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self.transport.close)

    def on_response_complete(self) -> None:
        """From here on uvicorn's own keep-alive clock runs."""
        self._stop_clock()
        if not self.transport.is_closing():
            self.waiting[self] = None
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the clock."""
        self._stop_clock()
        self.waiting.pop(self, None)
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP with a problem document like everything else, and close."""
        body = msgspec.json.encode(plain_problem(HTTPStatus.BAD_REQUEST, msg))
        lines = ("HTTP/1.1 400 Bad Request", f"content-type: {PROBLEM_TYPE}", f"content-length: {len(body)}", "connection: close")
        self.transport.write("\r\n".join((*lines, "", "")).encode() + body)
        self.transport.close()

    def _stop_clock(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


class _Crowd:
    """ASGI in front of an application: requests beyond `CONCURRENT_REQUESTS` at once are refused unread."""

    def __init__(self, app: Litestar) -> None:
        self._app = app
        self._in_hand = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; what is none passes by."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if self._in_hand >= CONCURRENT_REQUESTS:
            await _refuse(send)
            return
        self._in_hand += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._in_hand -= 1


async def _refuse(send: Send) -> None:
    body = msgspec.json.encode(plain_problem(HTTPStatus.SERVICE_UNAVAILABLE, "too many requests at once: try again in a second"))
    headers = [
        (b"content-type", PROBLEM_TYPE.encode()),
        (b"content-length", b"%d" % len(body)),
        (b"retry-after", b"1"),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": HTTPStatus.SERVICE_UNAVAILABLE.value, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


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
        InvalidInput: the port is taken, or the host is none of this machine's addresses.
    """

    def __init__(self, app: Litestar, *, host: str, port: int) -> None:
        self._socket = socket.socket(address_family(host))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((host, port))
            self._socket.listen(CONCURRENT_REQUESTS)  # from here on callers wait instead of being refused
        except OSError as problem:
            self._socket.close()
            raise cannot_listen(problem, "GRIDTOKENX_API__PORT", host, port) from problem
        shown = f"[{host}]" if ":" in host else host
        self.url = f"http://{shown}:{self._socket.getsockname()[1]}"
        http = type("FaceHttp", (_BoundedHttp,), {"waiting": {}})
        self._server = _Server(
            uvicorn.Config(
                _Crowd(app),  # pyright: ignore[reportArgumentType]  # uvicorn and litestar name the same messages differently
                log_config=None,
                log_level="error",  # uvicorn warns of every malformed request: anyone could fill the log
                access_log=False,
                lifespan="on",
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=STOP_DEADLINE_S,
                server_header=False,
                http=http,
                h11_max_incomplete_event_size=MAX_HEAD_BYTES,
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
