"""Defect 43: a stale build runs. The committed artifacts, their sources and their descriptions belong together."""

import json
import tomllib
from hashlib import sha256
from pathlib import Path

import pytest

from programs.toolchain.scan_stack import stack_arguments, text_of

PROGRAMS = Path(__file__).parents[3] / "programs"
ARTIFACTS = PROGRAMS / "artifacts"
NAMES = ("registry", "oracle", "energy_token")
CRATES = ("interface", "guards", "registry", "oracle", "energy_token", "hostile_wrapper", "idl_gen", "toolchain")
ADVICE = "run programs/build.sh and commit the result"


def listed(name: str) -> dict[str, str]:
    """Path → checksum, as `sha256sum` writes them."""
    lines = (ARTIFACTS / name).read_text().splitlines()
    return {path: checksum for checksum, path in (line.split("  ", 1) for line in lines)}


def checksum(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


def test_the_artifacts_are_those_whose_checksums_are_committed():
    expected = listed("SHA256SUMS")

    assert expected == {path.name: checksum(path) for path in sorted(ARTIFACTS.glob("*.so"))}, ADVICE


def test_the_artifacts_were_compiled_from_the_sources_that_lie_here():
    expected = listed("SOURCES.sha256")

    changed = [path for path, known in expected.items() if checksum(PROGRAMS / path) != known]

    assert changed == [], ADVICE


def test_no_source_is_missing_from_the_list():
    sources = {
        str(path.relative_to(PROGRAMS))
        for crate in CRATES
        for path in (PROGRAMS / crate).rglob("*.rs")
        if "target" not in path.parts
    }

    assert sources <= set(listed("SOURCES.sha256")), ADVICE


@pytest.mark.parametrize("name", NAMES)
def test_both_descriptions_carry_the_address_of_the_one_file(name: str):
    address = tomllib.loads((PROGRAMS / "program-ids.toml").read_text())[name]

    anchor = json.loads((PROGRAMS / "idl" / f"{name}.json").read_text())
    legacy = json.loads((PROGRAMS / "idl" / "legacy" / f"{name}.json").read_text())

    assert anchor["address"] == legacy["metadata"]["address"] == address
    assert anchor["metadata"]["spec"] == "0.1.0"
    assert [error["code"] for error in anchor["errors"]] == sorted(error["code"] for error in anchor["errors"])


@pytest.mark.parametrize("name", NAMES)
def test_no_program_passes_arguments_on_the_stack(name: str):
    assert stack_arguments(text_of((ARTIFACTS / f"{name}.so").read_bytes())) == []


def test_a_store_above_the_frame_pointer_is_found():
    store = bytes([0x7B, 0x1A]) + (8).to_bytes(2, "little", signed=True) + bytes(4)
    below = bytes([0x7B, 0x1A]) + (-8).to_bytes(2, "little", signed=True) + bytes(4)

    assert stack_arguments(below + store) == [8]
