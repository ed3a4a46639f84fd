"""Load on an HTTP server from a process of its own, over raw connections: requests a second, or latency at a given rate.

`python -m benchmarks.http_load PORT PATH closed|open SECONDS [TOKEN] [RATE]` prints one JSON object. The open loop sends each
request when it is due, whatever became of those before, and counts its time from then on.
"""

import asyncio
import json
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Final

import httptools

CONNECTIONS: Final = 16
OPEN_CONNECTIONS: Final = 64
SETTLE_S: Final = 0.5


@dataclass(slots=True)
class Taken:
    """What was measured."""

    latencies_s: list[float] = field(default_factory=list[float])
    failures: int = 0


class _Connection(asyncio.Protocol):
    """One connection with one request at a time."""

    def __init__(self, request: bytes, taken: Taken) -> None:
        self._request = request
        self._taken = taken
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._due = 0.0
        self.done = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.Transport):
            self._transport = transport

    def ask(self, due: float) -> None:
        """Send the request; its time counts from `due`."""
        self._due = due
        self.done.clear()
        if self._transport is None or self._transport.is_closing():
            self._taken.failures += 1
            self.done.set()
            return
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        if self._parser.get_status_code() != 200:
            self._taken.failures += 1
        self._taken.latencies_s.append(time.perf_counter() - self._due)
        self._parser = httptools.HttpResponseParser(self)
        self.done.set()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.done.set()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


async def _open(port: int, request: bytes, taken: Taken, count: int) -> list[_Connection]:
    loop = asyncio.get_running_loop()
    made: list[_Connection] = []
    for _ in range(count):
        _, connection = await loop.create_connection(lambda: _Connection(request, taken), "127.0.0.1", port)
        made.append(connection)
    return made


async def closed_loop(port: int, request: bytes, seconds: float) -> dict[str, float]:
    """As many as go, the next on each connection after the answer."""
    taken = Taken()
    connections = await _open(port, request, taken, CONNECTIONS)
    started = time.perf_counter()

    async def keep_asking(connection: _Connection) -> None:
        while time.perf_counter() < started + seconds:
            connection.ask(time.perf_counter())
            await connection.done.wait()

    async with asyncio.TaskGroup() as tasks:
        for connection in connections:
            tasks.create_task(keep_asking(connection))
    took_s = time.perf_counter() - started
    for connection in connections:
        connection.close()
    return {"per_s": len(taken.latencies_s) / took_s, "failures": taken.failures}


async def open_loop(port: int, request: bytes, seconds: float, per_s: float) -> dict[str, float]:
    """A request each 1/`per_s` seconds on any free connection; one that finds none free waits, and its time runs."""
    taken = Taken()
    free = deque(await _open(port, request, taken, OPEN_CONNECTIONS))
    every = list(free)
    started, count = time.perf_counter(), int(seconds * per_s)

    async def ask(connection: _Connection, due: float) -> None:
        connection.ask(due)
        await connection.done.wait()
        free.append(connection)

    async with asyncio.TaskGroup() as tasks:
        for number in range(count):
            due = started + number / per_s
            while (left := due - time.perf_counter()) > 0 or not free:  # noqa: ASYNC110  # time sets no event
                await asyncio.sleep(max(left, 0.0005))
            tasks.create_task(ask(free.popleft(), due))
    for connection in every:
        connection.close()
    ordered = sorted(taken.latencies_s)
    return {
        "p50_ms": 1_000 * ordered[len(ordered) // 2],
        "p99_ms": 1_000 * ordered[len(ordered) * 99 // 100],
        "failures": taken.failures,
    }


def main() -> None:
    """Load, and print."""
    port, path, kind, seconds = int(sys.argv[1]), sys.argv[2], sys.argv[3], float(sys.argv[4])
    token, rate = (sys.argv[5] if len(sys.argv) > 5 else ""), float(sys.argv[6] if len(sys.argv) > 6 else 500)
    authorization = f"Authorization: Bearer {token}\r\n" if token else ""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{authorization}\r\n".encode()
    figures = closed_loop(port, request, seconds) if kind == "closed" else open_loop(port, request, seconds, rate)
    print(json.dumps(asyncio.run(figures)))


if __name__ == "__main__":
    main()
