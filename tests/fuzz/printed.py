"""What a run prints: a line a door, and each finding with what repeats it."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from tests.fuzz.running import Finding, Report


def print_line(report: Report) -> None:
    """One door's counts, answers by name, slowest input and memory."""
    answers = ", ".join(f"{label} {count}" for label, count in report.answers.most_common())
    print(
        f"{report.door:<14} {report.inputs:>8} inputs {report.seconds:>6.1f} s  slowest {report.slowest_ms:>6.1f} ms"
        f"  memory {report.growth_bytes / 2**20:>+6.1f} MiB  {'FAILED' if report.findings else 'ok'}",
        flush=True,
    )
    print(f"  {answers}", flush=True)


def print_summary(reports: Sequence[Report], *, seed: int, seconds: float) -> None:
    """The whole run in one line."""
    inputs = sum(report.inputs for report in reports)
    findings = sum(len(report.findings) for report in reports)
    print(f"{inputs} inputs at {len(reports)} doors in {seconds:.0f} s, seed {seed}: {findings} findings")


def print_finding(finding: Finding, number: int, folder: Path) -> None:
    """Print a finding and keep its input."""
    print(f"\nfinding {number} at {finding.door}: {finding.what}")
    if finding.data:
        path = folder / f"{finding.door}-{hashlib.sha256(finding.data).hexdigest()[:12]}.bin"
        path.write_bytes(finding.data)
        print(f"  input ({len(finding.data)} bytes, kept in {path}): {finding.data[:400].hex()}")
    if finding.trace:
        print(finding.trace)
