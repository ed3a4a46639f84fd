"""The guards whose removal a test must notice, as the lists name them."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

ROOT: Final = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One guard, and what stands in its place when it is removed."""

    name: str
    file: str
    find: str
    """The guard's text, which stands in the file exactly once."""
    replace: str
    tests: tuple[str, ...]
    """Node ids that must each fail; without brackets, one of the test's variants is enough."""

    @property
    def compiles(self) -> bool:
        """Whether the on-chain programs must be compiled again."""
        return self.file.endswith(".rs")


def listed() -> list[Mutant]:
    """Every mutant of every list; those of the programs last and crate by crate, so that little is compiled twice.

    Raises:
        ValueError: two mutants share a name, or one has no test.
    """
    found: dict[str, Mutant] = {}
    for path in [*sorted((ROOT / "tests/mutants").glob("*.toml")), *sorted((ROOT / "tests/hostile").rglob("mutants.toml"))]:
        for mutant in msgspec.convert(tomllib.loads(path.read_text())["mutant"], list[Mutant]):
            if mutant.name in found or not mutant.tests:
                message = f"{path.relative_to(ROOT)}: {mutant.name!r} is named twice or has no test"
                raise ValueError(message)
            found[mutant.name] = mutant
    return sorted(found.values(), key=lambda mutant: (mutant.compiles, mutant.file))
