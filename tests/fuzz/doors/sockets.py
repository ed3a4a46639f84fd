"""The API's listener as it is deployed, on raw sockets: request lines, headers, lengths, chunks and pipelines of all kinds."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from random import Random
from time import process_time
from typing import Final, final
from urllib.parse import urlsplit

from tests.fuzz.door import Answered, Door, Try
from tests.fuzz.doors.http import check_problem
from tests.fuzz.mutations import NUMBERS, bent, noise
from tests.fuzz.whole import Whole, whole_platform
from tests.support.platform import READING_PATH

ENDS, STAYS = b"e", b"s"
"""The first byte of an input: whether the caller waits for the end, or leaves when it hears nothing more."""
ENDS_WITHIN_S: Final = 60.0
QUIET_S: Final = 0.1
CLOSE: Final = ("Connection", "close")
NO_ANSWER, SEVERAL = "no answer", "several"
_LINES: Final = (
    "GET /health HTTP/1.1",
    "GET /api/tokens/info HTTP/1.1",
    "GET /api/meters/MTR-1/readings HTTP/1.1",
    "GET /x HTTP/1.1",
)
_STRANGE_LINES: Final = (
    "GET  /health HTTP/1.1",
    "GET /health HTTP/1.0",
    "GET /health HTTP/2.0",
    "GET /health HTTP/9",
    "GET /health",
    "GET http://a/health HTTP/1.1",
    "GET * HTTP/1.1",
    "CONNECT a:1 HTTP/1.1",
    "PRI * HTTP/2.0",
    "get /health HTTP/1.1",
    "\u00c4 / HTTP/1.1",
    "GET /" + "a" * 20_000 + " HTTP/1.1",
    "GET /%00 HTTP/1.1",
    "GET //a HTTP/1.1",
    "",
)
_STRANGE_HEADERS: Final = (
    ("Host", "b"),
    ("Content-Length", "-1"),
    ("Content-Length", "5, 6"),
    ("Content-Length", "+2"),
    ("Content-Length", "0x2"),
    ("Content-Length", "9" * 30),
    *(("Content-Length", str(number)) for number in NUMBERS),
    ("Transfer-Encoding", "chunked"),
    ("Transfer-Encoding", "gzip, chunked"),
    ("Transfer-Encoding", "\x0bchunked"),
    ("Transfer-Encoding", "identity"),
    ("Expect", "100-continue"),
    ("Expect", "x"),
    ("Upgrade", "websocket"),
    ("Connection", "upgrade"),
    ("X", "a" * 17_000),
    ("X", "\x00"),
    ("X", "a\r b"),
    ("X ", "a"),
    ("", "a"),
    ("X\u00e4", "\u00e4"),
    *(("X", "a"),) * 2,
)
_SIZES: Final = ("0", "1", "ffffffffffffffff", "-1", "0x1", "1;x=y", "g", "", " 1", "1" * 40, "10000")


@final
class SocketsDoor(Door):
    """`e` or `s`, then all bytes of one connection."""

    name = "sockets"
    share = 20
    batch = 24
    is_stateless = False
    labels = frozenset(
        {NO_ANSWER, SEVERAL, *(str(code) for code in (200, 201, 202, 204, 400, 401, 403, 404, 405, 408, 409, 413, 422, 429, 503))}
    )
    rare = frozenset({"201", "405", "413"})
    unlikely = frozenset({"202", "204", "403", "408", "409", "422", "429", "503"})
    least: Mapping[str, float] = {"200": 5, "400": 15, SEVERAL: 5, NO_ANSWER: 2}

    async def open(self, random: Random) -> None:
        del random
        self._stack = AsyncExitStack()
        self._whole: Whole = await self._stack.enter_async_context(whole_platform())
        where = urlsplit(str(self._whole.grid.http.base_url))
        self._host, self._port = where.hostname, where.port

    async def close(self) -> None:
        await self._stack.aclose()

    async def settle(self) -> None:
        """Honest readings came through, and callers are still served."""
        await self._whole.check()
        assert await self.give(ENDS + _request(_LINES[0], [CLOSE])) == "200"

    async def give(self, data: bytes) -> str:
        reader, writer = await asyncio.open_connection(self._host, self._port)
        try:
            writer.write(data[1:])
            heard = await _everything(reader) if data[:1] == ENDS else await _until_quiet(reader)
        finally:
            writer.transport.abort()
        statuses = _statuses(heard)
        assert len(statuses) <= data.count(b"HTTP/") + 1, f"{len(statuses)} answers"
        return NO_ANSWER if not statuses else SEVERAL if len(statuses) > 1 else str(statuses[0])

    async def give_all(self, batch: Sequence[bytes]) -> list[Answered | Exception]:
        """All at once, as callers come."""
        started = process_time()
        answers = await asyncio.gather(*(self.give(data) for data in batch), return_exceptions=True)
        each_s = (process_time() - started) / len(batch)
        return [answer if isinstance(answer, Exception) else Answered(str(answer), each_s) for answer in answers]

    def make(self, random: Random) -> Try:
        choice = random.random()
        if choice < 0.08:
            return self._honest(random)
        if choice < 0.16:
            return Try(ENDS + _pipeline(random), SEVERAL)
        if choice < 0.40:
            return Try(STAYS + _strange(random, [CLOSE]))
        if choice < 0.55:
            return Try(STAYS + _chunked(random, b'{"a":1}' * random.randrange(1, 40), lies=True))
        if choice < 0.65:
            return Try(STAYS + _of_two_lengths(random))
        if choice < 0.70:
            return Try(STAYS + noise(random) + b"\r\n\r\n")
        if choice < 0.80:
            return Try(STAYS + b"".join(_strange(random, []) for _ in range(random.choice((2, 5)))))
        return Try(STAYS + bent(random, _pipeline(random) if choice < 0.9 else _strange(random, [CLOSE])))

    def _honest(self, random: Random) -> Try:
        """A reading with a length or in chunks, or a question where no meter has anything to say."""
        told = self._whole.next(random) if random.random() < 0.5 else None
        if told is None:
            return Try(ENDS + _request(_LINES[0], [CLOSE]), "200")
        truth, statement = told
        body = truth.meter.envelope(statement)
        return Try(ENDS + (_chunked(random, body) if random.random() < 0.5 else _post(body)), "201")


def _request(line: str, headers: Sequence[tuple[str, str]], body: bytes = b"") -> bytes:
    lines = [line, "Host: a", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join((*lines, "", "")).encode() + body


def _post(body: bytes) -> bytes:
    return _request(f"POST {READING_PATH} HTTP/1.1", [("Content-Length", str(len(body))), CLOSE], body)


def _pipeline(random: Random) -> bytes:
    """Several requests at once, the last of which ends the connection."""
    first = b"".join(_request(random.choice(_LINES), []) for _ in range(random.choice((1, 2, 9))))
    return first + _request(random.choice(_LINES), [CLOSE])


def _strange(random: Random, headers: Sequence[tuple[str, str]]) -> bytes:
    """A request of which a line, a header or an ending is none."""
    line = random.choice(_STRANGE_LINES if random.random() < 0.4 else (*_LINES, f"POST {READING_PATH} HTTP/1.1"))
    strange = [random.choice(_STRANGE_HEADERS) for _ in range(random.choice((0, 1, 1, 2)))]
    request = _request(line, [*strange, *headers], noise(random, 40) if random.random() < 0.3 else b"")
    choice = random.random()
    if choice < 0.1:
        return request.replace(b"\r\n", random.choice((b"\n", b"\r", b"\n\r")))
    if choice < 0.15:
        return request.replace(b"\r\nHost: a", random.choice((b"", b"\r\n Host: a", b"\r\nHost: a\r\nHost: a")))
    return b"\r\n" * random.choice((1, 3, 9_000)) + request if choice < 0.2 else request


def _chunked(random: Random, body: bytes, *, lies: bool = False) -> bytes:
    """A body in chunks; lies are sizes that do not fit, endings that lack, trailers without end."""
    at, pieces = 0, list[bytes]()
    while at < len(body):
        size = random.randrange(1, len(body) - at + 1)
        said = random.choice(_SIZES) if lies and random.random() < 0.4 else f"{size:x}"
        pieces.append(said.encode() + b"\r\n" + body[at : at + size] + (b"\n" if lies and random.random() < 0.1 else b"\r\n"))
        at += size
    ending = b"0\r\n\r\n"
    if lies:
        ending = random.choice((ending, b"", b"0\r\n", b"0\r\nX: " + b"a" * 30_000 + b"\r\n\r\n", b"00000000\r\n\r\n"))
    head = _request(f"POST {READING_PATH} HTTP/1.1", [("Transfer-Encoding", "chunked"), CLOSE])
    return head + b"".join(pieces) + ending


def _of_two_lengths(random: Random) -> bytes:
    """A body that one reader ends elsewhere than another: a request hides in it."""
    hidden = _request(random.choice(_LINES), [])
    said = [("Content-Length", str(random.choice((0, 5, len(hidden), len(hidden) + 5)))), ("Transfer-Encoding", "chunked")]
    said = random.choice((said, said[::-1], [said[0], ("Content-Length", "1")], said[:1]))
    return _request(f"POST {READING_PATH} HTTP/1.1", said, b"0\r\n\r\n" + hidden)


async def _everything(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(ENDS_WITHIN_S):
        return await reader.read()


async def _until_quiet(reader: asyncio.StreamReader) -> bytes:
    heard = bytearray()
    try:
        while True:
            async with asyncio.timeout(QUIET_S):
                piece = await reader.read(65_536)
            if not piece:
                break
            heard += piece
    except (TimeoutError, ConnectionError):
        pass  # more than was answered is not coming
    return bytes(heard)


def _statuses(heard: bytes) -> list[int]:
    """The answers, each checked; what breaks off in the middle counts for nothing."""
    statuses: list[int] = []
    while heard:
        head, ended, heard = heard.partition(b"\r\n\r\n")
        if not ended:
            break
        first, *lines = head.split(b"\r\n")
        version, code = first.split(b" ")[:2]
        assert version == b"HTTP/1.1", first
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
        if code == b"100":
            continue
        body, heard = _body(headers, heard)
        status = int(code)
        if status >= 400 and body:
            check_problem(status, headers, body)
        elif body:
            json.loads(body)
        statuses.append(status)
    return statuses


def _body(headers: Mapping[bytes, bytes], heard: bytes) -> tuple[bytes, bytes]:
    """The body and what comes after it; an answer to HEAD has a length and no body."""
    size = int(headers.get(b"content-length", b"0"))
    if heard.startswith(b"HTTP/1.1 ") or size > len(heard):
        return b"", heard
    return heard[:size], heard[size:]
