"""A loopback line between two parts that the harness can cut, deafen, or leave hanging."""

import asyncio
from asyncio import StreamReader, StreamWriter
from contextlib import suppress
from enum import Enum
from typing import Final, Self

CHUNK: Final = 65_536


class Line(Enum):
    """The state of a line."""

    GOOD = "good"
    CUT = "cut"
    """Connections are reset, new ones refused."""
    DEAF = "deaf"
    """Connections stand, nothing gets through; what was said arrives when the line is good again."""
    HANGING = "hanging"
    """As deaf, but what stood then never works again, and neither side is told: half-open."""


class TcpProxy:
    """Use as `async with TcpProxy(target_port) as proxy`; parts connect to `proxy.port`.

    Args:
        target_port: where the other part listens, on loopback.
    """

    def __init__(self, target_port: int) -> None:
        self._target_port = target_port
        self._server: asyncio.Server | None = None
        self._line = Line.GOOD
        self._good = asyncio.Event()
        self._good.set()
        self._connections: set[asyncio.Task[None]] = set()
        self._doomed: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *failure: object) -> None:
        if self._server is not None:
            self._server.close()
        await self._drop(self._connections)

    async def turn(self, line: Line) -> None:
        """Change the line's state."""
        self._line = line
        if line is Line.GOOD:
            self._good.set()
            return
        self._good.clear()
        if line is Line.CUT:
            await self._drop(self._connections)
        elif line is Line.HANGING:
            self._doomed |= self._connections

    async def heal(self) -> None:
        """The line is good; what was left hanging breaks, as it does when the other side answers with a reset."""
        await self.turn(Line.GOOD)

    async def _drop(self, connections: set[asyncio.Task[None]]) -> None:
        tasks = list(connections)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            if self._line is not Line.CUT:
                await self._carry(task, reader, writer)
        except asyncio.CancelledError:
            pass  # the line was cut, or the harness ends
        finally:
            self._connections.discard(task)
            self._doomed.discard(task)
            writer.transport.abort()

    async def _carry(self, task: asyncio.Task[None], reader: StreamReader, writer: StreamWriter) -> None:
        await self._good.wait()
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        except OSError:
            return
        try:
            ways = [
                asyncio.ensure_future(self._pump(task, reader, far_writer)),
                asyncio.ensure_future(self._pump(task, far_reader, writer)),
            ]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        finally:
            far_writer.transport.abort()

    async def _pump(self, connection: asyncio.Task[None], reader: StreamReader, writer: StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                await self._good.wait()
                if connection in self._doomed:
                    await asyncio.Event().wait()  # for ever: until the connection is cancelled
                writer.write(data)
                await writer.drain()
            if connection in self._doomed:
                await asyncio.Event().wait()
