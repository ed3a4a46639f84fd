"""Compare `tests/requirements.toml` with what the last test run passed.

Fails on a mapped id whose tests did not all pass, or that names no test; lists the ids not yet built.
Reads the results that `make test` leaves in `build/test-results.xml`.
A test of a group this machine lacks counts as not run, which only CI refuses.
"""

import os
import sys
import tomllib
import xml.etree.ElementTree as ET
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "build" / "test-results.xml"


def outcomes() -> dict[str, bool]:
    """Test name without parameters → whether every run of it passed."""
    seen: dict[str, bool] = {}
    for case in ET.parse(RESULTS).iter("testcase"):  # noqa: S314  # our own file
        name = f"{case.get('classname', '')}.{case.get('name', '').partition('[')[0]}"
        passed = not any(case.find(kind) is not None for kind in ("failure", "error", "skipped"))
        seen[name] = seen.get(name, True) and passed
    return seen


def dotted(node: str) -> str:
    """`tests/e2e/test_x.py::test_y` → `tests.e2e.test_x.test_y`."""
    return node.replace("/", ".").replace(".py::", ".").replace("::", ".")


def main() -> int:
    """Print what is missing; the exit code says whether anything mapped is."""
    table = tomllib.loads((ROOT / "tests" / "requirements.toml").read_text())
    if not RESULTS.exists():
        print("requirements: no results in build/test-results.xml; run `make test` first")
        return 1
    seen = outcomes()
    strict = os.environ.get("CI") == "true"  # noqa: TID251  # a command line check, not the platform
    failures: list[str] = []
    not_run: list[str] = []
    for requirement, tests in table["built"].items():
        if not tests:
            failures.append(f"{requirement}: names no test")
        for node in tests:
            passed = seen.get(dotted(node))
            if passed is False:
                failures.append(f"{requirement}: {node} did not pass")
            elif passed is None:
                exists = (ROOT / node.partition("::")[0]).exists() and node.rpartition("::")[2] in (
                    ROOT / node.partition("::")[0]
                ).read_text()
                (not_run if exists and not strict else failures).append(f"{requirement}: {node} was not run")
    print(f"requirements: {len(table['built'])} built, {len(table['not_yet'])} not yet")
    print("not yet built: " + ", ".join(f"{name} ({why})" for name, why in table["not_yet"].items()))
    for line in not_run:
        print(f"not run here: {line}")
    for line in failures:
        print(f"FAILED {line}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
