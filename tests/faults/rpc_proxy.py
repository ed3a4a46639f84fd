"""The line to the chain's node, on which transactions can be lost, delayed, or refused one by one."""

import asyncio
import base64
from asyncio import StreamReader, StreamWriter
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Self

import base58
import httpx
import msgspec

from tests.faults.tcp_proxy import Line

LINE_LIMIT: Final = 65_536


class Fate(Enum):
    """What becomes of a transaction that a bridge sends."""

    UNHEARD = "unheard"
    """It lands, and the answer is lost."""
    SWALLOWED = "swallowed"
    """The node says yes, and it never lands."""
    LATE = "late"
    """The bridge's connection breaks; the bytes reach the chain some time later."""
    REFUSED = "refused"
    """The node refuses it; it never lands."""


@dataclass
class Rules:
    """What the proxy does to the next requests."""

    line: Line = Line.GOOD
    fate: Fate | None = None
    """Of all transactions, while it is set."""
    late_by_s: float = 1.0
    no_blockhashes: bool = False
    """The node is behind: it gives no blockhash."""


class RpcProxy:
    """JSON-RPC passes through here; `rules` may change at any time.

    Args:
        target_port: where the node listens, on loopback.
    """

    def __init__(self, target_port: int) -> None:
        self.rules = Rules()
        self.seen: list[Fate] = []
        """Fates that were dealt."""
        self._url = f"http://127.0.0.1:{target_port}"
        self._server: asyncio.Server | None = None
        self._node = httpx.AsyncClient(timeout=30.0, trust_env=False)
        self._connections: set[asyncio.Task[None]] = set()
        self._late = asyncio.TaskGroup()

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def __aenter__(self) -> Self:
        await self._late.__aenter__()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=LINE_LIMIT)
        return self

    async def __aexit__(self, *failure: object) -> None:
        if self._server is not None:
            self._server.close()
        await self._drop()
        await self._late.__aexit__(None, None, None)
        await self._node.aclose()

    async def turn(self, line: Line) -> None:
        """Cut, deafen or mend the line."""
        self.rules.line = line
        if line in {Line.CUT, Line.HANGING}:
            await self._drop()

    def heal(self) -> None:
        """No more faults."""
        self.rules = Rules()

    async def _drop(self) -> None:
        tasks = list(self._connections)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            with suppress(asyncio.IncompleteReadError, OSError):
                while self.rules.line is not Line.CUT and await self._one_request(reader, writer):
                    pass
        except asyncio.CancelledError:
            pass  # the line was cut, or the harness ends
        finally:
            self._connections.discard(task)
            writer.transport.abort()

    async def _one_request(self, reader: StreamReader, writer: StreamWriter) -> bool:
        """Take one request and answer it; False when the connection is to break."""
        body = await _read_body(reader)
        if self.rules.line is Line.HANGING:
            await asyncio.Event().wait()  # for ever: until the client gives up
        while self.rules.line is Line.DEAF:  # noqa: ASYNC110  # the rules may change at any moment
            await asyncio.sleep(0.02)
        answer = await self._answer(body)
        if answer is None:
            return False
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(answer) + answer)
        await writer.drain()
        return True

    async def _answer(self, body: bytes) -> bytes | None:
        request: dict[str, Any] = msgspec.json.decode(body)
        if self.rules.no_blockhashes and request["method"] == "getLatestBlockhash":
            return _error(request, -32005, "Node is behind by 99 slots")
        if request["method"] != "sendTransaction":
            return await self._forward(body)
        return await self._send(request, body)

    async def _send(self, request: dict[str, Any], body: bytes) -> bytes | None:
        fate = self.rules.fate
        if fate is not None:
            self.seen.append(fate)
        match fate:
            case None:
                return await self._forward(body)
            case Fate.UNHEARD:
                await self._forward(body)
                return None
            case Fate.SWALLOWED:
                return msgspec.json.encode({"jsonrpc": "2.0", "id": request["id"], "result": _signature(request)})
            case Fate.LATE:
                self._late.create_task(self._forward_late(body, self.rules.late_by_s), name="a late transaction")
                return None
            case Fate.REFUSED:
                failure = {"err": {"InstructionError": [1, "ProgramFailedToComplete"]}, "logs": []}
                return _error(request, -32002, "Transaction simulation failed", failure)

    async def _forward(self, body: bytes) -> bytes | None:
        """The node's answer; None when it is away."""
        try:
            response = await self._node.post(self._url, content=body, headers={"content-type": "application/json"})
        except httpx.HTTPError:
            return None
        return response.content

    async def _forward_late(self, body: bytes, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._forward(body)


async def _read_body(reader: StreamReader) -> bytes:
    length = 0
    while (line := await reader.readuntil(b"\r\n")) != b"\r\n":
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return await reader.readexactly(length)


def _signature(request: dict[str, Any]) -> str:
    wire = base64.b64decode(request["params"][0])
    return base58.b58encode(wire[1:65]).decode()


def _error(request: dict[str, Any], code: int, message: str, data: object = None) -> bytes:
    return msgspec.json.encode({"jsonrpc": "2.0", "id": request["id"], "error": {"code": code, "message": message, "data": data}})
