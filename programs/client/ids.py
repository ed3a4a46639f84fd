"""Where the programs live: read from the one file that also the Rust sources are built from."""

import tomllib
from dataclasses import dataclass
from importlib.resources import files

from solders.pubkey import Pubkey


@dataclass(frozen=True, slots=True)
class ProgramIds:
    """The addresses of one deployment's programs."""

    registry: Pubkey
    oracle: Pubkey
    energy_token: Pubkey

    def name_of(self, program: Pubkey) -> str | None:
        """`registry`, `oracle`, `energy_token`, or `None` for somebody else's program."""
        if program == self.registry:
            return "registry"
        if program == self.oracle:
            return "oracle"
        return "energy_token" if program == self.energy_token else None


def load_program_ids(text: str | None = None) -> ProgramIds:
    """Read program ids from TOML text, by default from `programs/program-ids.toml`."""
    source = files("programs").joinpath("program-ids.toml").read_text("ascii") if text is None else text
    rows = tomllib.loads(source)
    return ProgramIds(
        registry=Pubkey.from_string(rows["registry"]),
        oracle=Pubkey.from_string(rows["oracle"]),
        energy_token=Pubkey.from_string(rows["energy_token"]),
    )


PROGRAM_IDS = load_program_ids()
"""The ids that the committed artifacts were built with."""
