"""Defect 41: an internet-facing process holds an authority's key; a key or payload appears in a log, an error or a traceback."""

import ast
import dataclasses
import logging
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from sqlalchemy import text

import api
from api.app import build_app
from api.parts import ApiParts
from core.runtime.logging import configure
from core.runtime.supervisor import Supervisor
from deploy.http import HttpFace
from devices.intake import BatchResult, Submission
from programs.client.ids import PROGRAM_IDS
from tests.support.platform import READING_PATH, EnrolledMeter, Grid

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOLDS_KEYS = ("solders.keypair", "programs.client.signer", "deploy", "oracle_bridge", "broker", "devices.keys")
"""Modules in which private keys, or who holds them, live."""

_NUMBERS = count(1)


@pytest.fixture(params=["text", "json"])
def logged(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Iterator[pytest.CaptureFixture[str]]:
    """Logs as the platform writes them, at the most talkative level."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    configure("debug", request.param)
    yield capsys
    structlog.reset_defaults()
    root.handlers[:] = before
    root.setLevel(level)


async def test_the_api_is_handed_no_key_and_imports_nobody_who_has_one():
    assert {field.name for field in dataclasses.fields(ApiParts)} == {
        "store",
        "intake",
        "chain",
        "ids",
        "clock",
        "health",
        "metrics",
        "token_symbol",
        "token_name",
        "body_timeout_s",
    }
    for path in Path(api.__file__).parent.rglob("*.py"):
        for module in imported(path):
            assert not module.startswith(HOLDS_KEYS), f"{path.name} imports {module}"


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module


async def test_neither_log_nor_answer_shows_a_key_a_token_or_a_payload(grid: Grid, logged: pytest.CaptureFixture[str]):
    meter = await grid.enrol(f"LOG-{next(_NUMBERS)}")
    statement = meter.states(1_234)
    genuine = meter.envelope(statement)
    answers = [
        await grid.http.post(READING_PATH, content=genuine.replace(b'"generation_wh":1234', b'"generation_wh":4321')),
        await grid.http.post(READING_PATH, content=genuine + b"marker-of-a-payload"),
        await grid.http.post(READING_PATH, content=genuine),
        await grid.http.get("/metrics", headers={"authorization": "Bearer marker-of-a-token"}),
    ]
    assert (await grid.door("mqtt").send(meter, meter.states(2_000))).said == "accepted"
    await grid.minted(meter, 2)

    told = "".join(answer.text for answer in answers) + "".join(logged.readouterr())
    for secret in secrets_of(grid, meter):
        assert secret not in told


async def test_a_defect_of_ours_is_told_without_its_inside(grid: Grid, logged: pytest.CaptureFixture[str]):
    meter = await grid.enrol(f"BUG-{next(_NUMBERS)}")
    async with broken_face(grid) as url, httpx.AsyncClient(base_url=url) as client:
        response = await client.post(
            READING_PATH, content=meter.envelope(meter.states(1)), headers={"authorization": "Bearer marker-of-a-token"}
        )

    assert response.status_code == 500
    assert response.json() == {
        "type": "about:blank",
        "title": "Internal Server Error",
        "status": 500,
        "detail": "the platform failed; the operator has been told",
    }
    log = "".join(logged.readouterr())
    assert "request_failed" in log
    assert "ProgrammingError" in log
    for secret in (*secrets_of(grid, meter), "marker-of-a-parameter"):
        assert secret not in log


def secrets_of(grid: Grid, meter: EnrolledMeter) -> list[str]:
    """What must be nowhere: keys, passwords, tokens, and a signature as the stand-in of any payload."""
    files = list(grid.platform.keys.path.glob("*.json"))
    assert files
    return [
        grid.platform.operator_token,
        meter.password,
        "marker-of-a-token",
        "marker-of-a-payload",
        '"signature"',
        *(path.read_text()[:40] for path in files),
        str(meter.owner),
    ]


class BrokenIntake:
    """Fails in the database, with a payload among the parameters."""

    def __init__(self, grid: Grid) -> None:
        self._store = grid.platform.store

    async def submit(self, submissions: list[Submission]) -> BatchResult:
        async with self._store.begin() as session:
            nonsense: Any = object()
            parameters = {"payload": "marker-of-a-parameter", "nonsense": nonsense}
            await (await session.connection()).execute(text("select :payload, :nonsense"), parameters)
        raise AssertionError("no database takes such a parameter")


@asynccontextmanager
async def broken_face(grid: Grid) -> AsyncGenerator[str]:
    platform = grid.platform
    intake: Any = BrokenIntake(grid)
    parts = ApiParts(
        store=platform.store,
        intake=intake,
        chain=platform.chain,
        ids=PROGRAM_IDS,
        clock=platform.clock,
        health=platform.health,
        metrics=platform.metrics,
        token_symbol="GRID",
        token_name="GridTokenX Energy",
    )
    face = HttpFace(build_app(parts, operator_token="another"), host="127.0.0.1", port=0)
    async with Supervisor() as supervisor:
        supervisor.run("broken api", face.run, stop=face.stop)
        yield face.url
