"""At which sources a crate's mutants were last all dead: a run of hours need not be repeated for what has not changed.

`proved.toml` keeps one checksum a crate: over the Rust sources that its programs are made of, its mutants, and the files of
their tests with the test code that these share. Guards of Python are never skipped.
"""

import ast
import hashlib
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from tests.mutants.listed import ROOT, Mutant

PROVED: Final = Path(__file__).with_name("proved.toml")
SHARED_CRATES: Final = ("guards", "interface")
"""Every program is made of these too."""
HEAD: Final = (
    "# Written by `make mutants ARGS=--record`: the checksums at which all mutants of a crate were last seen dead.\n"
    "# `make mutants ARGS=--changed` tries those of the other crates, and all of Python.\n\n"
)


def crate_of(mutant: Mutant) -> str:
    """The folder under `programs/` of the guard that is taken out."""
    return next(removal.file.split("/")[1] for removal in mutant.removals if removal.file.endswith(".rs"))


def by_crate(mutants: Iterable[Mutant]) -> dict[str, list[Mutant]]:
    """The mutants of the on-chain programs, by crate."""
    crates: dict[str, list[Mutant]] = {}
    for mutant in mutants:
        if mutant.compiles:
            crates.setdefault(crate_of(mutant), []).append(mutant)
    return crates


def checksum(crate: str, mutants: Sequence[Mutant]) -> str:
    """Of everything that decides whether the crate's mutants die."""
    told = hashlib.sha256()
    for path in sorted({*_rust_sources(crate), *_test_sources(mutants)}):
        told.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    for mutant in sorted(mutants, key=lambda mutant: mutant.name):
        told.update(repr((mutant.name, mutant.removals, mutant.tests)).encode())
    return told.hexdigest()


def proved(path: Path = PROVED) -> dict[str, str]:
    """What the file says: crate to checksum."""
    return dict(tomllib.loads(path.read_text())["crates"]) if path.exists() else {}


def unproved(mutants: Sequence[Mutant], known: Mapping[str, str]) -> list[Mutant]:
    """Those of Python, and those of crates that changed since all of theirs were seen dead."""
    same = {crate for crate, group in by_crate(mutants).items() if known.get(crate) == checksum(crate, group)}
    return [mutant for mutant in mutants if not mutant.compiles or crate_of(mutant) not in same]


def record(killed: Iterable[Mutant], everything: Sequence[Mutant], path: Path = PROVED) -> list[str]:
    """Write the crates all of whose mutants were killed now; what was known of the others stays. Returns their names."""
    names = {mutant.name for mutant in killed}
    whole = {crate: group for crate, group in by_crate(everything).items() if all(mutant.name in names for mutant in group)}
    told = {**proved(path), **{crate: checksum(crate, group) for crate, group in whole.items()}}
    path.write_text(HEAD + "[crates]\n" + "".join(f'{crate} = "{told[crate]}"\n' for crate in sorted(told)))
    return sorted(whole)


def _rust_sources(crate: str) -> set[Path]:
    folders = [ROOT / "programs" / name for name in {crate, *SHARED_CRATES}]
    return {path for folder in folders for path in (*folder.rglob("*.rs"), *folder.glob("Cargo.toml"))}


def _test_sources(mutants: Sequence[Mutant]) -> set[Path]:
    found: set[Path] = set()
    waiting = [ROOT / test.partition("::")[0] for mutant in mutants for test in mutant.tests]
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
