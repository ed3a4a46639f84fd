"""Deploying, as far as it is arithmetic: chunks, steps, builds."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.hash import Hash
from solders.pubkey import Pubkey

from core.domain.errors import Conflict, InvalidInput
from programs.client import transactions
from programs.client.deployment import Build, ProgramSurvey, Step, builds, committed_builds
from programs.client.deployment.estimate import sol
from programs.client.deployment.upload import chunk_size, missing_chunks
from programs.client.instructions import upgradeable_loader
from programs.client.loader import Buffer, ProgramData, buffer_head

AUTHORITY, PAYER = Pubkey.new_unique(), Pubkey.new_unique()
BUILD = Build("registry", Pubkey.new_unique(), b"code of the program")
NOTHING_YET = ProgramSurvey(
    build=BUILD,
    buffer_address=Pubkey.new_unique(),
    program=None,
    data=None,
    buffer=None,
    buffer_lamports=0,
    program_lamports=0,
)


@pytest.mark.parametrize("payer", [PAYER, AUTHORITY])
def test_a_full_chunk_fills_the_packet_to_the_last_byte(payer: Pubkey):
    size = chunk_size(payer, AUTHORITY)
    instruction = upgradeable_loader.write(Pubkey.new_unique(), AUTHORITY, 1_000_000, bytes(size))

    assert (
        transactions.size_of(transactions.compile_v0(payer, [instruction], (), Hash.default())) == transactions.PACKET_DATA_SIZE
    )


@given(code=st.binary(min_size=1, max_size=400), written=st.binary(max_size=400), size=st.integers(1, 90))
def test_writing_what_is_missing_gives_the_code(code: bytes, written: bytes, size: int):
    buffer = bytearray(written[: len(code)].ljust(len(code), b"\0"))

    for chunk in missing_chunks(code, bytes(buffer), size):
        buffer[chunk.offset : chunk.offset + len(chunk.data)] = chunk.data

    assert bytes(buffer) == code
    assert missing_chunks(code, bytes(buffer), size) == []


def deployed(code: bytes) -> ProgramData:
    return ProgramData(7, AUTHORITY, code)


@pytest.mark.parametrize(
    ("changes", "step"),
    [
        ({}, Step.MAKE_BUFFER),
        ({"buffer": Buffer(AUTHORITY, bytes(len(BUILD.code)))}, Step.WRITE),
        ({"buffer": Buffer(AUTHORITY, BUILD.code)}, Step.DEPLOY),
        ({"data": deployed(BUILD.code)}, Step.NOTHING),
        ({"data": deployed(BUILD.code + bytes(9))}, Step.NOTHING),
        ({"data": deployed(BUILD.code + b"x")}, Step.MAKE_BUFFER),
        ({"data": deployed(b"old"), "buffer": Buffer(AUTHORITY, BUILD.code)}, Step.EXTEND),
        ({"data": deployed(bytes(99)), "buffer": Buffer(AUTHORITY, BUILD.code)}, Step.UPGRADE),
    ],
)
def test_what_the_chain_shows_decides_the_next_step(changes: dict[str, object], step: Step):
    assert replace(NOTHING_YET, **changes).next_step is step


def test_the_committed_builds_are_those_of_the_checksums():
    assert [build.name for build in committed_builds()] == ["registry", "oracle", "energy_token"]
    assert [build.name for build in committed_builds(("oracle",))] == ["oracle"]
    with pytest.raises(InvalidInput, match="no program"):
        committed_builds(("trading",))


@pytest.mark.parametrize(("changed", "sentence"), [("oracle.so", "not the committed build"), ("program-ids.toml", "other ids")])
def test_a_build_that_was_changed_is_not_deployed(changed: str, sentence: str, monkeypatch: pytest.MonkeyPatch):
    read = builds._read

    def tampered(*path: str) -> bytes:
        return read(*path) + (b"\n" if path[-1] == changed else b"")

    monkeypatch.setattr(builds, "_read", tampered)

    with pytest.raises(Conflict, match=sentence):
        committed_builds()


def test_a_buffer_begins_as_nodes_are_asked_for_it():
    assert Buffer.decode(buffer_head(AUTHORITY) + b"code") == Buffer(AUTHORITY, b"code")


def test_lamports_are_shown_as_sol_to_the_last_one():
    assert sol(1_574_365_080) == "1.574365080"
