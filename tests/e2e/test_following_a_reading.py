"""One id leads from a reading to its transaction: in the log, and from rows and chain alone."""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import structlog
from typer.testing import CliRunner, Result

from core.runtime.logging import configure
from deploy.cli.app import app
from tests.support.platform import READING_PATH, Grid, free_chain_port, running_grid, settings_in

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def grid(tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Grid]:
    folder = tmp_path_factory.mktemp("platform")
    settings = settings_in(folder, chain={"embedded_port": free_chain_port(), "slot_ms": 50})
    async with running_grid(folder, settings) as running:
        yield running


@pytest.fixture
def log() -> Iterator["Log"]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    configure("info", "json")
    (handler,) = root.handlers
    assert isinstance(handler, logging.StreamHandler)
    written = StringIO()
    handler.setStream(written)
    yield Log(written)
    structlog.reset_defaults()
    root.handlers[:] = before
    root.setLevel(level)


class Log:
    """What the platform wrote, as a reader of JSON lines sees it."""

    def __init__(self, written: StringIO) -> None:
        self._written = written

    def grep(self, word: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._written.getvalue().splitlines() if word in line]


async def types(*arguments: str) -> Result:
    """The command, in a thread: it runs an event loop of its own."""
    return await asyncio.to_thread(CliRunner().invoke, app, arguments)


def as_the_operator(monkeypatch: pytest.MonkeyPatch, grid: Grid, folder: Path) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("GRIDTOKENX_DATA_DIR", str(grid.platform.settings.data_dir))
    monkeypatch.setenv("GRIDTOKENX_CHAIN__EMBEDDED_PORT", str(grid.platform.settings.chain.embedded_port))


async def test_one_id_in_the_log_leads_from_the_receipt_to_the_transaction(grid: Grid, log: Log):
    meter = await grid.enrol("WAY-1")
    response = await grid.http.post(READING_PATH, content=meter.envelope(meter.states(2_000)), headers={"x-request-id": "case-7"})
    row = await grid.minted(meter, 1)
    await grid.at_rest()

    lines = log.grep('"WAY-1:1"')
    assert response.headers["x-request-id"] == "case-7"
    assert [line["event"] for line in lines] == [
        "readings_judged",
        "settlement_wanted",
        "transaction_drafted",
        "transaction_sent",
        "transaction_landed",
    ]
    judged, wanted, drafted, sent, landed = lines
    assert (judged["verdict"], judged["source"], judged["request"]) == ("accepted", "http", "case-7")
    assert wanted["batch"] == judged["batch"]
    assert drafted["outbox"] == sent["outbox"] == landed["outbox"]
    assert sent["transaction"] == landed["transaction"] == row["mint_tx_signature"]
    assert [line["event"] for line in log.grep(landed["transaction"])] == [
        "transaction_signed",
        "transaction_sent",
        "transaction_landed",
    ]


async def test_what_is_refused_is_found_by_the_same_id(grid: Grid, log: Log):
    meter = await grid.enrol("WAY-2")
    statement = meter.states(2_000)
    broken = meter.envelope(statement).replace(b'"generation_wh":2000', b'"generation_wh":9000')

    await grid.http.post(READING_PATH, content=broken)

    (line,) = log.grep('"WAY-2:1"')
    assert (line["event"], line["verdict"], line["reason"]) == ("readings_judged", "rejected", "bad_signature")


async def test_trace_tells_the_way_of_a_reading_without_any_log(grid: Grid, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    as_the_operator(monkeypatch, grid, tmp_path)
    meter = await grid.enrol("WAY-3")
    assert (await grid.door("mqtt").send(meter, meter.states(2_000))).said == "accepted"
    row = await grid.minted(meter, 1)

    shown = await types("trace", "WAY-3:1")

    assert shown.exit_code == 0, shown.output
    ways = [line.split()[0] for line in shown.output.splitlines()]
    assert ways == ["received", "verdict", "outbox", "chain", "minted"]
    assert f"chain      {row['mint_tx_signature']} in slot" in shown.output
    assert shown.output.count(row["mint_tx_signature"]) == 2


async def test_trace_says_so_when_a_later_statement_stands_for_a_reading(
    grid: Grid, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    as_the_operator(monkeypatch, grid, tmp_path)
    meter = await grid.enrol("WAY-4")
    journal = [meter.states(1_000), meter.states(2_500)]
    first, second = (meter.envelope(statement) for statement in journal)
    await grid.http.post(READING_PATH, content=second)
    await grid.minted(meter, 2)
    await grid.http.post(READING_PATH, content=first)

    shown = await types("trace", "WAY-4:1")

    assert "stating WAY-4:2 that contains it" in shown.output


async def test_trace_knows_what_was_never_received_and_what_is_no_id(grid: Grid, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    as_the_operator(monkeypatch, grid, tmp_path)

    unknown = await types("trace", "WAY-9:1")

    assert unknown.exit_code == 1
    assert "not received" in unknown.output
    for nonsense in ("WAY-9", "WAY-9:", "WAY-9:-1", ":1", "WAY-9:1:x"):
        assert (await types("trace", nonsense)).exit_code != 0
