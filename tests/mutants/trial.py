"""One mutant in a copy of the tree: apply it, compile when needed, run its tests, and put everything back."""

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from tests.mutants.listed import Mutant

PYTEST_FAILED: Final = 1
"""pytest's exit code when tests ran and some failed; anything else means that the run itself broke."""
TEST_LIMIT_S: Final = 60
RUN_LIMIT_S: Final = 300
BUILD_LIMIT_S: Final = 1800
OPTIONS: Final = ("-q", "--tb=no", "-rfE", "-p", "no:cacheprovider", "-p", "no:faker", f"--timeout={TEST_LIMIT_S}")
ENVIRONMENT: Final = os.environ  # noqa: TID251  # handed on to the commands that this one starts, not read as settings


RUNNING: Final[set[subprocess.Popen[str]]] = set()
"""What the workers have started and not seen the end of."""
STARTING: Final = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a run of pytest ended."""

    code: int
    bad: Sequence[str]
    """The lines of its summary that begin with FAILED or ERROR."""
    output: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of a mutant."""

    alive: Sequence[str]
    """Why it is not dead, a line each; empty when every named test failed."""
    others: Sequence[str] = ()
    seconds: float = 0.0


@dataclass(slots=True)
class Removed:
    """A guard taken out of a tree, and what it takes to put it back."""

    tree: Path
    mutant: Mutant
    originals: dict[Path, bytes] = field(default_factory=dict[Path, bytes])

    def __enter__(self) -> Self:
        """Take the guard out."""
        artifacts = (self.tree / "programs/artifacts").glob("*.so") if self.mutant.compiles else ()
        sources = (self.tree / removal.file for removal in self.mutant.removals)
        self.originals = {path: path.read_bytes() for path in (*artifacts, *sources)}
        for removal in self.mutant.removals:
            path = self.tree / removal.file
            _write(path, path.read_text().replace(removal.find, removal.replace).encode())
        return self

    def __exit__(self, *_: object) -> None:
        """Put it back."""
        for path, content in self.originals.items():
            _write(path, content)


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    if path.suffix == ".py":  # two texts of one length within one second share a byte-code file otherwise
        Path(importlib.util.cache_from_source(str(path))).unlink(missing_ok=True)


def copy_of_the_tree(root: Path, target: Path) -> Path:
    """Copy what git tracks, as it lies in the working tree, into a folder."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, check=True, capture_output=True).stdout
    for name in filter(None, listed.decode().split("\0")):
        if (root / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(root / name, target / name)
    return target


def toolchain() -> Path:
    """Where `programs/toolchain/setup.sh` puts what the programs are compiled with."""
    cache = Path(ENVIRONMENT.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(ENVIRONMENT.get("GRIDTOKENX_SBF") or cache / "gridtokenx-sbf")


def has_toolchain() -> bool:
    """Whether the programs can be compiled here."""
    return (toolchain() / "sbpf-linker").exists()


def run_tests(tree: Path, nodes: Sequence[str], *, limit_s: int, workers: int = 1) -> Ended:
    """Run these tests, in one process or in several."""
    first = ["-x"] if len(nodes) == 1 and "::" in nodes[0] else []
    spread = ["-n", str(workers), "--dist", "loadfile"] if workers > 1 else ["-p", "no:xdist"]
    ran = _execute(tree, [sys.executable, "-m", "pytest", *OPTIONS, *first, *spread, *nodes], limit_s, PYTHONPATH=str(tree))
    lines = [line for line in ran.output.splitlines() if line.strip()]
    return Ended(code=ran.code, bad=[line for line in lines if line.startswith(("FAILED ", "ERROR "))], output=lines)


@dataclass(frozen=True, slots=True)
class _Ran:
    code: int
    """-1 when it had no end in time."""
    output: str


def _execute(tree: Path, command: Sequence[str], limit_s: float, **variables: str) -> _Ran:
    """Run a command in a process group of its own, and end the whole group when its time is over."""
    with STARTING:
        process = subprocess.Popen(
            command,
            cwd=tree,
            env={**ENVIRONMENT, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        RUNNING.add(process)
    try:
        output, _ = process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        _end(process)
        return _Ran(-1, f"no end after {limit_s:.0f} s")
    finally:
        RUNNING.discard(process)
    return _Ran(process.returncode, output)


def _end(process: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextmanager
def all_ended() -> Generator[None]:
    """End what the workers started; they start nothing meanwhile."""
    with STARTING:
        for process in list(RUNNING):
            _end(process)
        yield


def deaths(ended: Ended) -> list[str]:
    """The node ids that failed; a test whose preparation broke is not among them."""
    return [line.removeprefix("FAILED ").split(" - ")[0] for line in ended.bad if line.startswith("FAILED ")]


def is_dead(test: str, dead: Iterable[str]) -> bool:
    """Whether this test, or one of its variants, is among the dead."""
    return any(name == test or name.startswith(f"{test}[") for name in dead)


def try_mutant(tree: Path, mutant: Mutant, *, others: bool) -> Verdict:
    """Remove the guard, run its tests, put it back."""
    began = time.monotonic()
    counts = [(removal.file, (tree / removal.file).read_text().count(removal.find)) for removal in mutant.removals]
    if strange := [f"the guard's text stands {count} times in {file}, not once" for file, count in counts if count != 1]:
        return Verdict(alive=strange)
    with Removed(tree, mutant):
        trouble = compile_programs(tree) if mutant.compiles else []
        verdict = Verdict(alive=trouble) if trouble else _judge(tree, mutant, others=others)
    return Verdict(alive=verdict.alive, others=verdict.others, seconds=time.monotonic() - began)


def set_up_programs(tree: Path) -> list[str]:
    """Compile the programs for the first time, toolchain included; returns what is wrong, or nothing."""
    return _ran(tree, ["bash", "programs/build.sh", "--only-artifacts"])


def compile_programs(tree: Path) -> list[str]:
    """Compile what changed and put the artifacts in place; returns what is wrong, or nothing."""
    names = ("registry", "oracle", "energy_token")
    crates = [f"gridtokenx-{name.replace('_', '-')}" for name in names]
    target = tree / "programs/target/sbf"
    wrong = _ran(tree, ["bash", "programs/toolchain/compile.sh", str(toolchain()), "programs", str(target), *crates])
    for name in () if wrong else names:
        built = target / "bpfel-unknown-none/release" / f"libgridtokenx_{name}.so"
        shutil.copyfile(built, tree / "programs/artifacts" / f"{name}.so")
    return wrong


def _ran(tree: Path, command: list[str]) -> list[str]:
    """Run a build without link-time optimisation, which makes the same programs smaller and takes most of the time."""
    ran = _execute(tree, command, BUILD_LIMIT_S, CARGO_PROFILE_RELEASE_LTO="off")
    if ran.code == 0:
        return []
    lines = ran.output.splitlines()
    return ["does not compile:", *([line for line in lines if line.startswith(("error", "FAIL"))] or lines)[:6]]


def _judge(tree: Path, mutant: Mutant, *, others: bool) -> Verdict:
    nodes = sorted({test.partition("::")[0] for test in mutant.tests}) if others else list(mutant.tests)
    ended = run_tests(tree, nodes, limit_s=RUN_LIMIT_S)
    dead = deaths(ended)
    if ended.code != PYTEST_FAILED:
        return Verdict(alive=[f"pytest ended with {ended.code}: {' | '.join(ended.output[-2:])}"])
    alive = [f"{test} does not fail" for test in mutant.tests if not is_dead(test, dead)]
    beside = [name for name in dead if not any(is_dead(test, [name]) for test in mutant.tests)]
    return Verdict(alive=alive, others=beside)
