"""What `proved.toml` remembers, and what a run of mutants tells."""

from pathlib import Path
from typing import Final

import msgspec

from tests.mutants.listed import Mutant, listed
from tests.mutants.proved import by_crate, checksum, crate_of, proved, record, unproved
from tests.mutants.run import report, told
from tests.mutants.trial import Verdict

EVERYTHING: Final = listed()
CRATES: Final = by_crate(EVERYTHING)
A_PROGRAM: Final = "energy_token"


def test_every_program_mutant_belongs_to_a_crate_and_python_to_none():
    assert {crate_of(mutant) for group in CRATES.values() for mutant in group} == set(CRATES)
    assert sum(map(len, CRATES.values())) == sum(mutant.compiles for mutant in EVERYTHING)
    assert {"registry", "oracle", "energy_token", "guards", "interface"} == set(CRATES)


def test_a_crate_as_it_was_proved_is_not_tried_again_and_python_always_is():
    known = {crate: checksum(crate, group) for crate, group in CRATES.items()}

    assert unproved(EVERYTHING, known) == [mutant for mutant in EVERYTHING if not mutant.compiles]


def test_a_crate_that_is_not_as_it_was_is_tried_again():
    known = {crate: checksum(crate, group) for crate, group in CRATES.items()} | {A_PROGRAM: "0" * 64}

    again = [mutant for mutant in unproved(EVERYTHING, known) if mutant.compiles]

    assert again == CRATES[A_PROGRAM]


def test_another_mutant_makes_another_checksum():
    group = CRATES[A_PROGRAM]

    assert checksum(A_PROGRAM, group) != checksum(A_PROGRAM, group[1:])
    assert checksum(A_PROGRAM, group) == checksum(A_PROGRAM, list(reversed(group)))


def test_only_a_crate_all_of_whose_mutants_were_killed_is_recorded(tmp_path: Path):
    path = tmp_path / "proved.toml"
    of_guards, of_oracle = CRATES["guards"], CRATES["oracle"]

    names = record([*of_guards, *of_oracle[1:]], EVERYTHING, path)

    assert names == ["guards"]
    assert proved(path) == {"guards": checksum("guards", of_guards)}


def test_what_was_known_of_other_crates_stays(tmp_path: Path):
    path = tmp_path / "proved.toml"
    record(CRATES["guards"], EVERYTHING, path)

    record(CRATES["oracle"], EVERYTHING, path)

    assert set(proved(path)) == {"guards", "oracle"}


def test_the_committed_record_names_crates_that_exist():
    assert set(proved()) <= set(CRATES)
    assert all(len(bytes.fromhex(value)) == 32 for value in proved().values())


def test_a_report_tells_of_each_mutant_whether_it_is_dead_and_who_else_died():
    mutant = Mutant(name="a guard", file="core/a.py", find="if x:", replace="if True:", tests=("tests/a.py::test_x",))
    dead = (mutant, Verdict(alive=[], others=["tests/a.py::test_y"], seconds=1.25))
    alive = (mutant, Verdict(alive=["tests/a.py::test_x does not fail"]))

    rows = msgspec.json.decode(report([dead, alive], others=True))

    assert [row["killed"] for row in rows] == [True, False]
    assert rows[0]["others"] == ["tests/a.py::test_y"]
    assert rows[1]["alive_because"] == ["tests/a.py::test_x does not fail"]
    assert told(dead).splitlines()[1].strip() == "dies too: tests/a.py::test_y"
