"""Logs, health and figures."""

import asyncio
import json
import logging as standard_logging
import subprocess
import sys
from collections.abc import Iterator

import pytest
import structlog

from core.domain.errors import Unavailable
from core.runtime import logging
from core.runtime.health import Health, HealthReport
from core.runtime.metrics import CONTENT_TYPE, Metrics


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    root = standard_logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.mark.parametrize("fmt", ["text", "json"])
def test_defect_41_no_key_and_no_payload_reaches_the_log_nor_a_traceback(capsys: pytest.CaptureFixture[str], fmt: str):
    logging.configure("info", "json" if fmt == "json" else "text")
    log = logging.get_logger("test")

    def fail() -> None:
        private_key = "SECRET-LOCAL"
        raise ValueError(len(private_key))

    log.info("said", password="SECRET-1", operator_token="SECRET-2", payload=b"SECRET-3", signature=b"SECRET-4", meter_id="MTR-1")
    try:
        fail()
    except ValueError:
        log.exception("failed")

    text = capsys.readouterr().err
    assert "SECRET-" not in text.replace('private_key = "SECRET-LOCAL"', "")
    assert "MTR-1" in text


_CARELESS = """
from core.runtime.logging import get_logger

def fail(operator_token):
    raise ValueError("planted")

try:
    fail("SECRET-" + "LOCAL")
except ValueError:
    get_logger("test").exception("failed", operator_token="SECRET-" + "FIELD")
"""


def test_defect_41_what_logs_before_it_is_configured_shows_no_local_variable_and_no_secret():
    ended = subprocess.run([sys.executable, "-c", _CARELESS], capture_output=True, text=True, check=True, timeout=120)

    assert ended.stdout == ""
    assert "ValueError: planted" in ended.stderr
    assert "SECRET-LOCAL" not in ended.stderr
    assert "SECRET-FIELD" not in ended.stderr


def test_lines_for_machines_are_json_and_the_level_is_kept(capsys: pytest.CaptureFixture[str]):
    logging.configure("warning", "json")

    logging.get_logger("test").info("quiet")
    logging.get_logger("test").warning("loud", slot=7)
    standard_logging.getLogger("a.library").error("its own %s", "words")

    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["event"], line["level"], line.get("slot")) for line in lines] == [
        ("loud", "warning", 7),
        ("its own words", "error", None),
    ]


async def test_a_part_that_hangs_or_fails_is_unwell_and_the_others_are_still_told():
    async def well() -> HealthReport:
        return HealthReport(ok=True, detail="slot 7")

    async def hangs() -> HealthReport:
        await asyncio.Event().wait()
        raise AssertionError

    async def away() -> HealthReport:
        raise Unavailable("the chain does not answer")

    async def broken() -> HealthReport:
        raise KeyError("a detail that is nobody's business")

    health = Health(timeout_s=0.05)
    for name, check in (("well", well), ("hangs", hangs), ("away", away), ("broken", broken)):
        health.register(name, check)

    report = await health.report()

    assert {name: part.ok for name, part in report.items()} == {"well": True, "hangs": False, "away": False, "broken": False}
    assert report["away"].detail == "the chain does not answer"
    assert "business" not in report["broken"].detail


def test_two_processes_figures_do_not_mix():
    one, two = Metrics(), Metrics()

    one.readings_total.labels("accepted", "", "mqtt").inc()

    assert b'gridtokenx_readings_total{reason="",source="mqtt",verdict="accepted"} 1.0' in one.render()
    assert b"gridtokenx_readings_total{" not in two.render()
    assert CONTENT_TYPE.startswith("text/plain")
