"""Every step that a process may die at has a name, and every name is one step."""

import ast
from collections import Counter
from pathlib import Path

from core.runtime.crash_points import CrashPoint, pass_by

REPOSITORY = Path(__file__).resolve().parents[3]
PRODUCT = ("core", "devices", "oracle_bridge", "api", "deploy")


def reached_in(folder: str) -> Counter[str]:
    """How often each point is told to a `reached` in a folder's code."""
    found: Counter[str] = Counter()
    for path in (REPOSITORY / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "_reached":
                (point,) = node.args
                assert isinstance(point, ast.Attribute), f"{path}: a point is told by its name"
                found[point.attr] += 1
    return found


def test_every_crash_point_is_reached_from_exactly_one_place():
    found = sum((reached_in(folder) for folder in PRODUCT), Counter[str]())

    assert found == Counter(point.name for point in CrashPoint)


def test_outside_of_the_fault_harness_a_process_goes_on_at_every_point():
    for point in CrashPoint:
        pass_by(point)
