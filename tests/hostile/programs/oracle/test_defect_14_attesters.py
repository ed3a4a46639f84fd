"""Defects 14, 19 and 30: one key as two attesters, an empty set, other accounts than the pinned ones, one bad item in a batch."""

from collections.abc import Sequence

import pytest
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from programs.client.accounts import OracleConfig, RootsAccount
from programs.client.errors import code
from programs.client.instructions import oracle
from tests.support.grid import Device, Grid
from tests.support.tampering import readonly, unsigned, with_account, with_bytes, with_data

BATCH = 2
"""Position of the batch behind limit and price."""
FIRST_ATTESTER = 8
STALE_SEQUENCE, OVER_BUDGET = 3, 7


def ready(*, attesters: int = 3, threshold: int = 2) -> tuple[Grid, Device]:
    grid = Grid.initialised(attesters=attesters, threshold=threshold)
    return grid, grid.meter(proof=2)


def batch(grid: Grid, device: Device, attesters: Sequence[Keypair]) -> list[Instruction]:
    return grid.attested(device.attested(1, 1_000, measured_at=grid.now), attesters=attesters)


def refused(grid: Grid, instructions: Sequence[Instruction], signers: Sequence[Keypair]) -> int | None:
    return grid.refused(instructions, *signers, check_size=False)


def untouched(grid: Grid) -> bool:
    return grid.supply() == 0 and RootsAccount.decode(grid.chain.data(grid.at.roots) or b"").count == 0


def test_fewer_attesters_than_the_threshold_are_refused():
    grid, device = ready()

    attempt = batch(grid, device, grid.attesters[:1])

    assert refused(grid, attempt, grid.attesters) == code("oracle", "NotEnoughAttesters")
    assert untouched(grid)


def test_one_attester_does_not_count_twice():
    grid, device = ready()
    one = grid.attesters[0]

    attempt = batch(grid, device, [one, one])

    assert refused(grid, attempt, [one]) == code("oracle", "DuplicateAccount")
    assert untouched(grid)


def test_a_stranger_does_not_attest():
    grid, device = ready()
    stranger = grid.chain.wallet()

    attempt = batch(grid, device, [grid.attesters[0], stranger])

    assert refused(grid, attempt, [grid.attesters[0], stranger]) == code("oracle", "NotAttester")
    assert untouched(grid)


def test_an_attester_who_did_not_sign_does_not_count():
    grid, device = ready()
    attempt = batch(grid, device, grid.attesters[:2])
    attempt[BATCH] = unsigned(attempt[BATCH], FIRST_ATTESTER + 1)

    assert refused(grid, attempt, grid.attesters[:1]) == code("oracle", "MissingSigner")
    assert untouched(grid)


def test_an_attester_beyond_the_threshold_must_be_one_too():
    grid, device = ready(attesters=2)
    removed = grid.attesters[2]

    attempt = batch(grid, device, grid.attesters)

    assert refused(grid, attempt, grid.attesters) == code("oracle", "NotAttester")
    assert removed.pubkey() not in OracleConfig.decode(grid.chain.data(grid.at.oracle.config) or b"").attesters


def test_nobody_attests_while_no_attester_is_set():
    grid = Grid.deployed()
    grid.send(grid.initialize_energy_token(), grid.upgrade)
    grid.send(grid.initialize_registry(), grid.upgrade)
    grid.send(grid.initialize_oracle(), grid.upgrade)
    grid.zone(1)
    attested, proven = grid.meter("A-1", proof=2), grid.meter("P-1")
    nobody = grid.attested(attested.attested(1, 10, measured_at=grid.now), attesters=[])
    payer = grid.attesters[0]

    by_nobody = refused(grid, nobody, [])
    by_someone = refused(grid, batch(grid, attested, [payer]), [payer])
    device_proven = refused(grid, grid.proven(proven.reading(1, 10, measured_at=grid.now)), [payer])

    assert by_nobody == by_someone == code("oracle", "NotEnoughAttesters")
    assert device_proven == code("oracle", "NotAttester")
    assert untouched(grid)


A, B = Keypair().pubkey(), Keypair().pubkey()


@pytest.mark.parametrize(
    ("attesters", "threshold"),
    [([], 0), ([], 1), ([A], 0), ([A], 2), ([A, A], 1), ([A, B, A], 2), ([A, Pubkey.default(), B], 2)],
)
def test_a_set_that_is_empty_repeated_gappy_or_out_of_reach_is_refused(attesters: list[Pubkey], threshold: int):
    grid = Grid.initialised()
    before = grid.chain.data(grid.at.oracle.config)
    attempt = oracle.set_attesters(grid.at, authority=grid.authority.pubkey(), attesters=attesters, threshold=threshold)

    assert grid.refused(attempt, grid.authority) == code("oracle", "InvalidAttesters")
    assert grid.chain.data(grid.at.oracle.config) == before


def test_a_threshold_above_three_is_refused():
    grid = Grid.initialised()
    keys = [Keypair().pubkey() for _ in range(8)]
    attempt = oracle.set_attesters(grid.at, authority=grid.authority.pubkey(), attesters=keys, threshold=4)

    assert grid.refused(attempt, grid.authority) == code("oracle", "InvalidAttesters")


def test_one_bad_item_does_not_take_the_good_ones_down():
    grid = Grid.initialised()
    good, replayed, greedy = grid.meters(3, proof=2, rated_w=(1_000, 1_000))
    grid.attest(replayed.attested(5, 100, measured_at=grid.now - 900))

    landed = grid.attest(
        good.attested(1, 1_000, measured_at=grid.now),
        replayed.attested(5, 100, measured_at=grid.now - 900),
        greedy.attested(1, 10_000_000, measured_at=grid.now),
    )

    items = grid.events(landed)[-1].fields["items"]
    assert [item["result"] for item in items] == [0, STALE_SEQUENCE, OVER_BUDGET]
    assert grid.tokens(good.owner.pubkey()) == 1_000_000_000
    assert grid.tokens(greedy.owner.pubkey()) == 0


PINNED = {
    "settings": 0,
    "roots": 1,
    "event authority": 2,
    "program": 3,
    "oracle authority": 4,
    "registry": 5,
    "registry settings": 6,
    "registry event authority": 7,
}


@pytest.mark.parametrize("position", PINNED.values(), ids=PINNED)
def test_every_pinned_account_of_the_attested_door_is_held(position: int):
    grid, device = ready()
    attempt = batch(grid, device, grid.attesters[:2])
    attempt[BATCH] = with_account(attempt[BATCH], position, Keypair().pubkey())

    assert refused(grid, attempt, grid.attesters[:2]) == code("oracle", "WrongAddress")
    assert untouched(grid)


PROVEN_PINNED = {
    "settings": 1,
    "sysvar": 2,
    "event authority": 3,
    "program": 4,
    "oracle authority": 5,
    "registry": 6,
    "registry settings": 7,
    "registry event authority": 8,
}


@pytest.mark.parametrize("position", PROVEN_PINNED.values(), ids=PROVEN_PINNED)
def test_every_pinned_account_of_the_proven_door_is_held(position: int):
    grid = Grid.initialised()
    device = grid.meter()
    payer = grid.attesters[0]
    *before, submission = grid.proven(device.reading(1, 10, measured_at=grid.now))

    attempt = [*before, with_account(submission, position, Keypair().pubkey())]

    assert refused(grid, attempt, [payer]) == code("oracle", "WrongAddress")


def test_accounts_that_must_be_written_must_be_writable():
    grid, device = ready()
    attempt = batch(grid, device, grid.attesters[:2])
    attempt[BATCH] = readonly(attempt[BATCH], 1)

    assert refused(grid, attempt, grid.attesters[:2]) == code("oracle", "AccountNotWritable")


def test_an_empty_batch_is_refused():
    grid, _ = ready()

    proof_free = grid.attested(attesters=grid.attesters[:2])

    assert refused(grid, proof_free, grid.attesters[:2]) == code("oracle", "NoReadings")


def test_more_readings_than_one_call_takes_are_refused():
    grid, device = ready()
    readings = [device.attested(number, 10, measured_at=grid.now) for number in range(1, 26)]

    attempt = grid.attested(*readings, attesters=grid.attesters[:2], zones=None)

    assert refused(grid, attempt, grid.attesters[:2]) == code("oracle", "TooManyReadings")


def test_more_or_fewer_accounts_than_readings_are_refused():
    grid, device = ready()
    attempt = batch(grid, device, grid.attesters[:2])
    genuine = attempt[BATCH]
    fewer = Instruction(genuine.program_id, genuine.data, genuine.accounts[:-1])
    more = Instruction(genuine.program_id, genuine.data, [*genuine.accounts, genuine.accounts[-1]])

    for crooked in (fewer, more):
        assert refused(grid, [*attempt[:BATCH], crooked], grid.attesters[:2]) == code("oracle", "MissingAccount")


def test_a_count_that_does_not_fit_the_data_is_refused():
    grid, device = ready()
    attempt = batch(grid, device, grid.attesters[:2])
    count_at = 8 + 1 + 1 + 32 + 8
    for crooked in (
        with_bytes(attempt[BATCH], count_at, (2).to_bytes(4, "little")),
        with_bytes(attempt[BATCH], count_at, b"\xff\xff\xff\xff"),
        with_data(attempt[BATCH], bytes(attempt[BATCH].data) + b"\0"),
    ):
        refusal = refused(grid, [*attempt[:BATCH], crooked], grid.attesters[:2])
        assert refusal == code("oracle", "MalformedInstruction")


def test_a_range_of_roots_at_the_end_of_its_64_bits_is_refused():
    grid, device = ready()
    roots = RootsAccount.decode(grid.chain.data(grid.at.roots) or b"")
    full = type(roots)(count=2**64 - 1, peaks=roots.peaks, bump=roots.bump, reserved=roots.reserved)
    grid.chain.write(grid.at.roots, full.encode(), grid.at.oracle.id)

    assert refused(grid, batch(grid, device, grid.attesters[:2]), grid.attesters[:2]) == code("oracle", "RootsFull")
    assert grid.supply() == 0


def test_a_time_beyond_64_bits_is_refused():
    grid, device = ready()
    attempt = batch(grid, device, grid.attesters[:2])
    base_at = 8 + 1 + 1 + 32
    attempt[BATCH] = with_bytes(attempt[BATCH], base_at, b"\xff" * 8)
    attempt[BATCH] = with_bytes(attempt[BATCH], base_at + 8 + 4 + 4 + 6, (1).to_bytes(4, "little"))

    assert refused(grid, attempt, grid.attesters[:2]) == code("oracle", "MathOverflow")
