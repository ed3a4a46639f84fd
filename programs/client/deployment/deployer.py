"""Carries the programs to where the builds are: look, take one step, look again."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from solders.instruction import Instruction
from solders.pubkey import Pubkey

from core.domain.errors import Conflict, InvalidInput, Unavailable
from programs.client import loader
from programs.client.confirmation import Expired, send_confirmed
from programs.client.deployment.builds import Build
from programs.client.deployment.survey import ProgramSurvey, Step, buffer_seed, survey
from programs.client.deployment.upload import Upload
from programs.client.instructions import system, upgradeable_loader
from programs.client.rpc import ChainClient, TransactionRefused
from programs.client.signer import Signer

LEAST_EXTENSION = 10_240
"""Bytes: newer loaders refuse to grow a program by less."""
LARGEST_ACCOUNT = 10 * 1024 * 1024
TRIES = 5
"""Of one step: blockhashes expire, and a node behind a balancer may not have seen the last step yet."""
NEXT_SLOT_LOOK_S = 0.2
NEXT_SLOT_LOOKS = 150


@dataclass(frozen=True, slots=True, kw_only=True)
class DeployerKeys:
    """Who signs a deployment."""

    payer: Signer
    authority: Signer
    """Upgrade authority of the programs."""
    programs: Mapping[str, Signer]
    """Keys of the programs' own addresses, by name; needed once each, when the program is new."""


class Deployer:
    """Deploys and upgrades; whatever interrupts it, the next run goes on from what the chain shows.

    Args:
        client: the chain.
        keys: who signs.
        tell: is told each step: program, step, share of it that is done.
    """

    def __init__(self, client: ChainClient, keys: DeployerKeys, tell: Callable[[str, Step, float], None]) -> None:
        self._client = client
        self._keys = keys
        self._tell = tell

    def require_possible(self, surveys: Sequence[ProgramSurvey], *, may_upgrade: bool) -> None:
        """Refuse before anything is spent.

        Raises:
            Conflict: a program obeys another key, is final, or differs and `may_upgrade` is off.
            InvalidInput: the key of a new program's address is missing.
        """
        for seen in surveys:
            if seen.next_step is Step.NOTHING:
                continue
            if seen.data is None:
                self._require_program_key(seen.build)
            else:
                self._require_upgradeable(seen, seen.data.upgrade_authority, may_upgrade=may_upgrade)

    async def run(self, builds: Sequence[Build]) -> None:
        """Bring every build to the chain, one after the other, and wait until each can be called.

        Raises:
            TransactionRefused: a step was refused again and again.
            Unavailable: the chain does not move or takes nothing any more; a later run goes on.
        """
        for build in builds:
            seen = await self._bring(build)
            await self._after_slot(seen)

    def _require_program_key(self, build: Build) -> None:
        signer = self._keys.programs.get(build.name)
        if signer is None:
            raise InvalidInput(
                f"{build.name} is not deployed at {build.program_id}, and no key of that address is there: draw one with"
                " `gridtokenx programs keys`, put its address into programs/program-ids.toml, and run `bash programs/build.sh`"
            )
        if signer.pubkey != build.program_id:
            raise InvalidInput(
                f"the key of {build.name} is that of {signer.pubkey}, but programs/program-ids.toml says {build.program_id}"
            )

    def _require_upgradeable(self, seen: ProgramSurvey, found: Pubkey | None, *, may_upgrade: bool) -> None:
        name, authority = seen.build.name, self._keys.authority.pubkey
        if not may_upgrade:
            raise Conflict(f"{name} runs another build ({seen.deployed_checksum}); give --upgrade to replace it")
        if found is None:
            raise Conflict(f"{name} is final: nobody can upgrade it")
        if found != authority:
            raise Conflict(f"{name} is upgraded by {found}, not by the key given ({authority})")

    async def _bring(self, build: Build) -> ProgramSurvey:
        tries: dict[Step, int] = {}
        while True:
            seen = (await survey(self._client, [build], self._keys.authority.pubkey))[0]
            step = seen.next_step
            self._tell(build.name, step, 0.0)
            if step is Step.NOTHING:
                return seen
            tries[step] = tries.get(step, 0) + 1
            try:
                await self._take(step, seen)
            except Expired:
                if tries[step] == TRIES:
                    raise
            except TransactionRefused:
                if tries[step] == TRIES:
                    raise
                await self._after_slot(seen)
            if tries[step] > TRIES:
                raise Unavailable(f"{build.name}: '{step.value}' has no effect that the node shows; run the command again")

    async def _take(self, step: Step, seen: ProgramSurvey) -> None:
        match step:
            case Step.MAKE_BUFFER:
                await self._make_buffer(seen)
            case Step.WRITE:
                await self._write(seen)
            case Step.DEPLOY:
                await self._deploy(seen)
            case Step.EXTEND:
                await self._extend(seen)
            case Step.UPGRADE:
                await self._upgrade(seen)
            case Step.NOTHING:
                return

    async def _make_buffer(self, seen: ProgramSurvey) -> None:
        authority, payer = self._keys.authority.pubkey, self._keys.payer.pubkey
        size = loader.BUFFER_HEADER + len(seen.build.code)
        rent = await self._client.minimum_balance(size)
        await self._send(
            *_fill_up(payer, seen.buffer_address, rent - seen.buffer_lamports),
            system.allocate_with_seed(authority, buffer_seed(seen.build), size, loader.PROGRAM),
            upgradeable_loader.initialize_buffer(seen.buffer_address, authority),
        )

    async def _write(self, seen: ProgramSurvey) -> None:
        name, keys = seen.build.name, self._keys
        upload = Upload(
            self._client,
            keys.payer,
            keys.authority,
            seen.buffer_address,
            seen.build.code,
            lambda share: self._tell(name, Step.WRITE, share),
        )
        await upload.run()

    async def _deploy(self, seen: ProgramSurvey) -> None:
        build, payer = seen.build, self._keys.payer.pubkey
        rent = await self._client.minimum_balance(loader.PROGRAM_SIZE)
        await self._send(
            *_fill_up(payer, build.program_id, rent - seen.program_lamports),
            system.allocate(build.program_id, loader.PROGRAM_SIZE),
            system.assign(build.program_id, loader.PROGRAM),
            upgradeable_loader.deploy(payer, build.program_id, seen.buffer_address, self._keys.authority.pubkey, len(build.code)),
            signers=[self._keys.programs[build.name]],
        )

    async def _extend(self, seen: ProgramSurvey) -> None:
        await self._after_slot(seen)
        program, payer, authority = seen.build.program_id, self._keys.payer.pubkey, self._keys.authority.pubkey
        more = _extension(seen)
        try:
            await self._send(upgradeable_loader.extend_checked(program, authority, payer, more))
        except TransactionRefused as refusal:
            if "InvalidInstructionData" not in refusal.name:
                raise
            await self._send(upgradeable_loader.extend(program, payer, more))

    async def _upgrade(self, seen: ProgramSurvey) -> None:
        await self._after_slot(seen)
        payer, authority = self._keys.payer.pubkey, self._keys.authority.pubkey
        await self._send(upgradeable_loader.upgrade(seen.build.program_id, seen.buffer_address, authority, payer))

    async def _send(self, *instructions: Instruction, signers: Sequence[Signer] = ()) -> None:
        await send_confirmed(self._client, self._keys.payer, instructions, [self._keys.authority, *signers])

    async def _after_slot(self, seen: ProgramSurvey) -> None:
        """A program can be called, extended and upgraded in a later slot than that of its last change."""
        changed = -1 if seen.data is None else seen.data.slot
        for _ in range(NEXT_SLOT_LOOKS):
            if await self._client.slot() > changed:
                return
            await asyncio.sleep(NEXT_SLOT_LOOK_S)
        raise Unavailable("the chain's slots do not move; run the command again later")


def _fill_up(payer: Pubkey, account: Pubkey, lamports: int) -> list[Instruction]:
    return [system.transfer(payer, account, lamports)] if lamports > 0 else []


def _extension(seen: ProgramSurvey) -> int:
    room = 0 if seen.data is None else len(seen.data.elf)
    most = LARGEST_ACCOUNT - loader.PROGRAM_DATA_HEADER - room
    return min(most, max(LEAST_EXTENSION, len(seen.build.code) - room))
