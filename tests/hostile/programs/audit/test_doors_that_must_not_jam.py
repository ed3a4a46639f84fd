"""What would close a door for ever: a full range of roots, a number at its end, lamports sent ahead, a guarded token account."""

import dataclasses
from hashlib import sha256

from solders.instruction import AccountMeta, Instruction

from programs.client import errors
from programs.client.accounts import RootsAccount
from programs.client.instructions import registry, system, token2022
from tests.support.grid import ROOT, Device, Grid
from tests.support.registry_steps import WH, refusal, rotation

LAST_OF_RANGE = 2**32 - 1
CPI_GUARD = 11
REALLOCATE, GUARD_ENABLE = b"\x1d", b"\x22\x00"


def roots(grid: Grid) -> RootsAccount:
    return RootsAccount.decode(grid.chain.data(grid.at.roots) or b"")


def node(tag: int, left: bytes, right: bytes) -> bytes:
    return sha256(bytes([tag]) + left + right).digest()


def test_a_full_range_of_roots_becomes_the_first_entry_of_the_next_and_settlement_goes_on():
    grid = Grid.initialised()
    device = grid.meter(proof=2)
    peaks = tuple(bytes([height]) * 32 for height in range(32))
    full = dataclasses.replace(roots(grid), count=LAST_OF_RANGE, peaks=peaks)
    grid.chain.write(grid.at.roots, full.encode(), grid.at.oracle.id)
    entry = node(2, ROOT, bytes(32))

    grid.attest(device.attested(1, 100, measured_at=grid.now - 2))
    whole = entry
    for peak in peaks:
        whole = node(1, peak, whole)
    assert (roots(grid).count, roots(grid).peaks[31]) == (LAST_OF_RANGE + 1, whole)

    landed = grid.attest(device.attested(2, 200, measured_at=grid.now - 1))
    assert (roots(grid).count, roots(grid).peaks[0]) == (LAST_OF_RANGE + 2, node(3, whole, entry))
    assert [event.fields["batch"] for event in grid.events(landed) if event.name == "MeterReadingAccepted"] == [LAST_OF_RANGE + 2]

    grid.attest(device.attested(3, 300, measured_at=grid.now))
    assert roots(grid).peaks[1] == node(1, node(3, whole, entry), entry)
    assert grid.supply() == 300 * WH


def test_an_entry_number_does_not_jump_to_its_end_and_leave_none_for_the_next():
    grid = Grid.initialised()
    device = grid.meter(proof=2, kind=2)

    for entry in (2**32 - 1, 2**20 + 1):
        jump = grid.attested(device.attested(entry, 100, measured_at=grid.now - 900, sequence=1))
        assert grid.refused(jump, grid.attesters[0], check_size=False) == refusal("SequenceJump")
    assert grid.meter_account(device).entry_number == 0

    grid.attest(device.attested(2**20, 100, measured_at=grid.now - 900, sequence=1))
    grid.attest(device.attested(2**20 + 1, 250, measured_at=grid.now, sequence=2))
    assert grid.supply() == 250 * WH


def test_totals_of_an_interval_meter_run_neither_backwards_nor_beyond_the_plate():
    grid = Grid.initialised()
    device = grid.meter(proof=2, kind=2, rated_w=(1_000, 0))
    grid.attest(device.attested(1, 10_000, measured_at=grid.now - 900, sequence=4))

    for entry, generation, consumption, code in (
        (1, 10_100, 0, "StaleSequence"),
        (2, 9_999, 0, "RegisterBackwards"),
        (2, 10_000 + 10**6, 0, "OverBudget"),
        (2, 10_000, 2, "OverBudget"),
        (2, 2**56 - 1, 0, "OverBudget"),
    ):
        attempt = grid.attested(device.attested(entry, generation, consumption, measured_at=grid.now - 900, sequence=4))
        assert grid.refused(attempt, grid.attesters[0], check_size=False) == refusal(code)
    assert grid.supply() == 10_000 * WH


def test_a_quality_beyond_its_scale_is_refused():
    grid = Grid.initialised()
    device = grid.meter(proof=2, kind=2)
    good = device.attested(1, 100, measured_at=grid.now, sequence=1)

    attempt = grid.attested(dataclasses.replace(good, quality=101))
    assert grid.refused(attempt, grid.attesters[0], check_size=False) == errors.code("oracle", "MalformedInstruction")
    assert grid.supply() == 0


def test_lamports_sent_ahead_to_any_derived_address_stop_nothing():
    grid = Grid.deployed()
    at, wallet, key, next_key = grid.at, grid.chain.wallet(), grid.chain.keypair(), grid.chain.keypair()
    settings = (at.registry.config, at.oracle.config, at.roots, at.energy_token.config, at.mint, at.zone(1))
    people = (at.user(wallet.pubkey()), at.token_account(wallet.pubkey()), at.meter("MTR-001"))
    devices = (at.device(key.pubkey()), at.device(next_key.pubkey()))
    for address, lamports in zip((*settings, *people, *devices), (890_880, 10**10) * 6, strict=False):
        grid.chain.fund(address, lamports)

    grid.send(grid.initialize_energy_token(), grid.upgrade)
    grid.send(grid.initialize_registry(), grid.upgrade)
    grid.send(grid.initialize_oracle(), grid.upgrade)
    grid.set_attesters(grid.attesters[:1], 1)
    grid.zone(1)
    grid.send(registry.register_user(at, wallet=wallet.pubkey(), kind=1), wallet)
    grid.send(registry.verify_user(at, authority=grid.authority.pubkey(), wallet=wallet.pubkey(), zone=1), grid.authority)
    device = grid.meter("MTR-001", wallet, key)
    grid.submit(device.reading(1, 1_000, measured_at=grid.now - 900))
    grid.send(rotation(grid, device, key, next_key, valid_from=grid.now), grid.provisioner)

    assert grid.supply() == 1_000 * WH
    for address in (*settings, *people, *devices):
        assert grid.chain.lamports(address) >= grid.chain.rent(len(grid.chain.data(address) or b""))


def guard_against_calls(grid: Grid, device: Device) -> None:
    """The owner gives his token account Token-2022's CPI guard."""
    owner = device.owner.pubkey()
    account = AccountMeta(device.token_account, is_signer=False, is_writable=True)
    paying, signing = (AccountMeta(owner, is_signer=True, is_writable=writable) for writable in (True, False))
    program = AccountMeta(system.PROGRAM, is_signer=False, is_writable=False)
    longer = Instruction(token2022.PROGRAM, REALLOCATE + CPI_GUARD.to_bytes(2, "little"), [account, paying, program, signing])
    grid.send([longer, Instruction(token2022.PROGRAM, GUARD_ENABLE, [account, signing])], device.owner)


def test_a_token_account_guarded_against_calls_neither_stops_a_batch_nor_its_own_burn():
    grid = Grid.initialised()
    guarded, other = grid.meters(2)
    start = guarded.base_measured_at
    grid.submit(guarded.reading(1, 1_000, measured_at=start + 900), other.reading(1, 1_000, measured_at=start + 900))
    guard_against_calls(grid, guarded)

    grid.submit(guarded.reading(2, 1_000, 400, measured_at=start + 1_800), other.reading(2, 1_500, measured_at=start + 1_800))
    assert (grid.tokens(guarded.owner.pubkey()), grid.tokens(other.owner.pubkey())) == (600 * WH, 1_500 * WH)
    grid.submit(guarded.reading(3, 2_000, 400, measured_at=start + 2_700))
    assert grid.tokens(guarded.owner.pubkey()) == 1_600 * WH
