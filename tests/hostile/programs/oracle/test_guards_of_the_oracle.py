"""Defects 1 and 14, further: a check covers exactly the submission's readings, and a list of attesters has no gap."""

from solders.keypair import Keypair
from solders.pubkey import Pubkey

from programs.client.errors import code
from programs.client.instructions import oracle
from tests.support.grid import Grid
from tests.support.tampering import with_data

CHECK = 2
"""Position in the transaction: limit, price, Ed25519 check, submission."""


def test_a_check_of_more_than_the_readings_is_refused():
    """One reading, whose signature is checked twice: the second entry proves nothing that is read."""
    grid = Grid.initialised()
    device, payer = grid.meter(), grid.attesters[0]
    instructions = grid.proven(device.reading(1, 1_000, measured_at=grid.now))
    entry = bytes(instructions[CHECK].data)[2:]

    instructions[CHECK] = with_data(instructions[CHECK], b"\2\0" + entry + entry)

    assert grid.refused(instructions, payer, payer=payer, check_size=False) == code("oracle", "SignatureCheckMismatch")
    assert (grid.supply(), grid.meter_account(device).reading_count) == (0, 0)


def test_a_list_of_attesters_with_a_gap_is_refused_though_the_threshold_is_within_reach():
    grid = Grid.initialised()
    before = grid.chain.data(grid.at.oracle.config)
    gappy = [Keypair().pubkey(), Pubkey.default(), Keypair().pubkey()]
    attempt = oracle.set_attesters(grid.at, authority=grid.authority.pubkey(), attesters=gappy, threshold=1)

    assert grid.refused(attempt, grid.authority) == code("oracle", "InvalidAttesters")
    assert grid.chain.data(grid.at.oracle.config) == before
