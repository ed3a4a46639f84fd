"""A fuzzer that finds nothing must be able to find something."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from random import Random

import pytest

from devices.frame import UnverifiedFrame
from tests.fuzz.black_box import BlackBox, read_back
from tests.fuzz.door import Door, Try
from tests.fuzz.doors import codecs
from tests.fuzz.doors.codecs import FramesDoor
from tests.fuzz.doors.listed import DOORS
from tests.fuzz.running import run_door, sizes

SAMPLE = 6_000
"""What the decoders' door gets of CI's twenty thousand."""


async def test_a_decoder_that_raises_a_key_error_for_some_input_is_found_and_made_small(monkeypatch: pytest.MonkeyPatch):
    genuine = codecs.decode_reading

    def planted(payload: bytes, *, network: bytes) -> UnverifiedFrame:
        if b":NaN" in payload:
            raise KeyError("planted")
        return genuine(payload, network=network)

    monkeypatch.setattr(codecs, "decode_reading", planted)

    report = await run_door(FramesDoor(), SAMPLE, seed=1)

    assert [finding.what.partition(" in ")[0] for finding in report.findings] == ["KeyError"]
    assert report.findings[0].data.endswith(b":NaN")
    assert len(report.findings[0].data) <= 8


async def test_a_decoder_that_takes_what_it_must_refuse_is_found(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("devices.envelope.check_fields", lambda *_, **__: None)

    report = await run_door(FramesDoor(), SAMPLE, seed=1)

    assert report.findings


class _Leaky(Door):
    """Remembers every input; says nothing but yes."""

    name = "leaky"
    share = 1
    labels = frozenset({"yes"})

    async def open(self, random: Random) -> None:
        self._kept: list[bytes] = []

    def make(self, random: Random) -> Try:
        return Try(random.randbytes(8))

    async def give(self, data: bytes) -> str:
        self._kept.append(data * 5_000)
        return "yes"


class _Slow(_Leaky):
    name = "slow"

    async def give(self, data: bytes) -> str:
        started = asyncio.get_running_loop().time()
        while asyncio.get_running_loop().time() < started + 4:
            sum(range(10_000))
        return "yes"


class _Shallow(_Leaky):
    name = "shallow"
    labels = frozenset({"yes", "deeper"})
    least: Mapping[str, float] = {"yes": 1}

    async def give(self, data: bytes) -> str:
        return "yes"


async def test_memory_that_grows_is_found():
    report = await run_door(_Leaky(), 3_000, seed=1)

    assert [finding.what.partition(" by ")[0] for finding in report.findings] == ["memory grew"]


async def test_an_input_that_takes_long_is_found(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tests.fuzz.running.MAX_INPUT_CPU_S", 0.01)

    report = await run_door(_Slow(), 1, seed=1)

    assert "of processor time" in report.findings[0].what


async def test_inputs_that_never_get_deep_are_found():
    report = await run_door(_Shallow(), 300, seed=1)

    assert [finding.what for finding in report.findings] == ["never answered deeper"]


async def test_the_same_seed_gives_the_same_inputs():
    def inputs(seed: int) -> list[bytes]:
        random = Random(seed)
        return [FramesDoor().make(random).data for _ in range(200)]

    assert inputs(5) == inputs(5)
    assert inputs(5) != inputs(6)


def test_the_batch_of_a_dead_process_is_read_back(tmp_path: Path):
    box = BlackBox.at(tmp_path / "box")

    box.note([b"first", b"", b"third"])

    assert read_back(tmp_path / "box") == [b"first", b"", b"third"]


def test_the_shares_of_all_doors_make_a_whole_run():
    counts = sizes([door.share for door in DOORS], 1_000_000)

    assert sum(counts) == 1_000_000
    assert len({door.name for door in DOORS}) == len(DOORS)
