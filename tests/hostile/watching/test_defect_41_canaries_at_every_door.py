"""Defect 41: canary secrets go in at every door at the most talkative level, and come out nowhere."""

import logging
import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import aiomqtt
import httpx
import pytest
import structlog

from core.domain.errors import DomainError
from core.runtime.health import Health, HealthReport
from core.runtime.logging import configure, get_logger
from core.store import Store
from deploy.condition import database_check
from deploy.platform import Platform
from programs.client.rpc import ChainClient
from tests.support.platform import READING_PATH, Grid, free_port, running_grid, settings_in

pytestmark = pytest.mark.asyncio(loop_scope="module")
CANARY = "canary-7f3a"


@pytest.fixture(params=["text", "json"])
def written(request: pytest.FixtureRequest) -> Iterator[StringIO]:
    """The log at level debug, as it would be on the disk."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    configure("debug", request.param)
    (handler,) = root.handlers
    assert isinstance(handler, logging.StreamHandler)
    text = StringIO()
    handler.setStream(text)
    yield text
    structlog.reset_defaults()
    root.handlers[:] = before
    root.setLevel(level)


async def test_passwords_tokens_headers_and_payloads_stay_out_of_log_and_answers(tmp_path: Path, written: StringIO):
    settings = settings_in(tmp_path, api={"port": 0, "operator_token": f"{CANARY}-operator"}, log_level="debug")
    async with running_grid(tmp_path, settings) as grid:
        answers = [
            await grid.http.post(READING_PATH, content=f'{{"password": "{CANARY}-payload", "meter_id": 7}}'.encode()),
            await grid.http.post(READING_PATH, content=f"{CANARY}-payload".encode() * 20),
            await grid.http.get("/metrics", headers={"authorization": f"Bearer {CANARY}-guess"}),
            await grid.http.get("/api/meters/MTR-1/readings", params={"token": f"{CANARY}-query"}),
            await grid.http.get(f"/nothing/{CANARY}-path"),
            await grid.http.get("/ready", headers={"cookie": f"session={CANARY}-cookie", "x-request-id": f"{CANARY} id"}),
            await grid.operator.get("/api/admin/meters/unminted", params={"cursor": f"{CANARY}-cursor"}),
        ]
        await a_stranger_at_the_broker(grid)
        await grid.at_rest()

    told = "".join(f"{answer.headers}{answer.text}" for answer in answers)
    assert "request_answered" in written.getvalue()
    assert CANARY not in told
    assert CANARY not in written.getvalue()


async def a_stranger_at_the_broker(grid: Grid) -> None:
    url = httpx.URL(grid.platform.endpoints.mqtt_url)
    with pytest.raises(aiomqtt.MqttError):
        async with aiomqtt.Client(url.host, url.port or 1883, username="MTR-1", password=f"{CANARY}-guess", timeout=10):
            raise AssertionError("a stranger came in")


async def test_what_urls_carry_is_told_by_no_start_that_fails_no_check_and_no_traceback(tmp_path: Path, written: StringIO):
    port = free_port()
    database, node = f"postgresql+asyncpg://gtx:{CANARY}@127.0.0.1:{port}/grid", f"http://127.0.0.1:{port}/?api-key={CANARY}"
    with pytest.raises(DomainError) as start:
        async with Platform(settings_in(tmp_path, database={"url": database})):
            raise AssertionError("there is no database")

    store, health = Store(database), Health(timeout_s=2.0)
    async with ChainClient(node) as chain:

        async def slot() -> HealthReport:
            return HealthReport(ok=True, detail=f"slot {await chain.slot()}")

        health.register("database", database_check(store))
        health.register("chain", slot)
        reports = await health.report()
    try:
        await store.migrate()
    except DomainError:
        get_logger("test").exception("loop_failed")
    await store.close()

    assert not any(part.ok for part in reports.values())
    assert "loop_failed" in written.getvalue()
    for text in (str(start.value), str(reports), written.getvalue()):
        assert CANARY not in text


async def test_secrets_inside_of_what_is_logged_are_found(written: StringIO):
    get_logger("test").info(
        "said",
        settings={"mqtt": {"password": CANARY, "url": f"mqtt://bridge:{CANARY}@broker:1883"}, "meter": "MTR-1"},
        parts=[{"operator_token": CANARY}, CANARY.encode(), f"postgresql://a:{CANARY}@b/c"],
    )
    logging.getLogger("a.library").warning("cannot reach %s", f"https://key:{CANARY}@node.example/")

    assert CANARY not in written.getvalue()
    assert "MTR-1" in written.getvalue()


@pytest.mark.parametrize("given", ["", "two words", "x" * 65, "quote'", "tab\there", "ünïcode", "a/b", "$(id)"])
async def test_a_request_id_that_is_not_plain_is_replaced(grid: Grid, given: str):
    response = await grid.http.get("/health", headers=[(b"x-request-id", given.encode())])

    assert re.fullmatch("[0-9a-f]{16}", response.headers["x-request-id"])


@pytest.mark.parametrize("given", ["a", "case-7", "x" * 64, "A.b_C-9"])
async def test_a_plain_request_id_comes_back_once_even_on_a_refusal(grid: Grid, given: str):
    answers = [
        await grid.http.get(path, headers={"x-request-id": given})
        for path in ("/health", "/nothing", "/metrics", "/schema/nothing")
    ]

    assert [answer.headers.get_list("x-request-id") for answer in answers] == [[given]] * 4


async def test_paths_that_strangers_make_up_do_not_become_figures(grid: Grid):
    for number in range(50):
        await grid.http.get(f"/made-up/{number}")
        await grid.http.get(f"/api/meters/MADE-{number}/readings")
    await grid.http.request("BREW", "/health")

    figures = grid.platform.metrics.render().decode()

    routes = set(re.findall(r'gridtokenx_http_requests_total\{[^}]*route="([^"]*)"', figures))
    assert not [route for route in routes if "made-up" in route or "MADE" in route]
    assert {"(none)", "/health"} <= routes
    assert "BREW" not in figures
