"""Callers that hold connections, send half of everything, or speak no HTTP: bounded and refused, while others are served."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from litestar import Litestar, Request, get, post

from core.runtime.supervisor import Supervisor
from deploy import http as http_face
from deploy.http import HttpFace

WITHIN_S = 30.0
PROBLEM = "application/problem+json"
SLOW = b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{"


@get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}


@post("/body")
async def body(request: Request[Any, Any, Any]) -> int:
    return len(await request.body())


@asynccontextmanager
async def face() -> AsyncGenerator[str]:
    """The API's listener with two routes behind it; returns its URL."""
    listener = HttpFace(Litestar([health, body], logging_config=None), host="127.0.0.1", port=0)
    async with Supervisor() as supervisor, asyncio.timeout(WITHIN_S):
        supervisor.run("api", listener.run, stop=listener.stop)
        yield listener.url


@asynccontextmanager
async def line(url: str) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection that nobody's library reads."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def test_idle_connections_give_way_to_newcomers(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(http_face, "MOST_CONNECTIONS", 20)
    async with face() as url, AsyncExitStack() as stack:
        idle = [await stack.enter_async_context(line(url)) for _ in range(60)]

        async with httpx.AsyncClient(base_url=url) as caller:
            assert (await caller.get("/health")).status_code == 200

        first_reader, _ = idle[0]
        with suppress(ConnectionError):  # an orderly end is an end as well
            assert await first_reader.read() == b""
        open_still = [reader for reader, _ in idle if not reader.at_eof() and reader.exception() is None]
        assert len(open_still) <= 20


async def test_a_request_in_hand_does_not_give_way(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(http_face, "MOST_CONNECTIONS", 5)
    async with face() as url, line(url) as (reader, writer), AsyncExitStack() as stack:
        writer.write(SLOW)
        async with httpx.AsyncClient(base_url=url) as caller:
            assert (await caller.get("/health")).status_code == 200
        for _ in range(30):
            await stack.enter_async_context(line(url))

        writer.write(b"2345678}")

        assert (await reader.readline()).split()[1] == b"201"


async def test_requests_beyond_the_limit_are_refused_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(http_face, "CONCURRENT_REQUESTS", 3)
    async with face() as url, AsyncExitStack() as stack, httpx.AsyncClient(base_url=url) as caller:
        held = [await stack.enter_async_context(line(url)) for _ in range(3)]
        for _, writer in held:
            writer.write(SLOW)
        refused = await caller.get("/health")
        while refused.status_code != 503:  # the slow ones may not all have arrived
            refused = await caller.get("/health")

        for reader, writer in held:
            writer.write(b"2345678}")
            assert (await reader.readline()).split()[1] == b"201"

        assert refused.headers["content-type"] == PROBLEM
        assert refused.json()["status"] == 503
        assert (await caller.get("/health")).status_code == 200


@pytest.mark.parametrize(
    "bytes_sent",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"GET /health HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"GET /health HTTP/1.1\r\n" + b"X: " + b"a" * 40_000 + b"\r\n\r\n",
    ],
    ids=["noise", "a negative length", "an endless header"],
)
async def test_bytes_that_are_no_http_get_a_problem_document(bytes_sent: bytes):
    async with face() as url, line(url) as (reader, writer):
        writer.write(bytes_sent)
        head, _, document = (await reader.read()).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 400 ")
    assert f"content-type: {PROBLEM}".encode() in head
    assert json.loads(document)["status"] == 400


async def test_bytes_that_are_no_http_fill_no_log(caplog: pytest.LogCaptureFixture):
    async with face() as url:
        for _ in range(20):
            async with line(url) as (reader, writer):
                writer.write(b"\x00\r\n\r\n")
                assert (await reader.read()).startswith(b"HTTP/1.1 400 ")

    assert not [record for record in caplog.records if record.name.startswith("uvicorn")]


async def test_chunks_that_lie_end_the_request_and_nothing_else():
    async with face() as url, line(url) as (reader, writer), httpx.AsyncClient(base_url=url) as caller:
        writer.write(b"POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nabc\r\n0\r\n\r\n")
        writer.write_eof()
        answer = await reader.read()

        assert answer == b"" or 400 <= int(answer.split()[1]) < 600
        assert (await caller.get("/health")).status_code == 200


async def test_pipelined_requests_are_answered_in_order():
    async with face() as url, line(url) as (reader, writer):
        writer.write(
            b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n" * 49 + b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        )

        assert (await reader.read()).count(b'{"status":"ok"}') == 50
