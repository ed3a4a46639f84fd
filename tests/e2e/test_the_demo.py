"""`gridtokenx demo`, small, with faults: exit code 0, the figures in the form people were promised, and no other."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest
from typer.testing import CliRunner

from deploy.cli.app import app
from deploy.demo.options import DemoOptions
from deploy.demo.run import Lived, Told, live_a_day
from deploy.platform import Platform

REPOSITORY: Final = Path(__file__).resolve().parents[2]
GRIDTOKENX: Final = [sys.executable, "-c", "from deploy.cli import main; main()"]
SHAPE: Final = {
    "readings": {"sent", "accepted", "repeated", "quarantined", "rejected", "missing"},
    "energy_wh": {"truth_generation", "truth_consumption", "attested_generation", "attested_consumption", "net"},
    "tokens": {"minted", "burned", "owed", "unsettled", "retired", "lost", "supply"},
    "chain": {"transactions", "failed", "compute_units_per_reading", "meters_per_transaction"},
    "latency_ms": {"publish_to_mint_p50", "publish_to_mint_p95"},
    "audit": {"ok", "terms"},
}


def run_demo(folder: Path, *options: str) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    """Run the command as a person would, in an empty folder."""
    report = folder / "figures.json"
    done = subprocess.run(
        [*GRIDTOKENX, "demo", "--report", str(report), *options],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(REPOSITORY), "GRIDTOKENX_CHAIN__SLOT_MS": "50"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done, json.loads(report.read_text()) if report.exists() else {}


def adds_up(figures: dict[str, Any]) -> None:
    """The issue's equations, computed again from the figures alone."""
    readings, energy, tokens = figures["readings"], figures["energy_wh"], figures["tokens"]
    terms = figures["audit"]["terms"]
    net_units = energy["net"] * 1_000_000
    assert figures["audit"]["ok"] is True
    assert readings["sent"] == sum(readings[name] for name in ("accepted", "quarantined", "rejected", "missing"))
    assert readings["missing"] == 0
    assert energy["net"] == energy["attested_generation"] - energy["attested_consumption"]
    assert net_units == tokens["minted"] - tokens["burned"] - tokens["owed"] + tokens["unsettled"]
    assert tokens["supply"] == tokens["minted"] - tokens["burned"] - tokens["retired"] - tokens["lost"]
    gap = energy["truth_generation"] - energy["truth_consumption"] - energy["net"]
    assert gap == sum(
        terms[name] for name in ("after_last_accepted", "held_in_quarantine", "refused_or_missing", "accepted_not_attested_yet")
    )
    assert tokens["minted"] > 0


def has_the_promised_form(figures: dict[str, Any]) -> None:
    for group, names in SHAPE.items():
        assert names <= figures[group].keys(), group
        for name in names - {"ok", "terms"}:
            assert type(figures[group][name]) is int, f"{group}.{name}"
    assert type(figures["audit"]["ok"]) is bool
    assert figures["audit"]["terms"]
    for name, value in figures["audit"]["terms"].items():
        assert type(value) is int, name


@pytest.mark.parametrize(
    "options", [("--meters", "8", "--hours", "6"), ("--meters", "6", "--hours", "3", "--http")], ids=["mqtt", "http"]
)
def test_a_small_day_with_faults_adds_up(tmp_path: Path, options: tuple[str, ...]):
    done, figures = run_demo(tmp_path, "--seed", "3", "--faults", *options)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "It adds up to the watt-hour." in done.stdout
    has_the_promised_form(figures)
    adds_up(figures)
    assert (figures["seed"], figures["faults"]) == (3, True)
    assert figures["readings"]["repeated"] > 0
    assert [path.name for path in tmp_path.iterdir()] == ["figures.json"], "nothing else is left behind"


def test_without_faults_everything_is_attested(tmp_path: Path):
    done, figures = run_demo(tmp_path, "--meters", "3", "--hours", "2", "--no-faults")

    assert done.returncode == 0, done.stdout + done.stderr
    adds_up(figures)
    energy, readings = figures["energy_wh"], figures["readings"]
    assert energy["truth_generation"] == energy["attested_generation"]
    assert energy["truth_consumption"] == energy["attested_consumption"]
    assert (readings["quarantined"], readings["rejected"], readings["missing"]) == (0, 0, 0)
    assert figures["chain"]["failed"] == 0


def test_one_wh_that_nobody_can_explain_makes_the_exit_code_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    async def lie(platform: Platform, options: DemoOptions, tell: Told) -> Lived:
        lived = await live_a_day(platform, options, tell)
        meters = dict(lived.truth.meters)
        name = min(meters)
        meters[name] = replace(meters[name], generation_wh=meters[name].generation_wh - 1)
        return replace(lived, truth=replace(lived.truth, meters=meters))

    monkeypatch.setattr("deploy.cli.demo.live_a_day", lie)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GRIDTOKENX_CHAIN__SLOT_MS", "50")

    result = CliRunner().invoke(app, ["demo", "--meters", "2", "--hours", "1", "--no-faults", "--report", "figures.json"])

    assert result.exit_code == 1, result.output
    assert "It does not add up" in result.output
    assert json.loads((tmp_path / "figures.json").read_text())["audit"]["ok"] is False
