"""Defects 1 and 1b: the Ed25519 check looks at other bytes than the program reads, or a wrapper hands forged ones over."""

import struct

import pytest
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from programs.client.errors import code
from programs.client.instructions.oracle import ProvenReading
from tests.support.grid import Device, Grid
from tests.support.svm import artifact
from tests.support.tampering import with_account, with_bytes, with_data

CHECK, SUBMISSION = 2, 3
"""Positions in the transaction: limit, price, Ed25519 check, submission."""
SYSTEM = Pubkey.default()
MEMO = Pubkey.from_string("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr")


@pytest.fixture
def grid() -> Grid:
    return Grid.initialised()


def entry(grid: Grid, device: Device, generation_wh: int = 1_000) -> list[Instruction]:
    return grid.proven(device.reading(1, generation_wh, measured_at=grid.now))


def refused(grid: Grid, instructions: list[Instruction]) -> str:
    refusal = grid.chain.refused(instructions, [grid.attesters[0]], payer=grid.attesters[0], check_size=False)
    assert refusal.instruction is not None
    return refusal.reason if refusal.code is None else f"{refusal.instruction}:{refusal.code}"


def by_oracle(name: str, position: int = SUBMISSION) -> str:
    return f"{position}:{code('oracle', name)}"


def with_field(instructions: list[Instruction], field: int, value: int) -> list[Instruction]:
    """The transaction with one field of the first entry changed."""
    check = with_bytes(instructions[CHECK], 2 + 2 * field, struct.pack("<H", value))
    return [*instructions[:CHECK], check, *instructions[SUBMISSION:]]


@pytest.mark.parametrize(("field", "genuine_at"), [(0, 45), (2, 13), (4, 109)], ids=["signature", "key", "message"])
def test_each_offset_must_be_the_one_that_is_read_though_the_same_bytes_lie_elsewhere(grid: Grid, field: int, genuine_at: int):
    """The same reading twice: the check of the first looks into the second, and the precompile is content."""
    device = grid.meter()
    reading = device.reading(1, 1_000, measured_at=grid.now)
    instructions = grid.proven(reading, reading)

    attempt = with_field(instructions, field, genuine_at + 160)

    assert refused(grid, attempt) == by_oracle("SignatureCheckMismatch")
    assert grid.supply() == 0


def test_the_message_size_must_be_that_of_a_statement(grid: Grid):
    """The device did sign the first half: the other half would be the attacker's."""
    device = grid.meter()
    statement = device.statement(1, 90_000, measured_at=grid.now)
    half = ProvenReading(bytes(device.key.pubkey()), bytes(device.key.sign_message(statement[:32])), statement, device.accounts)

    attempt = with_field(grid.proven(half), 5, 32)

    assert refused(grid, attempt) == by_oracle("SignatureCheckMismatch")
    assert grid.supply() == 0


@pytest.mark.parametrize("field", [1, 3, 6], ids=["signature", "key", "message"])
def test_each_instruction_index_must_be_the_submissions_own(grid: Grid, field: int):
    """A decoy behind the submission holds the same bytes at the same places, and the precompile is content."""
    instructions = entry(grid, grid.meter())
    decoy = Instruction(SYSTEM, bytes(instructions[SUBMISSION].data), [])

    attempt = with_field([*instructions, decoy], field, SUBMISSION + 1)

    assert refused(grid, attempt) == by_oracle("SignatureCheckMismatch")
    assert grid.supply() == 0


@pytest.mark.parametrize("index", [0xFFFF, CHECK])
def test_bytes_in_the_check_itself_are_not_read(grid: Grid, index: int):
    """0xffff means "this instruction" to the precompile: forged bytes in the submission, genuine ones in the check."""
    device = grid.meter()
    genuine = device.reading(1, 1_000, measured_at=grid.now)
    forged = ProvenReading(genuine.key, genuine.signature, device.statement(1, 90_000, measured_at=grid.now), device.accounts)
    instructions = grid.proven(forged)
    body = genuine.key + genuine.signature + genuine.statement
    fields = struct.pack("<7H", 16 + 32, index, 16, index, 16 + 96, 64, index)
    check = with_data(instructions[CHECK], b"\1\0" + fields + body)

    assert refused(grid, [*instructions[:CHECK], check, instructions[SUBMISSION]]) == by_oracle("SignatureCheckMismatch")
    assert grid.supply() == 0


@pytest.mark.parametrize("count", [0, 1])
def test_the_count_must_be_that_of_the_readings(grid: Grid, count: int):
    devices = grid.meters(2)
    instructions = grid.proven(*(device.reading(1, 1_000, measured_at=grid.now) for device in devices))
    check = bytes([count, 0]) + bytes(instructions[CHECK].data)[2 : 2 + 14 * count]

    attempt = [*instructions[:CHECK], with_data(instructions[CHECK], check), instructions[SUBMISSION]]

    assert refused(grid, attempt) == by_oracle("SignatureCheckMismatch")


def test_entries_behind_the_count_are_not_verified_and_not_taken(grid: Grid):
    devices = grid.meters(2)
    instructions = grid.proven(*(device.reading(1, 1_000, measured_at=grid.now) for device in devices))
    check = with_bytes(instructions[CHECK], 0, b"\1")

    assert refused(grid, [*instructions[:CHECK], check, instructions[SUBMISSION]]) == by_oracle("SignatureCheckMismatch")


def test_a_submission_without_a_check_is_refused(grid: Grid):
    instructions = entry(grid, grid.meter())

    assert refused(grid, [*instructions[:CHECK], instructions[SUBMISSION]]) == by_oracle("SignatureCheckMissing", CHECK)
    assert refused(grid, [instructions[SUBMISSION]]) == by_oracle("SignatureCheckMissing", 0)


def test_a_check_that_is_not_directly_before_does_not_count(grid: Grid):
    limit, price, check, submission = entry(grid, grid.meter())

    assert refused(grid, [limit, check, price, submission]) == by_oracle("SignatureCheckMissing")


def test_a_check_behind_the_submission_does_not_count(grid: Grid):
    limit, price, check, submission = entry(grid, grid.meter())
    for field in (1, 3, 6):
        check = with_bytes(check, 2 + 2 * field, struct.pack("<H", CHECK))

    assert refused(grid, [limit, price, submission, check]) == by_oracle("SignatureCheckMissing", CHECK)


def test_another_program_cannot_play_the_precompile(grid: Grid):
    """The memo program takes the same bytes and verifies nothing."""
    instructions = entry(grid, grid.meter())
    impostor = Instruction(MEMO, bytes(instructions[CHECK].data), [])

    assert refused(grid, [*instructions[:CHECK], impostor, instructions[SUBMISSION]]) == by_oracle("SignatureCheckMissing")
    assert grid.supply() == 0


def test_a_forged_signature_fails_in_the_precompile(grid: Grid):
    device = grid.meter()
    forged = device.signed(device.statement(1, 90_000, measured_at=grid.now), Keypair())
    as_device = type(forged)(bytes(device.key.pubkey()), forged.signature, forged.statement, forged.accounts)

    refusal = grid.chain.refused(grid.proven(as_device), [grid.attesters[0]], payer=grid.attesters[0], check_size=False)

    assert refusal.instruction == CHECK
    assert grid.supply() == 0


def test_the_sysvar_cannot_be_replaced_by_an_account_of_the_same_bytes(grid: Grid):
    instructions = entry(grid, grid.meter())
    fake = Keypair().pubkey()
    grid.chain.write(fake, bytes(500), grid.at.oracle.id)

    attempt = [*instructions[:SUBMISSION], with_account(instructions[SUBMISSION], 2, fake)]

    assert refused(grid, attempt) == by_oracle("WrongAddress")


# --- 1b: a wrapper -------------------------------------------------------------------------------------------------------


def wrapped(grid: Grid, target: Instruction, kept: bytes, handed: bytes) -> Instruction:
    """The wrapper's instruction: it keeps `kept` for the precompile to look at and hands `handed` to the target's program."""
    program = Keypair().pubkey()
    grid.chain.deploy(program, artifact("hostile_wrapper"), grid.upgrade.pubkey())
    accounts = [AccountMeta(target.program_id, is_signer=False, is_writable=False), *target.accounts]
    return Instruction(program, len(kept).to_bytes(2, "little") + kept + handed, accounts)


def shifted(check: Instruction) -> Instruction:
    """The check of the bytes that the wrapper keeps: they lie two bytes further on."""
    signature, index, key, _, message, size, _ = struct.unpack("<7H", bytes(check.data)[2:])
    return with_bytes(check, 2, struct.pack("<7H", signature + 2, index, key + 2, index, message + 2, size, index))


def test_a_wrapper_cannot_hand_over_other_readings_than_were_verified(grid: Grid):
    device = grid.meter()
    limit, price, check, genuine = grid.proven(device.reading(1, 1_000, measured_at=grid.now), zones=None)
    forged = device.statement(1, 90_000, measured_at=grid.now)
    data = bytes(genuine.data)
    wrapper = wrapped(grid, genuine, kept=data, handed=data[:-64] + forged)

    assert refused(grid, [limit, price, shifted(check), wrapper]) == by_oracle("NotTopLevel")
    assert grid.meter_account(device).reading_count == 0


def test_even_genuine_readings_do_not_come_through_a_wrapper(grid: Grid):
    device = grid.meter()
    limit, price, check, genuine = grid.proven(device.reading(1, 1_000, measured_at=grid.now), zones=None)
    data = bytes(genuine.data)
    wrapper = wrapped(grid, genuine, kept=b"", handed=data)

    assert refused(grid, [limit, price, shifted(check), wrapper]) == by_oracle("NotTopLevel")


def test_a_wrapper_between_check_and_genuine_submission_gains_nothing(grid: Grid):
    """The genuine submission stands at top level behind the check; the wrapper's forged call comes with the same transaction."""
    device = grid.meter()
    limit, price, check, genuine = grid.proven(device.reading(1, 1_000, measured_at=grid.now), zones=None)
    forged = bytes(genuine.data)[:-64] + device.statement(2, 90_000, measured_at=grid.now)
    wrapper = wrapped(grid, genuine, kept=b"", handed=forged)

    assert refused(grid, [limit, price, check, genuine, wrapper]) == by_oracle("NotTopLevel", SUBMISSION + 1)
    assert grid.meter_account(device).reading_count == 0


def test_the_same_for_a_binding(grid: Grid):
    owner, key = grid.user(), Keypair()
    enrolment = grid.enrolment("MTR-009", owner.pubkey(), key)
    check, genuine = grid.registration(enrolment)
    wrapper = wrapped(grid, genuine, kept=b"", handed=bytes(genuine.data))

    refusal = grid.chain.refused([shifted(check), wrapper], [owner, grid.provisioner], check_size=False)

    assert refusal.code == code("registry", "NotTopLevel")
    assert grid.chain.data(grid.at.meter("MTR-009")) is None
