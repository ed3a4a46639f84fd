"""The guards whose removal a test must notice, as the lists name them."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

ROOT: Final = Path(__file__).resolve().parents[2]
PROVED: Final = ROOT / "tests/mutants/proved.toml"
"""No list, but what a run remembers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """A text that stands in its file exactly once, and what stands in its place when the guard is gone."""

    file: str
    find: str
    replace: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant(Removal):
    """One guard, removed."""

    name: str
    tests: tuple[str, ...]
    """Node ids that must each fail; without brackets, one of the test's variants is enough."""
    also: tuple[Removal, ...] = ()
    """Further places of the same guard: where two checks refuse the same thing, neither is missed alone."""

    @property
    def removals(self) -> tuple[Removal, ...]:
        """All that is taken out."""
        return (self, *self.also)

    @property
    def compiles(self) -> bool:
        """Whether the on-chain programs must be compiled again."""
        return any(removal.file.endswith(".rs") for removal in self.removals)


def listed() -> list[Mutant]:
    """Every mutant of every list; those of the programs last and crate by crate, so that little is compiled twice.

    Raises:
        ValueError: two mutants share a name, or one has no test.
    """
    found: dict[str, Mutant] = {}
    lists = [path for path in sorted((ROOT / "tests/mutants").glob("*.toml")) if path != PROVED]
    for path in [*lists, *sorted((ROOT / "tests/hostile").rglob("mutants.toml"))]:
        for mutant in msgspec.convert(tomllib.loads(path.read_text())["mutant"], list[Mutant]):
            if mutant.name in found or not mutant.tests:
                message = f"{path.relative_to(ROOT)}: {mutant.name!r} is named twice or has no test"
                raise ValueError(message)
            found[mutant.name] = mutant
    return sorted(found.values(), key=lambda mutant: (mutant.compiles, mutant.file))
