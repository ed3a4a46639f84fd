"""The compiled programs as they lie in the repository, checked against their committed checksums."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

from solders.pubkey import Pubkey

from core.domain.errors import Conflict, InvalidInput
from programs.client.ids import PROGRAM_IDS

PROGRAM_NAMES = ("registry", "oracle", "energy_token")
IDS_FILE = "program-ids.toml"
_ADVICE = "restore it from the repository, or run `make programs`"


@dataclass(frozen=True, slots=True)
class Build:
    """One compiled program and the address it was compiled for."""

    name: str
    program_id: Pubkey
    code: bytes

    @property
    def checksum(self) -> str:
        """SHA-256 of the code, in hex, as SHA256SUMS has it."""
        return hashlib.sha256(self.code).hexdigest()


def committed_builds(names: Sequence[str] = PROGRAM_NAMES) -> tuple[Build, ...]:
    """The programs named, in the order in which they are deployed.

    Raises:
        InvalidInput: a name is no program of ours, or its file is missing.
        Conflict: a file or the ids are not those that the checksums were made with.
    """
    unknown = sorted(set(names) - set(PROGRAM_NAMES))
    if unknown:
        raise InvalidInput(f"{unknown[0]} is no program; there are {', '.join(PROGRAM_NAMES)}")
    _require_sum("SOURCES.sha256", IDS_FILE, _read(IDS_FILE), "the programs were built for other ids: run `make programs`")
    return tuple(_build(name) for name in PROGRAM_NAMES if name in names)


def _build(name: str) -> Build:
    code = _read("artifacts", f"{name}.so")
    _require_sum("SHA256SUMS", f"{name}.so", code, f"programs/artifacts/{name}.so is not the committed build; {_ADVICE}")
    return Build(name, getattr(PROGRAM_IDS, name), code)


def _require_sum(sums: str, path: str, content: bytes, sentence: str) -> None:
    lines = _read("artifacts", sums).decode().splitlines()
    expected = {line.split("  ", 1)[1]: line.split("  ", 1)[0] for line in lines}
    if expected.get(path) != hashlib.sha256(content).hexdigest():
        raise Conflict(sentence)


def _read(*path: str) -> bytes:
    try:
        return files("programs").joinpath(*path).read_bytes()
    except FileNotFoundError as problem:
        raise InvalidInput(f"programs/{'/'.join(path)} is missing; {_ADVICE}") from problem
