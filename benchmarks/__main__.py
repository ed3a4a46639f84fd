"""Every benchmark by one command.

`python -m benchmarks` runs them all, one after the other, and prints a Markdown row a figure; `python -m benchmarks settlement`
runs those that it names; `--full` measures 10,000 meters too, where that takes long. `python -m benchmarks soak …`
and `python -m benchmarks swarm …` are runs of their own, with options: `--help` tells them.
"""

import importlib.metadata
import json
import platform
import subprocess
import sys
from pathlib import Path
from typing import Final

from benchmarks import soak, swarm

HERE: Final = Path(__file__).parent
RUNS: Final = {"soak": soak.main, "swarm": swarm.main}
"""What takes options and prints as it goes."""
TAKE_FULL: Final = frozenset({"cost"})


def names() -> list[str]:
    """What there is to measure."""
    return sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))


def run(name: str, *, full: bool = False) -> dict[str, object]:
    """One benchmark in a process of its own: its figures by name, some with their goal."""
    options = ["--full"] if full and name in TAKE_FULL else []
    done = subprocess.run(
        [sys.executable, "-m", f"benchmarks.bench_{name}", *options], capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"benchmark {name} failed:\n{done.stderr}")
    return json.loads(done.stdout)


def main() -> None:
    """Print the rows, or start what was asked for."""
    if len(sys.argv) > 1 and sys.argv[1] in RUNS:
        RUNS[sys.argv[1]](sys.argv[2:])
        return
    full = "--full" in sys.argv[1:]
    wanted = [name for name in sys.argv[1:] if name != "--full"] or names()
    unknown = set(wanted) - set(names())
    if unknown:
        sys.exit(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join([*names(), *RUNS])}")
    print(f"CPython {platform.python_version()}, {platform.machine()}, pynacl {importlib.metadata.version('pynacl')}\n")
    print("| figure | goal | measured |\n|---|---|---|", flush=True)
    for name in wanted:
        for figure, row in run(name, full=full).items():
            goal, measured = (row.get("goal", ""), row["measured"]) if isinstance(row, dict) and "measured" in row else ("", row)
            print(f"| {figure.replace('_', ' ')} | {goal} | {measured} |", flush=True)


if __name__ == "__main__":
    main()
