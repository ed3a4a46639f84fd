"""The lists of mutants name guards and tests that exist; `make mutants` then shows that each guard is missed."""

import ast
from functools import cache
from pathlib import Path

import pytest

from tests.mutants.listed import ROOT, Mutant, listed
from tests.mutants.run import sampled
from tests.mutants.trial import Ended, deaths, is_dead

MUTANTS = listed()


@cache
def functions_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_guard_stands_where_its_list_says_and_its_tests_exist(mutant: Mutant):
    for removal in mutant.removals:
        assert (ROOT / removal.file).read_text().count(removal.find) == 1, removal.file
        assert removal.find != removal.replace
    for test in mutant.tests:
        file, _, name = test.partition("::")
        assert name.partition("[")[0] in functions_of(ROOT / file), test


def test_a_sample_has_both_kinds_and_is_the_same_for_the_same_seed():
    picked = sampled(MUTANTS, 12, 7)

    assert picked == sampled(MUTANTS, 12, 7)
    assert [mutant.compiles for mutant in picked].count(True) == 6
    assert len(picked) == 12


def test_a_test_is_dead_when_it_fails_and_not_when_its_preparation_breaks():
    ended = Ended(
        code=1, bad=("FAILED tests/a.py::test_one[x y] - assert 1 == 2", "ERROR tests/a.py::test_two - KeyError"), output=()
    )

    assert deaths(ended) == ["tests/a.py::test_one[x y]"]
    assert is_dead("tests/a.py::test_one", deaths(ended))
    assert not is_dead("tests/a.py::test_two", deaths(ended))
    assert not is_dead("tests/a.py::test_on", deaths(ended))
