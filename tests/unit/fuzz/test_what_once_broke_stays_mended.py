"""Every input that fuzzing found is given to its door again."""

from random import Random

import pytest

from tests.fuzz.door import Answered
from tests.fuzz.doors.listed import DOORS
from tests.fuzz.remembered import Remembered, doors_remembered, remembered

BY_NAME = {door.name: door for door in DOORS}


@pytest.mark.parametrize("name", doors_remembered())
async def test_each_input_of_the_corpus_is_answered_as_it_should_be(name: str):
    lines, door = remembered(name), BY_NAME[name]()
    assert lines
    await door.open(Random(0))
    try:
        answers = await door.give_all([line.data for line in lines])
        await door.settle()
    finally:
        await door.close()

    heard = [answer.label if isinstance(answer, Answered) else repr(answer) for answer in answers]
    assert heard == [line.answer for line in lines]


def test_a_piece_of_a_line_may_be_repeated(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tests.fuzz.remembered._lines", lambda _: ["# a sentence", "", "refused: 41 5b*3 42"])

    assert remembered("any") == [Remembered("refused", b"A[[[B")]


def test_a_line_without_an_answer_is_no_line(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tests.fuzz.remembered._lines", lambda _: ["41 42"])

    with pytest.raises(ValueError, match="names no answer"):
        remembered("any")
