"""The on-chain programs on a chain in a variable: other accounts, rights, data and proofs in every instruction."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any, Final, final

from solders.instruction import AccountMeta, Instruction
from solders.pubkey import Pubkey
from solders.transaction_metadata import FailedTransactionMetadata

from programs.client.error_codes import BY_PROGRAM
from programs.client.errors import program_error
from programs.client.ids import PROGRAM_IDS
from programs.client.instructions import ed25519
from tests.fuzz.door import Door, Try
from tests.fuzz.mutations import NUMBERS, bent
from tests.fuzz.stage import CORRECTS, CREDITS, RETIRES, WH, Stage, Template

Change = list[Any]
"""`[what, instruction, …]`, as JSON writes it."""

PANICS: Final = frozenset(
    {
        "ProgramFailedToComplete",
        "AccessViolation",
        "ComputationalBudgetExceeded",
        "ExternalAccountDataModified",
        "ExternalAccountLamportSpend",
        "ReadonlyDataModified",
        "ReadonlyLamportChange",
        "UnbalancedInstruction",
        "ModifiedProgramId",
        "AccountBorrowFailed",
        "AccountBorrowOutstanding",
        "AccountDataSizeChanged",
        "RentModified",
        "GenericError",
    }
)
"""What the runtime says when a program misbehaves: each is a check that the program should have made itself."""
_CONSUMED: Final = re.compile(r"Program \w+ consumed ([0-9]+) of ([0-9]+) compute units")
LANDED, UNCHANGED = "landed", "landed without effect"
BY_NAME, BY_RUNTIME, NOT_SENT = "refused by name", "refused by the runtime", "not sendable"


class _StagedDoor(Door):
    """A template's number, then the changes as JSON."""

    batch = 16

    async def open(self, random: Random) -> None:
        del random
        self._stage = Stage()
        self._chosen = self._choose(self._stage)
        self.count_of_codes: set[tuple[str, int]] = set()

    def _choose(self, stage: Stage) -> Sequence[Template]:
        raise NotImplementedError

    async def give(self, data: bytes) -> str:
        template = self._chosen[data[0] % len(self._chosen)] if data else self._chosen[0]
        try:
            changes = json.loads(data[1:])
        except ValueError:
            return NOT_SENT
        try:
            return self._send(template, changes)
        finally:
            self._stage.restore()

    def _send(self, template: Template, changes: Sequence[Change]) -> str:
        instructions = list(template.instructions)
        for change in changes:
            instructions = _changed(self._stage, instructions, change)
        chain = self._stage.grid.chain
        try:
            _, transaction = chain.sign([self._signable(one) for one in instructions], list(self._stage.keys.values()))
        except Exception as problem:
            if type(problem).__name__ in ("CompileError", "SignerError", "MessageError"):
                return NOT_SENT
            raise
        if len(bytes(transaction)) > 4_000:
            return NOT_SENT
        result = chain.svm.send_transaction(transaction)
        if isinstance(result, FailedTransactionMetadata):
            return self._refused(json.loads(result.to_json())["err"], result.meta().logs(), instructions)
        return self._landed(template)

    def _signable(self, instruction: Instruction) -> Instruction:
        """Without the signatures that nobody here can make."""
        accounts = [
            AccountMeta(meta.pubkey, is_signer=meta.is_signer and meta.pubkey in self._stage.keys, is_writable=meta.is_writable)
            for meta in instruction.accounts
        ]
        return Instruction(instruction.program_id, bytes(instruction.data), accounts)

    def _refused(self, err: Any, logs: Sequence[str], instructions: Sequence[Instruction]) -> str:
        """Nothing changed, and who refused has a name for it."""
        assert not self._stage.is_changed(), f"a failed transaction changed an account: {err}"
        match err:
            case {"InstructionError": [_, {"Custom": int(code)}]}:
                failed = _failed_program(logs, code)
                if failed in BY_PROGRAM:
                    found = program_error(err, logs=logs, programs=[one.program_id for one in instructions])
                    assert found is not None, f"{failed} refused with {code}, which has no name"
                    self.count_of_codes.add((failed, code))
                    return BY_NAME
                return BY_RUNTIME
            case {"InstructionError": [_, reason]}:
                name = reason if isinstance(reason, str) else next(iter(reason))
                assert name not in PANICS or _ran_out(logs), f"a program misbehaved: {err} {logs[-3:]}"
                return BY_RUNTIME
            case _:
                return BY_RUNTIME

    def _landed(self, template: Template) -> str:
        """Supply is what the ledgers settled, less what was retired; energy came through its own doors alone."""
        before, now = self._stage.books, self._stage.sums()
        retired = before.supply - now.supply + WH * (now.settled_wh - before.settled_wh)
        assert now.held == now.supply, f"{now.held} base units are held, and {now.supply} exist"
        assert retired == 0 or (template.name in RETIRES and retired > 0), (
            f"{retired} base units went elsewhere by {template.name}"
        )
        assert now.credited_wh == before.credited_wh or template.name in CREDITS, f"{template.name} credited energy"
        assert now.corrected_wh == before.corrected_wh or template.name in CORRECTS, f"{template.name} corrected energy"
        return LANDED if self._stage.is_changed() else UNCHANGED


def _ran_out(logs: Sequence[str]) -> bool:
    """Whether the transaction itself allowed too few compute units."""
    used = (match for line in logs if (match := _CONSUMED.fullmatch(line)))
    return any(match[1] == match[2] for match in used)


def _failed_program(logs: Sequence[str], code: int) -> str | None:
    """The name of our program that said so first; None for another's."""
    line = next((line for line in logs if line.endswith(f"failed: custom program error: {code:#x}")), "")
    parts = line.split()
    return PROGRAM_IDS.name_of(Pubkey.from_string(parts[1])) if len(parts) > 1 else None


@final
class ProgramsDoor(_StagedDoor):
    """Every instruction of registry, oracle and energy token."""

    name = "programs"
    share = 80
    labels = frozenset({LANDED, UNCHANGED, BY_NAME, BY_RUNTIME, NOT_SENT})
    unlikely = frozenset({NOT_SENT})
    least: Mapping[str, float] = {LANDED: 8, BY_NAME: 40, BY_RUNTIME: 0.3}

    async def open(self, random: Random) -> None:
        await super().open(random)
        for template in self._chosen:
            label = self._send(template, [])
            assert (label in (LANDED, UNCHANGED)) == template.lands, f"{template.name}: {label}"
            self._stage.restore()

    def _choose(self, stage: Stage) -> Sequence[Template]:
        return stage.templates

    def make(self, random: Random) -> Try:
        number = random.randrange(len(self._chosen))
        template = self._chosen[number]
        if random.random() < 0.06 and template.lands:
            return Try(bytes((number,)) + b"[]")
        changes = [_change(random, self._stage, template.instructions) for _ in range(random.choice((1, 1, 1, 2, 4)))]
        return Try(bytes((number,)) + json.dumps(changes).encode())

    async def settle(self) -> None:
        """All three programs refused in many words: the inputs get past the first checks."""
        for program in BY_PROGRAM:
            heard = {code for name, code in self.count_of_codes if name == program}
            assert len(heard) >= 8, f"{program} refused with {len(heard)} codes only"


@final
class ProofsDoor(_StagedDoor):
    """The Ed25519 instruction and what it points at, in everything that a device signs."""

    name = "proofs"
    share = 30
    labels = frozenset({LANDED, UNCHANGED, BY_NAME, BY_RUNTIME})
    rare = frozenset({UNCHANGED})
    least: Mapping[str, float] = {LANDED: 4, BY_NAME: 15, BY_RUNTIME: 5}

    def _choose(self, stage: Stage) -> Sequence[Template]:
        wanted = {"submit_meter_reading", "credit_only", "register_meter", "resume_meter", "rotate_device_key"}
        return [template for template in stage.templates if template.name in wanted]

    async def open(self, random: Random) -> None:
        await super().open(random)
        self._honest: dict[str, tuple[object, ...]] = {}
        for template in self._chosen:
            assert self._send(template, []) == LANDED
            self._honest[template.name] = self._effect()
            self._stage.restore()

    def make(self, random: Random) -> Try:
        number = random.randrange(len(self._chosen))
        instructions = self._chosen[number].instructions
        if random.random() < 0.06:
            return Try(bytes((number,)) + b"[]", LANDED)
        at = next(at for at, one in enumerate(instructions) if one.program_id == ed25519.PROGRAM)
        if random.random() < 0.25:
            return Try(bytes((number,)) + json.dumps(_decoy(random, instructions, at)).encode())
        changes = [_proof_change(random, instructions, at) for _ in range(random.choice((1, 1, 2, 3)))]
        return Try(bytes((number,)) + json.dumps(changes).encode())

    def _landed(self, template: Template) -> str:
        """What landed is what the device signed, whatever else was changed."""
        label = super()._landed(template)
        if label == LANDED and self._honest.get(template.name) is not None:
            assert self._effect() == self._honest[template.name], f"{template.name} took what no device signed"
        return label

    def _effect(self) -> tuple[object, ...]:
        grid = self._stage.grid
        parts: list[object] = []
        for device in (self._stage.register, self._stage.resting):
            meter = grid.meter_account(device)
            parts += [meter.credited_generation_wh, meter.credited_consumption_wh, meter.last_sequence, meter.last_measured_at]
            parts += [meter.device_key, meter.base_sequence, meter.raw_generation_wh, meter.status]
        new = grid.chain.data(grid.at.meter("MTR-NEW"))
        return (*parts, None if new is None else new[:200])


# --- changes -----------------------------------------------------------------------------------------------------------


def _change(random: Random, stage: Stage, instructions: Sequence[Instruction]) -> Change:
    return random.choice(_CHANGES)(random, stage, instructions)


def _data(random: Random, stage: Stage, instructions: Sequence[Instruction]) -> Change:
    at = random.randrange(len(instructions))
    data = bytes(instructions[at].data)
    kept = 8 if random.random() < 0.8 else 0
    return ["data", at, (data[:kept] + bent(random, data[kept:])[:1_200]).hex()]


def _account(random: Random, stage: Stage, instructions: Sequence[Instruction]) -> Change:
    at = _with_accounts(random, instructions)
    return ["account", at, random.randrange(max(1, len(instructions[at].accounts))), random.randrange(len(stage.pool))]


def _near_account(random: Random, stage: Stage, instructions: Sequence[Instruction]) -> Change:
    """Another account of the same instruction: duplicates and exchanges."""
    at = _with_accounts(random, instructions)
    count = max(1, len(instructions[at].accounts))
    other = instructions[at].accounts[random.randrange(count)].pubkey if instructions[at].accounts else stage.pool[0]
    return ["account", at, random.randrange(count), stage.pool.index(other)]


def _rights(random: Random, stage: Stage, instructions: Sequence[Instruction]) -> Change:
    at = _with_accounts(random, instructions)
    return ["rights", at, random.randrange(max(1, len(instructions[at].accounts))), random.randrange(2), random.randrange(2)]


def _fewer(random: Random, stage: Stage, instructions: Sequence[Instruction]) -> Change:
    at = _with_accounts(random, instructions)
    return ["fewer", at, random.randrange(max(1, len(instructions[at].accounts)))]


def _more(random: Random, stage: Stage, instructions: Sequence[Instruction]) -> Change:
    at = _with_accounts(random, instructions)
    return ["more", at, random.randrange(len(stage.pool)), random.randrange(1, 12)]


def _order(random: Random, stage: Stage, instructions: Sequence[Instruction]) -> Change:
    return ["order", random.randrange(len(instructions)), random.randrange(len(instructions))]


def _twice(random: Random, stage: Stage, instructions: Sequence[Instruction]) -> Change:
    return ["twice", random.randrange(len(instructions))]


def _without(random: Random, stage: Stage, instructions: Sequence[Instruction]) -> Change:
    return ["without", random.randrange(len(instructions))]


def _other_program(random: Random, stage: Stage, instructions: Sequence[Instruction]) -> Change:
    return ["program", random.randrange(len(instructions)), random.randrange(3)]


_CHANGES: Final[tuple[Callable[[Random, Stage, Sequence[Instruction]], Change], ...]] = (
    *(_data,) * 5,
    *(_account,) * 5,
    *(_near_account,) * 2,
    *(_rights,) * 2,
    _fewer,
    _more,
    _order,
    _twice,
    _without,
    _other_program,
)


def _with_accounts(random: Random, instructions: Sequence[Instruction]) -> int:
    """The last instruction mostly: the ones before it are the budget and the proof."""
    return len(instructions) - 1 if random.random() < 0.9 else random.randrange(len(instructions))


def _proof_change(random: Random, instructions: Sequence[Instruction], at: int) -> Change:
    """One field of the header, one byte of what it points at, or the place of an instruction."""
    choice = random.random()
    if choice < 0.6:
        data = bytearray(bytes(instructions[at].data))
        field = random.randrange(2, len(data) - 1, 2) if random.random() < 0.9 else 0
        number = random.choice(
            (*NUMBERS, at, at + 1, 8, 9, 0xFFFF, 0xFFFE, int.from_bytes(data[field : field + 2], "little") + 1)
        )
        data[field : field + 2] = (number % 65_536).to_bytes(2, "little")
        return ["data", at, bytes(data).hex()]
    if choice < 0.75:
        return ["data", at, bent(random, bytes(instructions[at].data))[:1_000].hex()]
    if choice < 0.93:
        target = len(instructions) - 1
        data = bytes(instructions[target].data)
        return ["data", target, (data[:8] + bent(random, data[8:])[:1_000]).hex()]
    return random.choice((["twice", at], ["without", at], ["order", at, len(instructions) - 1], ["twice", len(instructions) - 1]))


def _decoy(random: Random, instructions: Sequence[Instruction], at: int) -> list[Change]:
    """A genuine copy for the verifier, and a forged one for the program: which of them is read?"""
    last = len(instructions) - 1
    header = bytearray(bytes(instructions[at].data))
    data = bytes(instructions[last].data)
    for field in range(2, len(header) - 1, 14):
        for index in random.sample((2, 6, 12), random.randrange(1, 4)):
            header[field + index : field + index + 2] = (last + 1).to_bytes(2, "little")
    forged = data[:8] + bent(random, data[8:])[:1_000] if random.random() < 0.7 else data
    return [["twice", last], ["data", last, forged.hex()], ["data", at, bytes(header).hex()]]


def _changed(stage: Stage, instructions: list[Instruction], change: Change) -> list[Instruction]:
    """Apply a change; one that fits nothing any more changes nothing."""
    match change:
        case ["data", int(at), str(text)] if at < len(instructions):
            return _with(instructions, at, data=bytes.fromhex(text))
        case ["account", int(at), int(place), int(key)] if at < len(instructions):
            return _with_meta(instructions, at, place, lambda meta: _meta(stage.pool[key], meta.is_signer, meta.is_writable))
        case ["rights", int(at), int(place), int(signs), int(writes)] if at < len(instructions):
            return _with_meta(instructions, at, place, lambda meta: _meta(meta.pubkey, bool(signs), bool(writes)))
        case ["fewer", int(at), int(place)] if at < len(instructions):
            return _with(instructions, at, accounts=[m for n, m in enumerate(instructions[at].accounts) if n != place])
        case ["more", int(at), int(key), int(times)] if at < len(instructions):
            return _with(instructions, at, accounts=[*instructions[at].accounts, *[_meta(stage.pool[key], False, True)] * times])
        case ["order", int(one), int(other)] if max(one, other) < len(instructions):
            moved = list(instructions)
            moved[one], moved[other] = moved[other], moved[one]
            return moved
        case ["twice", int(at)] if at < len(instructions):
            return [*instructions[: at + 1], *instructions[at:]]
        case ["without", int(at)]:
            return [one for number, one in enumerate(instructions) if number != at]
        case ["program", int(at), int(which)] if at < len(instructions):
            program = (PROGRAM_IDS.registry, PROGRAM_IDS.oracle, PROGRAM_IDS.energy_token)[which % 3]
            one = instructions[at]
            return [*instructions[:at], Instruction(program, bytes(one.data), one.accounts), *instructions[at + 1 :]]
        case _:
            return instructions


def _with(
    instructions: list[Instruction], at: int, *, data: bytes | None = None, accounts: Sequence[AccountMeta] | None = None
) -> list[Instruction]:
    one = instructions[at]
    changed = Instruction(
        one.program_id, bytes(one.data) if data is None else data, list(one.accounts if accounts is None else accounts)
    )
    return [*instructions[:at], changed, *instructions[at + 1 :]]


def _with_meta(
    instructions: list[Instruction], at: int, place: int, change: Callable[[AccountMeta], AccountMeta]
) -> list[Instruction]:
    accounts = [change(meta) if number == place else meta for number, meta in enumerate(instructions[at].accounts)]
    return _with(instructions, at, accounts=accounts)


def _meta(key: Pubkey, signs: bool, writes: bool) -> AccountMeta:
    return AccountMeta(key, is_signer=signs, is_writable=writes)
