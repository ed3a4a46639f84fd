"""The benchmarks run at all, in sizes that tell nothing about speed."""

import pytest

from benchmarks import __main__ as harness
from benchmarks import bench_intake, prepared_fleet


async def test_the_intake_is_measured_with_all_readings_accepted(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(prepared_fleet, "METERS", 2)
    monkeypatch.setattr(prepared_fleet, "READINGS", 3)

    figures = await bench_intake.measure()

    assert figures["readings"] == 6
    assert all(figures[f"{kind}_ratio"] > 0 for kind in ("journal", "binary_envelope", "json_envelope"))


def test_the_harness_knows_every_benchmark():
    assert {"api", "cost", "floors", "ingest", "intake", "settlement", "throughput"} <= set(harness.names())
