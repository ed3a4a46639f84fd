"""Alert rules: each fires when it should, is silent when it should, and leads to a runbook."""

import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from core.runtime.metrics import Metrics
from tests.support.figures import sample_labels

ROOT = Path(__file__).resolve().parents[3]
ALERTS = ROOT / "deploy" / "alerts"
RUNBOOKS = ROOT / "docs" / "runbooks"
EVERYWHERE = {"instance", "job"}
"""Prometheus adds them to whatever it scrapes."""
CHAPTERS = ["What it means", "What users notice", "First look", "How to mend", "How to be sure", "Never"]


@cache
def rules() -> list[dict[str, Any]]:
    document = yaml.safe_load((ALERTS / "gridtokenx.rules.yml").read_text())
    return [rule for group in document["groups"] for rule in group["rules"]]


@cache
def cases() -> list[dict[str, Any]]:
    return yaml.safe_load((ALERTS / "gridtokenx.tests.yml").read_text())["tests"]


@pytest.mark.prometheus
@pytest.mark.parametrize(("what", "file"), [("check", "gridtokenx.rules.yml"), ("test", "gridtokenx.tests.yml")])
def test_promtool_accepts_the_rules_and_sees_each_fire_and_stay_quiet(what: str, file: str):
    done = subprocess.run(["promtool", what, "rules", file], cwd=ALERTS, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "SUCCESS" in done.stdout


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not(rule: dict[str, Any]):
    expected = [
        bool(check["exp_alerts"]) for case in cases() for check in case["alert_rule_test"] if check["alertname"] == rule["alert"]
    ]

    assert sorted(expected) == [False, True]


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_every_alert_says_how_bad_what_where_and_what_to_do(rule: dict[str, Any]):
    notes = rule["annotations"]

    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert notes["summary"]
    assert re.search(r"\{\{ \$labels\.(instance|job) \}\}", notes["description"])
    assert (ROOT / notes["runbook"]).is_file()


def test_every_runbook_belongs_to_an_alert_and_has_all_its_chapters():
    belonging = {Path(rule["annotations"]["runbook"]).name: rule for rule in rules()}

    assert {path.name for path in RUNBOOKS.glob("*.md")} == {*belonging, "README.md"}
    for name, rule in belonging.items():
        text = (RUNBOOKS / name).read_text()
        assert text.startswith(f"# {rule['alert']}\n"), name
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == CHAPTERS, name


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_every_figure_in_a_rule_exists_with_those_labels(rule: dict[str, Any]):
    known = sample_labels(Metrics())
    text, labels = rule["expr"], set[str]()
    for name, matchers in re.findall(r"\b((?:gridtokenx|process)_[a-z_]+)(\{[^}]*\})?", text):
        assert name in known, name
        labels |= known[name]
        for label in re.findall(r"(\w+)\s*(?:=~|!=|!~|=)", matchers):
            assert label in known[name] | EVERYWHERE, f"{name} has no label {label}"

    for label in re.findall(r"\$labels\.(\w+)", rule["annotations"]["description"]):
        assert label in labels | EVERYWHERE
    for listed in re.findall(r"\b(?:by|on) \(([^)]*)\)", text):
        assert {label.strip() for label in listed.split(",")} <= labels | EVERYWHERE
