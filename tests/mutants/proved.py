"""At which sources a mutant was last seen dead: what takes an hour to compile need not be repeated for what has not changed.

`proved.toml` keeps one checksum for each mutant of the on-chain programs: over the mutant itself, the Rust sources that its
programs are made of, and the files of its tests with the test code that these share. Guards of Python are never skipped.
"""

import ast
import hashlib
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from tests.mutants.listed import PROVED, ROOT, Mutant

SHARED_CRATES: Final = ("guards", "interface")
"""Every program is made of these too."""
HEAD: Final = (
    "# Written by `make mutants ARGS=--record`: the checksum at which each mutant of the programs was last seen dead.\n"
    "# `make mutants ARGS=--changed` tries those that differ, those that are missing, and all of Python.\n\n"
)
HEX_DIGITS: Final = 16


def crate_of(mutant: Mutant) -> str:
    """The folder under `programs/` of the guard that is taken out."""
    return next(removal.file.split("/")[1] for removal in mutant.removals if removal.file.endswith(".rs"))


def checksum(mutant: Mutant) -> str:
    """Of everything that decides whether a mutant of the programs dies."""
    told = hashlib.sha256(repr((mutant.name, mutant.removals, mutant.tests)).encode())
    for path in sorted(_rust_sources(crate_of(mutant)) | _test_sources(mutant)):
        told.update(path.relative_to(ROOT).as_posix().encode() + _digest(path))
    return told.hexdigest()[:HEX_DIGITS]


def proved(path: Path = PROVED) -> dict[str, str]:
    """What the file says: a mutant's name to its checksum."""
    return dict(tomllib.loads(path.read_text())["mutants"]) if path.exists() else {}


def unproved(mutants: Sequence[Mutant], known: Mapping[str, str]) -> list[Mutant]:
    """Those of Python, and those of the programs that are not as they were when they were last seen dead."""
    return [mutant for mutant in mutants if not mutant.compiles or known.get(mutant.name) != checksum(mutant)]


def record(killed: Iterable[Mutant], everything: Sequence[Mutant], path: Path = PROVED) -> int:
    """Write those that were killed now; what was known of the others stays, and who is listed no more goes. Returns how many."""
    new = {mutant.name: checksum(mutant) for mutant in killed if mutant.compiles}
    told = {**proved(path), **new}
    names = sorted(mutant.name for mutant in everything if mutant.name in told)
    path.write_text(HEAD + "[mutants]\n" + "".join(f'{_quoted(name)} = "{told[name]}"\n' for name in names))
    return len(new)


def _quoted(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


@cache
def _digest(path: Path) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()


@cache
def _rust_sources(crate: str) -> frozenset[Path]:
    folders = [ROOT / "programs" / name for name in {crate, *SHARED_CRATES}]
    return frozenset(path for folder in folders for path in (*folder.rglob("*.rs"), *folder.glob("Cargo.toml")))


def _test_sources(mutant: Mutant) -> set[Path]:
    found: set[Path] = set()
    waiting = [ROOT / test.partition("::")[0] for test in mutant.tests]
    while waiting:
        if (path := waiting.pop()) not in found:
            found.add(path)
            waiting += _shared_by(path)
    return found


@cache
def _shared_by(path: Path) -> list[Path]:
    """Files of `tests` that this one imports."""
    imports = [node.module or "" for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
    files = [ROOT / (name.replace(".", "/") + ".py") for name in imports if name.startswith("tests.")]
    return [file for file in files if file.exists()]
