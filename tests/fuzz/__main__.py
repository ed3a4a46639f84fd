"""`python -m tests.fuzz`: hostile inputs at every door, seeded; exit code 1 when anything broke."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Final

from tests.fuzz.doors.listed import DOORS
from tests.fuzz.printed import print_finding, print_line, print_summary
from tests.fuzz.processes import Task, run_all
from tests.fuzz.running import Report, sizes

A_MILLION: Final = 1_000_000
KEPT_IN: Final = Path("build/fuzz")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print the table, keep what broke."""
    options = _options(arguments)
    KEPT_IN.mkdir(parents=True, exist_ok=True)
    chosen = [door for door in DOORS if options.only is None or door.name in options.only]
    counts = sizes([door.share for door in chosen], options.inputs)
    tasks = [Task(door=door, inputs=count, seed=options.seed, folder=KEPT_IN) for door, count in zip(chosen, counts, strict=True)]
    started = perf_counter()
    reports: list[Report] = []
    for report in run_all(tasks, workers=options.workers, started=lambda _: None):
        print_line(report)
        reports.append(report)
    print_summary(reports, seed=options.seed, seconds=perf_counter() - started)
    findings = [finding for report in reports for finding in report.findings]
    for number, finding in enumerate(findings, start=1):
        print_finding(finding, number, KEPT_IN)
    return 1 if findings else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=A_MILLION, help="in all, shared among the doors (default: a million)")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same inputs (default: 1)")
    parser.add_argument("--workers", type=int, default=2, help="doors at a time (default: 2)")
    parser.add_argument("--only", action="append", choices=[door.name for door in DOORS], help="this door; may be repeated")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
