"""What `proved.toml` remembers, and what a run of mutants tells."""

from dataclasses import replace
from pathlib import Path
from typing import Final

import msgspec

from tests.mutants.listed import Mutant, listed
from tests.mutants.proved import checksum, crate_of, proved, record, unproved
from tests.mutants.run import report, told
from tests.mutants.trial import Verdict

EVERYTHING: Final = listed()
OF_PROGRAMS: Final = [mutant for mutant in EVERYTHING if mutant.compiles]
OF_PYTHON: Final = [mutant for mutant in EVERYTHING if not mutant.compiles]
KNOWN: Final = {mutant.name: checksum(mutant) for mutant in OF_PROGRAMS}


def test_every_program_mutant_belongs_to_a_crate():
    assert {crate_of(mutant) for mutant in OF_PROGRAMS} == {"registry", "oracle", "energy_token", "guards", "interface"}


def test_what_is_as_it_was_proved_is_not_tried_again_and_python_always_is():
    assert unproved(EVERYTHING, KNOWN) == OF_PYTHON


def test_what_differs_or_is_missing_is_tried_again():
    differs, missing, *_ = OF_PROGRAMS
    known = {name: value for name, value in KNOWN.items() if name != missing.name} | {differs.name: "0" * 16}

    assert [mutant for mutant in unproved(EVERYTHING, known) if mutant.compiles] == [differs, missing]


def test_another_text_or_another_test_makes_another_checksum():
    mutant = OF_PROGRAMS[0]
    another = next(one for one in OF_PROGRAMS if one.tests[0] != mutant.tests[0])

    sums = {checksum(mutant), checksum(replace(mutant, replace="false")), checksum(replace(mutant, tests=another.tests))}

    assert len(sums) == 3


def test_only_what_was_killed_is_recorded_and_what_was_known_stays(tmp_path: Path):
    path = tmp_path / "proved.toml"
    first, second, third, *_ = OF_PROGRAMS

    assert record([first, OF_PYTHON[0]], EVERYTHING, path) == 1
    assert record([second], EVERYTHING, path) == 1

    assert proved(path) == {first.name: KNOWN[first.name], second.name: KNOWN[second.name]}
    assert third in unproved(EVERYTHING, proved(path))


def test_who_is_listed_no_more_is_forgotten(tmp_path: Path):
    path = tmp_path / "proved.toml"
    first, second, *_ = OF_PROGRAMS
    record([first, second], EVERYTHING, path)

    record([], [mutant for mutant in EVERYTHING if mutant != first], path)

    assert proved(path) == {second.name: KNOWN[second.name]}


def test_the_committed_record_names_mutants_that_are_listed():
    assert set(proved()) <= set(KNOWN)


def test_a_report_tells_of_each_mutant_whether_it_is_dead_and_who_else_died():
    mutant = Mutant(name="a guard", file="core/a.py", find="if x:", replace="if True:", tests=("tests/a.py::test_x",))
    dead = (mutant, Verdict(alive=[], others=["tests/a.py::test_y"], seconds=1.25))
    alive = (mutant, Verdict(alive=["tests/a.py::test_x does not fail"]))

    rows = msgspec.json.decode(report([dead, alive], others=True))

    assert [row["killed"] for row in rows] == [True, False]
    assert rows[0]["others"] == ["tests/a.py::test_y"]
    assert rows[1]["alive_because"] == ["tests/a.py::test_x does not fail"]
    assert told(dead).splitlines()[1].strip() == "dies too: tests/a.py::test_y"
