"""A second SVM is asked about every test of the programs: none is left out by lying in another folder, and none is skipped."""

import re
from pathlib import Path

TESTS = Path(__file__).parents[2]
RUN = TESTS / "second_opinion" / "run.sh"
ON_THE_PROGRAMS = re.compile(r"from tests\.support\.(grid|svm|registry_steps) import (?!artifact$)", re.MULTILINE)
OF_THE_CLIENTS = {
    "integration/client/test_anchorpy.py": "asks anchorpy, which the second environment has not",
}


def asked_twice() -> list[str]:
    """The folders and files that the second run names, below tests/."""
    listed = re.search(r"^program_tests=\((.*)\)$", RUN.read_text(), re.MULTILINE)
    assert listed is not None
    return [path.removeprefix("tests/") for path in listed[1].split()]


def test_every_test_that_runs_the_programs_is_asked_of_the_second_svm():
    named = asked_twice()
    running = [
        str(path.relative_to(TESTS))
        for path in sorted(TESTS.rglob("test_*.py"))
        if ON_THE_PROGRAMS.search(path.read_text()) and str(path.relative_to(TESTS)) not in OF_THE_CLIENTS
    ]

    left_out = [path for path in running if not any(path == place or path.startswith(f"{place}/") for place in named)]

    assert len(running) > 20
    assert left_out == []


def test_no_test_of_the_programs_can_be_skipped():
    places = [TESTS / place for place in asked_twice()]
    files = [path for place in places for path in (place.rglob("test_*.py") if place.is_dir() else [place])]
    skipping = re.compile(r"pytest\.(skip|importorskip|mark\.(skip|skipif|xfail))\b")

    assert [path.name for path in files if path != Path(__file__) and skipping.search(path.read_text())] == []
