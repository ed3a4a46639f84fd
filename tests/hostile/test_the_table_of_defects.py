"""`README.md` beside this file names tests and mutants that exist, for every defect that concerns what is built."""

import ast
import os
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from tests.mutants.listed import ROOT, listed

HERE: Final = Path(__file__).parent
NUMBERS: Final = re.findall(
    r"\w+", "1 1b 1c 2 3 4 5 5b 5c 6 7 8 9 10 11 12 13 14 15 16 17 18 18b 18c 19 20 21 22 23 36 37 38 39 39b 40 41 42 43 44"
)
MUTANTS: Final = {mutant.name: mutant for mutant in listed()}


@dataclass(frozen=True, kw_only=True)
class Section:
    """What the table says of one defect."""

    number: str
    tests: tuple[str, ...]
    mutants: tuple[str, ...]


def sections() -> list[Section]:
    found: list[Section] = []
    for part in (HERE / "README.md").read_text().split("\n## ")[1:]:
        number, _, _ = part.partition(".")
        lines = part.splitlines()
        tests = [line.removeprefix("- `").removesuffix("`") for line in lines if line.startswith("- `")]
        named = [name for line in lines if line.startswith("Mutants: ") for name in re.findall(r"`([^`]+)`", line)]
        found.append(Section(number=number, tests=tuple(tests), mutants=tuple(named)))
    return found


SECTIONS: Final = sections()


@cache
def functions_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_defect_of_what_is_built_has_its_section_once():
    assert [section.number for section in SECTIONS] == NUMBERS


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.number)
def test_a_defect_is_attempted_by_tests_that_exist(section: Section):
    assert section.tests
    assert len(set(section.tests)) == len(section.tests)
    for test in section.tests:
        file, _, name = test.partition("::")
        assert name in functions_of(Path(os.path.normpath(HERE / file))), test


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.number)
def test_the_guards_of_a_defect_have_mutants(section: Section):
    assert section.mutants
    assert len(set(section.mutants)) == len(section.mutants)
    assert set(section.mutants) <= MUTANTS.keys()


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.number)
def test_one_of_the_attempts_is_what_kills_one_of_the_mutants(section: Section):
    """Otherwise the tests and the guards of a section might have nothing to do with each other."""
    attempts = {os.path.relpath(HERE / test.partition("::")[0], ROOT) + "::" + test.partition("::")[2] for test in section.tests}
    killers = {test.partition("[")[0] for name in section.mutants for test in MUTANTS[name].tests}

    assert attempts & killers


def test_every_file_that_is_named_after_a_defect_names_one_of_the_table():
    names = [path.stem for path in HERE.rglob("test_defect*.py")]

    numbers = {number.lstrip("0") for name in names for number in re.findall(r"(?<=_)\d+[bc]?(?=_)", name)}

    assert {"41", "42"} <= numbers <= set(NUMBERS)
