"""Defects 2 and 9: a rotation or a new base that a meter's own device signed for another purpose, network or meter."""

import dataclasses
from typing import Final

import pytest
from solders.instruction import Instruction
from solders.keypair import Keypair

from programs.client.instructions import registry
from programs.client.messages import BINDING_MAGIC, ROTATION_MAGIC, Rotation
from tests.support.grid import Device, Grid
from tests.support.registry_steps import RETIRED, SUSPENDED, binding_of, refusal, resumption, set_status
from tests.support.tampering import with_account

METER_OF_A_ROTATION: Final = 3
METER_OF_A_RESUMPTION: Final = 2


def rotation_of(grid: Grid, device: Device, message: Rotation, new: Keypair) -> list[Instruction]:
    """Both keys sign the message, whatever it says, and the meter is the device's."""
    check, rotate = registry.rotate_device_key(
        grid.at,
        payer=grid.chain.payer.pubkey(),
        provisioner=grid.provisioner.pubkey(),
        rotation=message,
        old_key=device.key.pubkey(),
        old_signature=bytes(device.key.sign_message(message.pack())),
        new_signature=bytes(new.sign_message(message.pack())),
        instruction_index=1,
    )
    return [check, with_account(rotate, METER_OF_A_ROTATION, device.address)]


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"magic": BINDING_MAGIC}, "WrongBinding"),
        ({"network": b"elsewher"}, "WrongNetwork"),
        ({"meter_id": "MTR-OTHER"}, "WrongBinding"),
    ],
    ids=["another purpose", "another network", "another meter"],
)
def test_a_rotation_signed_for_something_else_changes_no_key(changes: dict[str, str | bytes], name: str):
    grid = Grid.initialised()
    device, new = grid.meter(), grid.chain.keypair()
    genuine = Rotation(ROTATION_MAGIC, grid.network, device.meter_id, new.pubkey(), grid.now)

    attempt = rotation_of(grid, device, dataclasses.replace(genuine, **changes), new)

    assert grid.refused(attempt, grid.provisioner) == refusal(name)
    assert grid.meter_account(device).device_key == device.key.pubkey()
    grid.send(rotation_of(grid, device, genuine, new), grid.provisioner)
    assert grid.meter_account(device).device_key == new.pubkey()


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"magic": ROTATION_MAGIC}, "WrongBinding"),
        ({"network": b"elsewher"}, "WrongNetwork"),
        ({"meter_id": "MTR-OTHER"}, "WrongBinding"),
    ],
    ids=["another purpose", "another network", "another meter"],
)
def test_a_new_base_signed_for_something_else_resumes_no_meter(changes: dict[str, str | bytes], name: str):
    grid = Grid.initialised()
    device = grid.meter()
    set_status(grid, device, SUSPENDED)
    genuine = binding_of(grid, device, sequence=5, measured_at=grid.now, registers_wh=(10, 10))

    check, resume = resumption(grid, dataclasses.replace(genuine, **changes), device.key)

    assert grid.refused([check, with_account(resume, METER_OF_A_RESUMPTION, device.address)], grid.provisioner) == refusal(name)
    assert grid.meter_account(device).status == SUSPENDED


def test_a_retired_meter_gets_no_new_key():
    grid = Grid.initialised()
    device, new = grid.meter(), grid.chain.keypair()
    genuine = Rotation(ROTATION_MAGIC, grid.network, device.meter_id, new.pubkey(), grid.now)
    set_status(grid, device, RETIRED)

    assert grid.refused(rotation_of(grid, device, genuine, new), grid.provisioner) == refusal("MeterRetired")
    assert grid.meter_account(device).device_key == device.key.pubkey()
