import asyncio
import contextlib
from collections.abc import Awaitable, Callable, MutableMapping
from itertools import count
from typing import Any

from programs.localnet.chain import Chain
from programs.localnet.pubsub.connection import Connection
from programs.localnet.pubsub.subscription import Feed
from programs.localnet.rpc.dispatch import Dispatcher

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
POLICY_VIOLATION = 1008
TRY_AGAIN_LATER = 1013


class RpcApp:
    """The ASGI application: JSON-RPC by POST, subscriptions by WebSocket, both on every port.

    Browsers are kept out: a request with a foreign Origin, or a Host that is not loopback (DNS rebinding), gets 403.
    """

    def __init__(self, chain: Chain, *, max_body_bytes: int, max_subscriptions: int) -> None:
        self._chain, self._max_body, self._max_subscriptions = chain, max_body_bytes, max_subscriptions
        self._dispatcher, self._feed, self._ids = Dispatcher(chain), Feed(chain), count(1)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request or one connection."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)

    async def _http(self, scope: Message, receive: Receive, send: Send) -> None:
        if not is_local(scope):
            await _reply(send, 403, b"only local programs are served here", b"text/plain")
        elif scope["method"] == "GET" and scope["path"] == "/health":
            await _reply(send, 200, b"ok", b"text/plain")
        elif scope["method"] != "POST":
            await _reply(send, 405, b"JSON-RPC is spoken by POST", b"text/plain")
        else:
            body = await _read(receive, self._max_body)
            if body is None:
                await _reply(send, 413, b"the body is too large", b"text/plain")
            else:
                await _reply(send, 200, self._dispatcher.answer(body) or b"", b"application/json")

    async def _websocket(self, scope: Message, receive: Receive, send: Send) -> None:
        await receive()
        if not is_local(scope):
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
            return
        await send({"type": "websocket.accept"})
        connection = Connection(self._chain, self._feed, self._max_subscriptions, lambda: next(self._ids))
        try:
            async with asyncio.TaskGroup() as tasks:
                writer = tasks.create_task(_write(connection, send), name="localnet-websocket-writer")
                await _listen(connection, receive)
                writer.cancel()
        finally:
            connection.close()


async def _listen(connection: Connection, receive: Receive) -> None:
    while (message := await receive())["type"] == "websocket.receive":
        connection.receive(message.get("text") or message.get("bytes") or b"")


async def _write(connection: Connection, send: Send) -> None:
    with contextlib.suppress(OSError):  # the client went away; the listener hears of it too
        while (message := await connection.outbox.get()) is not None:
            await send({"type": "websocket.send", "text": message.decode()})
        await send({"type": "websocket.close", "code": TRY_AGAIN_LATER})


async def _read(receive: Receive, limit: int) -> bytes | None:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > limit:
            return None
        if not message.get("more_body", False):
            return body


async def _reply(send: Send, status: int, body: bytes, content_type: bytes) -> None:
    headers = [(b"content-type", content_type), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def is_local(scope: Message) -> bool:
    """Whether a request names this machine as its host and does not come from a foreign web page."""
    headers: dict[bytes, bytes] = dict(scope["headers"])
    host = headers.get(b"host", b"localhost").decode("latin-1")
    origin = headers.get(b"origin")
    return _is_loopback(host) and (origin is None or _is_loopback(origin.decode("latin-1").partition("://")[2]))


def _is_loopback(authority: str) -> bool:
    name = authority if authority.endswith("]") else authority.rpartition(":")[0] or authority
    return name in LOOPBACK_NAMES
