"""Defect 42: SQL, JSON depth, big numbers, huge bodies, slow clients, path parameters, unicode ids and header tricks."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import pytest

from api.app import build_app
from api.parts import ApiParts
from core.runtime.supervisor import Supervisor
from deploy import http as http_face
from deploy.http import HttpFace
from programs.client.ids import PROGRAM_IDS
from tests.support.platform import READING_PATH, Grid, http_answer

pytestmark = pytest.mark.asyncio(loop_scope="module")

BODIES: Final = {
    "empty": b"",
    "not utf-8": b'{"kwh_amount":"\xff"}',
    "a key that is not utf-8": b'{"\xff":1}',
    "utf-16": '{"v":1}'.encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf{}",
    "deep arrays": b"[" * 4_000,
    "deep objects": b'{"a":' * 800,
    "deep and closed": b"[" * 2_000 + b"]" * 2_000,
    "an array": b"[]",
    "null": b"null",
    "a number": b"1e999999999",
    "endless digits": b'{"kwh_amount":' + b"9" * 4_000 + b"}",
    "a giant exponent": b'{"kwh_amount":1e999999999}',
    "a giant sequence": b'{"v":1,"sequence":' + b"9" * 3_000 + b"}",
    "a duplicate key": b'{"v":1,"v":1}',
    "NaN": b'{"v":NaN}',
    "trailing bytes": b"{} {}",
    "lone surrogates": b'{"kwh_amount":"1","meter_id":"\\ud800","wallet_address":"\\ud800","reading_timestamp":"\\ud800",'
    b'"meter_signature":"\\ud800","sequence":1}',
    "a zero byte": b'{"meter_id":"\\u0000","v":1}',
    "sql": b'{"meter_id":"\'; DROP TABLE meter_readings; --"}',
    "binary of zeros": b"\x01" + bytes(128),
    "a short binary": b"\x01" + bytes(60),
    "a year that is none": b'{"kwh_amount":"1","meter_id":"A","wallet_address":"A","meter_signature":"A","sequence":1,'
    b'"reading_timestamp":"0000-12-31T23:59:59-23:59"}',
    "the end of time": b'{"kwh_amount":"1","meter_id":"A","wallet_address":"A","meter_signature":"A","sequence":1,'
    b'"reading_timestamp":"9999-12-31T23:59:59-23:59"}',
    "more than 4 KiB": b" " * 4_097,
    "almost 64 KiB": b"x" * 65_000,
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
async def test_a_malformed_body_gets_its_reason_and_a_row(grid: Grid, body: bytes):
    before = await refused(grid)

    answer = http_answer(await grid.http.post(READING_PATH, content=body))

    assert (answer.said, answer.status, answer.final) == ("rejected malformed", 400, True)
    assert await refused(grid) == before + 1


@pytest.mark.parametrize("size", [65_537, 1_000_000])
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_huge_body_is_refused_unread_and_counted(grid: Grid, size: int, chunked: bool):
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(size // 1_000 + 1):
            yield b"y" * 1_000

    counted = malformed_count(grid)

    response = await grid.http.post(READING_PATH, content=pieces() if chunked else b"y" * size)

    answer = http_answer(response)
    assert (answer.said, answer.status) == ("rejected malformed", 413)
    assert malformed_count(grid) == counted + 1


PATHS: Final = [
    "/api/meters/%ff/readings",
    "/api/meters/%00/readings",
    "/api/meters/..%2f..%2fetc/readings",
    "/api/meters/%2e%2e/readings",
    "/api/meters/Ümläut/readings",
    "/api/meters/٣/readings",
    "/api/meters/%F0%9F%98%80/readings",
    "/api/meters/'%20OR%201=1--/readings",
    "/api/meters/" + "a" * 5_000 + "/readings",
    "/api/tokens/balance/%00",
    "/api/tokens/balance/%ff%fe",
    "/api/tokens/balance/%F0%9F%98%80",
    "/api/tokens/balance/" + "1" * 5_000,
    "/api/tokens/balance/'%20OR%201=1--",
    "/api/tokens/balance/0OIl",
    "/api/admin/meters/unminted?limit=" + "9" * 4_000,
    "/api/admin/meters/unminted?limit=1%00",
    "/api/admin/meters/refusals?cursor=" + "9" * 4_000,
    "/api/admin/meters/refusals?cursor=1;DROP TABLE refusals",
    "/" + "%2f" * 1_000,
]


@pytest.mark.parametrize("path", PATHS, ids=range(len(PATHS)))
async def test_a_strange_address_is_a_problem_of_the_callers(grid: Grid, path: str):
    response = await grid.operator.get(path)

    assert response.status_code in (400, 404), response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert len(response.content) < 1_000


POST: Final = f"POST {READING_PATH} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n".encode()
GET: Final = b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
HEADS: Final = {
    "a negative length": POST + b"Content-Length: -5\r\n\r\n",
    "a length that is no number": POST + b"Content-Length: abc\r\n\r\n",
    "a length beyond 64 bits": POST + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n",
    "two lengths": POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "length and chunks": POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "an unknown coding": POST + b"Transfer-Encoding: gzip\r\n\r\n",
    "a compressed body": POST + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x8b",
    "a content type of no letters": POST + b"Content-Type: \xff/\xff; charset=\xff\r\nContent-Length: 2\r\n\r\n{}",
    "a form": POST + b"Content-Type: multipart/form-data\r\nContent-Length: 2\r\n\r\n{}",
    "an accept of no sense": POST + b"Accept: \xff;q=\xff\r\nContent-Length: 2\r\n\r\n{}",
    "a token that is no text": GET + b"Authorization: Bearer \xff\xfe\r\n\r\n",
    "an empty authorization": GET + b"Authorization:\r\n\r\n",
    "two authorizations": GET + b"Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n",
    "a cookie of no sense": GET + b"Cookie: \xff=\xff;;;=\r\n\r\n",
    "many headers": GET + b"X: a\r\n" * 2_000 + b"\r\n",
    "a header of 1 MB": GET + b"X: " + b"a" * 1_000_000,
    "a folded header": GET + b"X: a\r\n b\r\n\r\n",
    "a path of no letters": b"GET /api/meters/\xff/readings HTTP/1.1\r\nHost: a\r\n\r\n",
    "no HTTP": b"\x00\x01\x02\r\n\r\n",
    "a web socket nobody offers": b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    "a made-up method": b"BREW /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
}


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS.keys())
async def test_a_header_trick_is_a_problem_of_the_callers(grid: Grid, head: bytes):
    async with connection(grid.platform.endpoints.api_url) as line:
        await line.send(head)
        status = await line.status()

    assert 400 <= status < 500
    assert (await grid.http.get("/health")).status_code == 200


async def test_a_slow_body_is_given_up_with_408(grid: Grid):
    async with (
        impatient_face(grid) as url,
        connection(url) as line,
    ):
        await line.send(f"POST {READING_PATH} HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{{".encode())
        assert await line.status() == 408


async def test_a_slow_head_does_not_hold_a_connection(grid: Grid, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(http_face, "HEAD_TIMEOUT_S", 0.2)
    async with connection(grid.platform.endpoints.api_url) as silent, connection(grid.platform.endpoints.api_url) as slow:
        await slow.send(b"GET /health HTTP/1.1\r\nHo")
        assert await silent.rest() == b""
        assert await slow.rest() == b""


async def test_a_second_slow_head_does_not_hold_a_connection_either(grid: Grid, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(http_face, "HEAD_TIMEOUT_S", 0.3)
    async with connection(grid.platform.endpoints.api_url) as line:
        await line.send(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
        await asyncio.sleep(0.1)
        await line.send(b"GET /health HTTP/1.1\r\nHo")
        assert (await line.rest()).endswith(b'{"status":"ok"}')


async def test_a_caller_that_hangs_up_leaves_nothing_behind(grid: Grid):
    before = await refused(grid)
    for _ in range(20):
        async with connection(grid.platform.endpoints.api_url) as line:
            await line.send(f"POST {READING_PATH} HTTP/1.1\r\nHost: a\r\nContent-Length: 900\r\n\r\n{{".encode())
    assert (await grid.http.get("/ready")).status_code == 200
    assert await refused(grid) == before


async def test_two_hundred_callers_at_once_are_all_answered(grid: Grid):
    async def ask() -> int:
        return (await grid.http.post(READING_PATH, content=b'{"v":2}')).status_code

    answers = await asyncio.gather(*(ask() for _ in range(200)))

    assert set(answers) == {400}


async def refused(grid: Grid) -> int:
    """How many frames the operator's list has counted, all pages together."""
    seen, cursor = 0, None
    while True:
        params = {"limit": 100} if cursor is None else {"limit": 100, "cursor": cursor}
        page = (await grid.operator.get("/api/admin/meters/refusals", params=params)).json()
        seen += sum(item["seen"] for item in page["items"])
        cursor = page["next_cursor"]
        if cursor is None:
            return seen


def malformed_count(grid: Grid) -> float:
    return grid.platform.metrics.refusals_total.labels("malformed", "http")._value.get()


@dataclass
class Line:
    """Bytes on a connection, as no HTTP library would send them."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def status(self) -> int:
        async with asyncio.timeout(8):
            return int((await self.reader.readline()).split()[1])

    async def rest(self) -> bytes:
        async with asyncio.timeout(8):
            return await self.reader.read()


@asynccontextmanager
async def connection(url: str) -> AsyncGenerator[Line]:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        yield Line(reader, writer)
    finally:
        writer.close()


@asynccontextmanager
async def impatient_face(grid: Grid) -> AsyncGenerator[str]:
    """The same application, which waits a fifth of a second for a body."""
    platform = grid.platform
    parts = ApiParts(
        store=platform.store,
        intake=platform.intake,
        chain=platform.chain,
        ids=PROGRAM_IDS,
        clock=platform.clock,
        health=platform.health,
        metrics=platform.metrics,
        token_symbol="GRID",
        token_name="GridTokenX Energy",
        body_timeout_s=0.2,
    )
    face = HttpFace(build_app(parts, operator_token="another"), host="127.0.0.1", port=0)
    async with Supervisor() as supervisor:
        supervisor.run("impatient api", face.run, stop=face.stop)
        yield face.url
