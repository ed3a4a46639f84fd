"""What devices sign for the registry: defects 1, 1b, 2, 9 and 11 at binding, resumption and rotation."""

from dataclasses import replace
from typing import Any

import pytest
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from programs.client.enrolment import register_meter_instructions
from programs.client.instructions import ed25519
from programs.client.messages import BINDING_MAGIC, REGISTER_MAGIC
from tests.support.grid import Grid
from tests.support.registry_steps import (
    ACTIVE,
    RETIRED,
    SUSPENDED,
    binding_of,
    credited,
    refusal,
    resumption,
    revocation,
    rotation,
    set_status,
    status,
    with_key,
)
from tests.support.svm import artifact
from tests.support.tampering import unsigned

DAY_S = 86_400
SIGNED_BYTE = 72
"""A byte of what the device signed, in all three instructions: sequence or time."""


def enrolled(grid: Grid, **plate: Any) -> tuple[list[Instruction], Keypair, Keypair]:
    """A correct registration, not yet sent, with its owner and device."""
    owner, key = grid.user(), Keypair()
    return grid.registration(grid.enrolment("MTR-1", owner.pubkey(), key, **plate)), owner, key


def nothing_was_registered(grid: Grid) -> bool:
    """No meter exists and nobody counted one."""
    return grid.chain.data(grid.at.meter("MTR-1")) is None and grid.zone_account().meter_count == 0


@pytest.mark.parametrize("byte", range(16))
def test_an_ed25519_header_that_points_elsewhere_is_refused(byte: int):
    grid = Grid.initialised()
    (proof, register), owner, _ = enrolled(grid)
    data = bytearray(proof.data)
    data[byte] ^= 1

    refused = grid.chain.refused([Instruction(proof.program_id, bytes(data), []), register], (owner, grid.provisioner))

    # The precompile itself refuses what it cannot verify; what it can, the registry refuses.
    assert refused.instruction == 0 or refused.code == refusal("SignatureCheckMismatch")
    assert nothing_was_registered(grid)


def test_genuine_bytes_of_another_instruction_do_not_prove_a_binding():
    grid = Grid.initialised()
    (proof, register), owner, _ = enrolled(grid)
    forged = bytearray(register.data)
    forged[64] ^= 1  # the owner's key in the binding
    elsewhere = bytearray(proof.data)
    for field in (4, 8, 14):
        elsewhere[field : field + 2] = (2).to_bytes(2, "little")
    carrier = Instruction(Pubkey.default(), bytes(register.data), [])

    refused = grid.chain.refused(
        [
            Instruction(proof.program_id, bytes(elsewhere), []),
            Instruction(register.program_id, bytes(forged), register.accounts),
            carrier,
        ],
        (owner, grid.provisioner),
    )

    assert refused.code == refusal("SignatureCheckMismatch")
    assert nothing_was_registered(grid)


def test_a_registration_without_the_check_before_it_is_refused():
    grid = Grid.initialised()
    (_, register), owner, _ = enrolled(grid)
    signature_at = 104
    place = ed25519.Place(signature_at, signature_at + 64, 8, 96)
    after = ed25519.verify_elsewhere([place], 0)

    assert grid.refused([register], owner, grid.provisioner) == refusal("SignatureCheckMissing")
    assert grid.refused([register, after], owner, grid.provisioner) == refusal("SignatureCheckMissing")
    assert nothing_was_registered(grid)


@pytest.mark.parametrize("what", ["register", "resume", "rotate"])
def test_a_wrapper_program_does_not_bring_forged_bytes_by_cpi(what: str):
    grid = Grid.initialised()
    wrapper = Keypair().pubkey()
    grid.chain.deploy(wrapper, artifact("hostile_wrapper"), None)
    if what == "register":
        (proof, inner), owner, _ = enrolled(grid)
    else:
        device = grid.meter()
        owner = device.owner
        if what == "resume":
            set_status(grid, device, SUSPENDED)
            base = binding_of(grid, device, sequence=1, measured_at=grid.now, registers_wh=(5, 5))
            proof, inner = resumption(grid, base, device.key)
        else:
            proof, inner = rotation(grid, device, device.key, Keypair(), valid_from=grid.now)
    genuine = bytes(inner.data)
    forged = genuine[:SIGNED_BYTE] + bytes([genuine[SIGNED_BYTE] ^ 1]) + genuine[SIGNED_BYTE + 1 :]
    accounts = [AccountMeta(inner.program_id, is_signer=False, is_writable=False), *inner.accounts]
    shown = len(genuine).to_bytes(2, "little") + genuine

    for handed in (genuine, forged):
        wrapped = Instruction(wrapper, shown + handed, accounts)
        code = grid.refused([moved(proof, 2), wrapped], owner, grid.provisioner)
        assert code == refusal("NotTopLevel")


def moved(proof: Instruction, by: int) -> Instruction:
    """The same check of the same bytes, which lie `by` bytes later in the other instruction."""
    data = bytearray(bytes(proof.data))
    for entry in range(2, len(data), 14):
        for field in (0, 4, 8):
            at = entry + field
            data[at : at + 2] = (int.from_bytes(data[at : at + 2], "little") + by).to_bytes(2, "little")
    return Instruction(proof.program_id, bytes(data), [])


def test_a_binding_for_another_network_purpose_owner_or_meter_is_refused():
    grid = Grid.initialised()
    owner, key = grid.user(), Keypair()
    good = grid.enrolment("MTR-1", owner.pubkey(), key)
    cases = {
        "WrongNetwork": replace(good.binding, network=bytes(8)),
        "WrongBinding": replace(good.binding, magic=REGISTER_MAGIC),
        "WrongAddress": replace(good.binding, meter_id="MTR-2"),
        "TimeInFuture": replace(good.binding, measured_at=grid.now + 901),
    }
    cases_by_owner = replace(good.binding, owner=grid.user().pubkey())

    for name, binding in [*cases.items(), ("WrongBinding", cases_by_owner)]:
        assert binding.magic == BINDING_MAGIC or name == "WrongBinding"
        proof, register = grid.registration(replace(good, signature=bytes(key.sign_message(binding.pack()))))
        data = bytes(register.data[:8]) + binding.pack() + bytes(register.data[104:])
        forged = Instruction(register.program_id, data, register.accounts)
        assert grid.refused([proof, forged], owner, grid.provisioner) == refusal(name), name
    assert nothing_was_registered(grid)


@pytest.mark.parametrize("absent", [1, 2])
def test_nobody_registers_a_meter_without_owner_and_platform(absent: int):
    grid = Grid.initialised()
    (proof, register), owner, _ = enrolled(grid)

    assert grid.refused([proof, unsigned(register, absent)], owner, grid.provisioner) == refusal("MissingSigner")
    assert nothing_was_registered(grid)


def test_a_stranger_is_not_the_platform():
    grid = Grid.initialised()
    owner, key, thief = grid.user(), Keypair(), grid.chain.wallet()
    enrolment = grid.enrolment("MTR-1", owner.pubkey(), key)
    pair = register_meter_instructions(grid.at, enrolment, payer=grid.chain.payer.pubkey(), provisioner=thief.pubkey())

    assert grid.refused(pair, owner, thief) == refusal("Unauthorized")


def test_the_platform_is_not_the_owner():
    grid = Grid.initialised()
    enrolment = grid.enrolment("MTR-1", grid.provisioner.pubkey(), Keypair())

    assert grid.refused(grid.registration(enrolment), grid.provisioner) == refusal("OwnerIsProvisioner")


def test_an_unverified_owner_gets_no_meter():
    grid = Grid.initialised()
    owner = grid.user(verified=False)
    enrolment = grid.enrolment("MTR-1", owner.pubkey(), Keypair())

    assert grid.refused(grid.registration(enrolment), owner, grid.provisioner) == refusal("UserNotVerified")


def test_an_id_is_bound_once_and_a_device_serves_one_meter():
    grid = Grid.initialised()
    device = grid.meter("MTR-1")
    other = grid.user()

    same_id = grid.enrolment("MTR-1", other.pubkey(), Keypair())
    same_device = grid.enrolment("MTR-2", other.pubkey(), device.key)

    assert grid.refused(grid.registration(same_id), other, grid.provisioner) == refusal("AlreadyInitialized")
    assert grid.refused(grid.registration(same_device), other, grid.provisioner) == refusal("AlreadyInitialized")
    assert grid.meter_account(device).owner == device.owner.pubkey()


@pytest.mark.parametrize(
    ("plate", "name"),
    [
        ({"kind": 2, "proof": 1}, "InvalidKind"),
        ({"kind": 3}, "InvalidKind"),
        ({"proof": 0}, "InvalidKind"),
        ({"rated_w": (0, 0)}, "InvalidRatedPower"),
        ({"rated_w": (10**12 + 1, 0)}, "InvalidRatedPower"),
    ],
)
def test_a_plate_that_makes_no_sense_is_refused(plate: dict[str, Any], name: str):
    grid = Grid.initialised()
    pair, owner, _ = enrolled(grid, **plate)

    assert grid.refused(pair, owner, grid.provisioner) == refusal(name)


def test_a_base_that_bricks_the_ledger_is_refused():
    grid = Grid.initialised()
    for base in [(2**63, 0, 0, 0), (0, 0, 2**63, 0), (0, 0, 0, 2**64 - 1)]:
        pair, owner, _ = enrolled(grid, base=base)
        assert grid.refused(pair, owner, grid.provisioner) == refusal("WrongBinding")


# --- resumption ---


def test_a_resumption_needs_the_meters_own_device():
    grid = Grid.initialised()
    device = grid.meter()
    set_status(grid, device, SUSPENDED)
    base = binding_of(grid, device, sequence=5, measured_at=grid.now, registers_wh=(10, 10))

    assert grid.refused(resumption(grid, base, Keypair()), grid.provisioner) == refusal("DeviceKeyRevoked")
    assert grid.meter_account(device).status == SUSPENDED


def test_an_old_base_does_not_bring_energy_back():
    grid = Grid.initialised()
    device = grid.meter()
    credited(grid, device, 500, 100)
    set_status(grid, device, SUSPENDED)

    for sequence, measured_at, registers in [
        (0, grid.now, (500, 100)),
        (1, device.base_measured_at, (500, 100)),
        (1, grid.now, (499, 100)),
        (1, grid.now, (500, 99)),
    ]:
        base = binding_of(grid, device, sequence=sequence, measured_at=measured_at, registers_wh=registers)
        assert grid.refused(resumption(grid, base, device.key), grid.provisioner) == refusal("BaseBehind")


def test_a_base_signed_before_the_suspension_does_not_credit_its_gap():
    grid = Grid.initialised()
    device = grid.meter()
    first = binding_of(grid, device, sequence=0, measured_at=device.base_measured_at, registers_wh=(0, 0))
    set_status(grid, device, SUSPENDED)
    grid.chain.warp(DAY_S)

    assert grid.refused(resumption(grid, first, device.key), grid.provisioner) == refusal("BaseBehind")
    assert grid.meter_account(device).status == SUSPENDED


def test_an_active_or_retired_meter_is_not_rebased():
    grid = Grid.initialised()
    device = grid.meter()
    base = binding_of(grid, device, sequence=5, measured_at=grid.now, registers_wh=(10, 10))

    assert grid.refused(resumption(grid, base, device.key), grid.provisioner) == refusal("InvalidStatus")
    set_status(grid, device, RETIRED)
    assert grid.refused(resumption(grid, base, device.key), grid.provisioner) == refusal("MeterRetired")


# --- keys ---


def test_a_rotation_needs_both_keys():
    grid = Grid.initialised()
    device, new = grid.meter(), Keypair()
    for signers in ((new, new), (device.key, device.key)):
        forged = rotation(grid, device, device.key, new, valid_from=grid.now, signers=signers)
        assert grid.chain.refused(forged, (grid.provisioner,)).instruction == 0  # the precompile
    assert grid.meter_account(device).device_key == device.key.pubkey()


def test_another_devices_key_cannot_rotate_this_meter():
    grid = Grid.initialised()
    first, second = grid.meters(2)
    forged = rotation(grid, first, second.key, Keypair(), valid_from=grid.now)

    assert grid.refused(forged, grid.provisioner) == refusal("DeviceKeyRevoked")


def test_a_second_rotation_does_not_orphan_back_fill():
    grid = Grid.initialised()
    device, second = grid.meter(), Keypair()
    grid.send(rotation(grid, device, device.key, second, valid_from=grid.now), grid.provisioner)
    grid.chain.warp(7 * DAY_S - 1)

    again = rotation(grid, device, second, Keypair(), valid_from=grid.now)
    assert grid.refused(again, grid.provisioner) == refusal("RotationTooSoon")


@pytest.mark.parametrize(("after_s", "name"), [(901, "TimeInFuture"), (-8 * DAY_S, "StaleTime")])
def test_a_rotation_begins_about_now(after_s: int, name: str):
    grid = Grid.initialised()
    device = grid.meter()

    forged = rotation(grid, device, device.key, Keypair(), valid_from=grid.now + after_s)
    assert grid.refused(forged, grid.provisioner) == refusal(name)


def test_a_key_that_once_served_serves_no_second_meter_or_time():
    grid = Grid.initialised()
    first, second = grid.meters(2)

    to_used = rotation(grid, first, first.key, second.key, valid_from=grid.now)
    assert grid.refused(to_used, grid.provisioner) == refusal("AlreadyInitialized")


def test_a_revoked_key_counts_for_nothing_whatever_its_time():
    grid = Grid.initialised()
    device, new = grid.meter(), Keypair()
    grid.send(rotation(grid, device, device.key, new, valid_from=grid.now - 900), grid.provisioner)
    grid.send(revocation(grid, device, device.key, grid.provisioner), grid.provisioner)

    back_dated = device.reading(1, 100, measured_at=grid.now - 1_800)
    assert grid.refused(grid.proven(back_dated), grid.attesters[0]) is not None
    grid.submit(with_key(device, new).reading(1, 100, measured_at=grid.now))
    assert grid.meter_account(device).credited_generation_wh == 100


def test_a_meter_without_a_key_is_not_resumed_with_its_gap():
    grid = Grid.initialised()
    device = grid.meter()
    grid.send(revocation(grid, device, device.key, grid.authority), grid.authority)

    signers = (grid.authority, grid.auditor)
    assert grid.refused(status(grid, device, ACTIVE, *signers), *signers) == refusal("DeviceKeyRevoked")
