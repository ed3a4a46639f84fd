"""What of a program is on the chain, and the one step that comes next: a pure decision, so that every run resumes the last."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from solders.pubkey import Pubkey

from core.domain.errors import Conflict
from programs.client import loader
from programs.client.deployment.builds import Build
from programs.client.instructions import system
from programs.client.loader import Buffer, ProgramData, program_data_address
from programs.client.rpc import AccountInfo, ChainClient

SEED_LENGTH = 32
"""Characters that an address made with a seed may have."""
ACCOUNTS_OF_A_PROGRAM = 3


class Step(Enum):
    """What has to be done next for a program."""

    MAKE_BUFFER = "make a buffer"
    WRITE = "write the code"
    DEPLOY = "deploy"
    EXTEND = "make room"
    UPGRADE = "upgrade"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramSurvey:
    """One program as the chain shows it."""

    build: Build
    buffer_address: Pubkey
    program: AccountInfo | None
    """`None`: not deployed, though somebody may have sent lamports there."""
    data: ProgramData | None
    buffer: Buffer | None
    buffer_lamports: int
    """Lamports that lie at the buffer's address."""
    program_lamports: int

    @property
    def is_current(self) -> bool:
        """Whether the chain runs exactly this build."""
        return self.data is not None and self.data.runs(self.build.code)

    @property
    def deployed_checksum(self) -> str | None:
        """SHA-256 of the code that runs, without the room behind it."""
        if self.data is None:
            return None
        return self.build.checksum if self.is_current else hashlib.sha256(self.data.elf.rstrip(b"\0")).hexdigest()

    @property
    def next_step(self) -> Step:
        """What brings the build closer to running."""
        if self.is_current:
            return Step.NOTHING
        if self.buffer is None:
            return Step.MAKE_BUFFER
        if self.buffer.code != self.build.code:
            return Step.WRITE
        if self.data is None:
            return Step.DEPLOY
        return Step.EXTEND if len(self.data.elf) < len(self.build.code) else Step.UPGRADE


async def survey(client: ChainClient, builds: Sequence[Build], authority: Pubkey) -> list[ProgramSurvey]:
    """Look at the programs and at the buffers that this authority made for these builds.

    Raises:
        Conflict: something else lies at a program's or a buffer's address.
        Unavailable: the node does not answer.
    """
    keys = [
        key
        for build in builds
        for key in (build.program_id, program_data_address(build.program_id), buffer_address(build, authority))
    ]
    found = await client.accounts(keys)
    parts = [found[start : start + ACCOUNTS_OF_A_PROGRAM] for start in range(0, len(found), ACCOUNTS_OF_A_PROGRAM)]
    return [_survey(build, authority, *accounts) for build, accounts in zip(builds, parts, strict=True)]


def buffer_address(build: Build, authority: Pubkey) -> Pubkey:
    """Where an authority uploads a build: always the same place, so that a second run finds what the first one wrote."""
    return system.seeded_address(authority, buffer_seed(build), loader.PROGRAM)


def buffer_seed(build: Build) -> str:
    """What tells the buffers of one authority apart."""
    return hashlib.sha256(bytes(build.program_id) + build.code).hexdigest()[:SEED_LENGTH]


def _survey(
    build: Build, authority: Pubkey, program: AccountInfo | None, data: AccountInfo | None, buffer: AccountInfo | None
) -> ProgramSurvey:
    deployed = _deployed(build, program)
    return ProgramSurvey(
        build=build,
        buffer_address=buffer_address(build, authority),
        program=deployed,
        data=ProgramData.decode(data.data) if deployed is not None and data is not None else None,
        buffer=_buffer(build, authority, buffer),
        buffer_lamports=0 if buffer is None else buffer.lamports,
        program_lamports=0 if program is None else program.lamports,
    )


def _deployed(build: Build, account: AccountInfo | None) -> AccountInfo | None:
    if account is None or _is_bare(account):
        return None
    if account.owner != loader.PROGRAM or account.data != loader.encode_program(program_data_address(build.program_id)):
        raise Conflict(
            f"what lies at {build.program_id} is no program of the upgradeable loader, so {build.name} cannot go there"
        )
    return account


def _buffer(build: Build, authority: Pubkey, account: AccountInfo | None) -> Buffer | None:
    if account is None or _is_bare(account):
        return None
    buffer = Buffer.decode(account.data) if account.owner == loader.PROGRAM else None
    if buffer is None or buffer.authority != authority or len(buffer.code) != len(build.code):
        raise Conflict(f"the buffer {buffer_address(build, authority)} of {build.name} is not as this command makes it; close it")
    return buffer


def _is_bare(account: AccountInfo) -> bool:
    """Anybody may send lamports to an address before its account is made; that must not stop us."""
    return account.owner == system.PROGRAM and not account.data
