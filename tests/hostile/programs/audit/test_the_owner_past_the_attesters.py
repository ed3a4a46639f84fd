"""A meter that is resumed is not a silent one: its owner does not step past the attesters at once (defect 1c)."""

from programs.client import errors
from programs.client.instructions import registry
from tests.support.grid import Device, Grid
from tests.support.registry_steps import ACTIVE, SUSPENDED, binding_of, resumption, set_status

WEEK_S = 7 * 86_400


def long_suspended() -> tuple[Grid, Device]:
    grid = Grid.initialised()
    device = grid.meter()
    grid.submit(device.reading(1, 1_000, measured_at=device.base_measured_at + 900))
    set_status(grid, device, SUSPENDED)
    grid.chain.warp(WEEK_S + 86_400)
    return grid, device


def too_early(grid: Grid, device: Device) -> bool:
    """The owner tries alone, with a reading that no attester has seen."""
    supply = grid.supply()
    reading = device.reading(2, 20_000, measured_at=grid.now + 600)
    attempt = grid.proven(reading, submitter=device.owner.pubkey())
    code = grid.refused(attempt, device.owner, payer=device.owner, check_size=False)
    assert grid.supply() == supply
    return code == errors.code("oracle", "OwnerTooEarly")


def test_a_meter_resumed_from_a_new_base_gives_its_owner_no_door():
    grid, device = long_suspended()
    base = binding_of(grid, device, sequence=1, measured_at=grid.now, registers_wh=(1_000, 0))
    grid.send(resumption(grid, base, device.key), grid.provisioner)

    assert too_early(grid, device)
    grid.chain.warp(WEEK_S - 1)
    assert too_early(grid, device)
    grid.chain.warp(1)
    alone = grid.proven(device.reading(2, 20_000, measured_at=grid.now), submitter=device.owner.pubkey())
    grid.send(alone, device.owner, payer=device.owner, check_size=False)
    assert grid.meter_account(device).credited_generation_wh == 20_000


def test_a_meter_resumed_with_its_gap_gives_its_owner_no_door():
    grid, device = long_suspended()
    set_status(grid, device, ACTIVE, grid.authority, grid.auditor)

    assert too_early(grid, device)


def test_a_suspension_is_no_silence_either():
    grid, device = long_suspended()
    alone = grid.proven(device.reading(2, 20_000, measured_at=grid.now), submitter=device.owner.pubkey())

    code = grid.refused(alone, device.owner, payer=device.owner, check_size=False)

    assert code == errors.code("registry", "MeterNotActive")
    crank = registry.settle_meter_balance(grid.at, zones=grid.zones((1,)) or [], meters=[device.accounts])
    assert grid.refused(crank) == errors.code("registry", "NoUnsettledBalance")
