"""Compute units of every instruction on this SVM beside the committed table's: `run.sh --units` prints it for the newer one."""

import json
import sys

from tests.support.compute_units import TABLE, measure


def rows() -> list[str]:
    """One line of Markdown for each instruction."""
    committed: dict[str, int] = json.loads(TABLE.read_text())
    here = measure()
    lines = ["| instruction | LiteSVM of solders 0.26 | newer SVM | difference |", "|---|---:|---:|---:|"]
    return lines + [f"| {name} | {old} | {here[name]} | {here[name] - old:+} |" for name, old in sorted(committed.items())]


if __name__ == "__main__":
    sys.stdout.write("\n".join(rows()) + "\n")
