"""Energy that must not count, and settlements that must not happen: defects 3 to 5c, 15 to 18b, 22."""

import pytest

from programs.client.instructions import energy_token, registry
from tests.support.grid import Device, Grid
from tests.support.registry_steps import (
    RETIRED,
    SUSPENDED,
    WH,
    correct,
    correction,
    crank,
    credited,
    own_settlement,
    refusal,
    set_status,
    settled_result,
)


def untouched(grid: Grid, device: Device) -> bool:
    """Nothing was credited or minted."""
    return grid.meter_account(device).credited_generation_wh == 0 and grid.supply() == 0


@pytest.mark.parametrize(
    ("sequence", "generation_wh", "consumption_wh", "after_s", "name"),
    [
        (1, 100, 0, 901, "TimeInFuture"),
        (1, 2_750_000, 0, 0, "OverBudget"),
        (1, 0, 2_750_000, 0, "OverBudget"),
        (1, 2**64 - 1, 0, 0, "OverBudget"),
        (1, 100, 0, -86_400, "StaleTime"),
        (0, 100, 0, 0, "StaleSequence"),
        (2**64 - 1, 100, 0, 0, "SequenceJump"),
        (2**20 + 1, 100, 0, 0, "SequenceJump"),
    ],
)
def test_a_statement_outside_the_ledgers_rules_moves_nothing(
    sequence: int, generation_wh: int, consumption_wh: int, after_s: int, name: str
):
    grid = Grid.initialised()
    device = grid.meter()
    reading = device.reading(sequence, generation_wh, consumption_wh, measured_at=grid.now + after_s)

    assert grid.refused(grid.proven(reading), grid.attesters[0]) == refusal(name)
    assert untouched(grid, device)


def test_registers_never_run_backwards():
    grid = Grid.initialised()
    device = grid.meter(base=(0, Grid().now - 86_400, 500, 200))
    for registers in ((499, 200), (500, 199)):
        reading = device.reading(1, *registers, measured_at=grid.now)
        assert grid.refused(grid.proven(reading), grid.attesters[0]) == refusal("RegisterBackwards")
    assert untouched(grid, device)


def test_a_replay_is_refused_by_name_and_mints_nothing_more():
    grid = Grid.initialised()
    device = grid.meter()
    reading = device.reading(1, 100, measured_at=grid.now)
    grid.submit(reading)

    assert grid.refused(grid.proven(reading), grid.attesters[0]) == refusal("StaleSequence")
    assert grid.supply() == 100 * WH


def test_the_same_statement_twice_in_one_call_counts_once():
    grid = Grid.initialised()
    device = grid.meter()
    reading = device.reading(1, 100, measured_at=grid.now)

    grid.submit(reading, reading)

    assert (grid.meter_account(device).credited_generation_wh, grid.supply()) == (100, 100 * WH)


def test_a_bad_reading_takes_no_good_one_down():
    grid = Grid.initialised()
    bad, good = grid.meters(2)

    landed = grid.submit(bad.reading(1, 9_999_999, measured_at=grid.now), good.reading(1, 70, measured_at=grid.now))

    event = next(event for event in grid.events(landed) if event.name == "MeterReadingAccepted")
    assert [item["result"] for item in event.fields["items"]] == [7, 0]
    assert grid.supply() == 70 * WH


def test_a_suspended_meter_credits_nothing_and_settles_what_it_has():
    grid = Grid.initialised()
    device = grid.meter()
    credited(grid, device, 100)
    set_status(grid, device, SUSPENDED)

    reading = device.reading(2, 900, measured_at=grid.now)
    assert grid.refused(grid.proven(reading, zones=None), grid.attesters[0]) == refusal("MeterNotActive")
    grid.send(crank(grid, device))
    assert grid.supply() == 100 * WH


def test_what_is_settled_is_not_settled_again():
    grid = Grid.initialised()
    device = grid.meter()
    grid.submit(device.reading(1, 100, measured_at=grid.now))

    assert grid.refused(crank(grid, device)) == refusal("NoUnsettledBalance")
    assert grid.refused(own_settlement(grid, device), device.owner) == refusal("InsufficientBalance")
    assert grid.supply() == 100 * WH


def test_one_meter_twice_in_one_crank_mints_once():
    grid = Grid.initialised()
    device = grid.meter()
    credited(grid, device, 100)

    grid.send(crank(grid, device, device))

    assert grid.supply() == 100 * WH


def test_an_owner_who_owes_cannot_mint():
    grid = Grid.initialised()
    device = grid.meter()
    credited(grid, device, 0, 100)

    assert grid.refused(own_settlement(grid, device), device.owner) == refusal("InsufficientBalance")
    assert grid.refused(crank(grid, device)) == refusal("InsufficientBalance")
    assert grid.meter_account(device).ledger.owed_wh == 100


def test_disabled_minting_marks_nothing_as_settled():
    grid = Grid.initialised()
    device = grid.meter()
    authority = grid.authority.pubkey()
    grid.send(energy_token.set_minting_enabled(grid.at, authority=authority, enabled=False), grid.authority)

    landed = grid.submit(device.reading(1, 100, measured_at=grid.now))

    assert settled_result(grid, landed, device.meter_id)["result"] == 9
    assert grid.refused(own_settlement(grid, device), device.owner) == refusal("MintingDisabled")
    ledger = grid.meter_account(device).ledger
    assert (ledger.settled_net_wh, ledger.unsettled_wh, grid.supply()) == (0, 100, 0)


def test_a_supply_near_its_end_waits_instead_of_wrapping():
    grid = Grid.initialised()
    device = grid.meter()
    mint = bytearray(grid.chain.data(grid.at.mint) or b"")
    mint[36:44] = (2**64 - 1 - 30 * WH).to_bytes(8, "little")
    owner = grid.chain.svm.get_account(grid.at.mint)
    assert owner is not None
    grid.chain.write(grid.at.mint, bytes(mint), owner.owner)

    landed = grid.submit(device.reading(1, 100, measured_at=grid.now))

    assert settled_result(grid, landed, device.meter_id)["result"] == 3
    assert (grid.tokens(device.owner.pubkey()), grid.meter_account(device).ledger.unsettled_wh) == (30 * WH, 70)


def test_a_zone_without_cap_room_mints_nothing():
    grid = Grid.initialised(mint_cap_wh=0)
    device = grid.meter()
    credited(grid, device, 100)

    assert grid.refused(crank(grid, device)) == refusal("ZoneCapReached")
    assert grid.supply() == 0


# --- pause ---


def pause(grid: Grid, bits: int) -> None:
    """Set the registry's pause."""
    grid.send(registry.set_paused(grid.at, authority=grid.authority.pubkey(), paused=bits), grid.authority)


def test_a_pause_of_crediting_covers_both_doors():
    grid = Grid.initialised()
    proven, attested = grid.meter("MTR-P"), grid.meter("MTR-A", proof=2)
    pause(grid, 1)

    for zones in ((1,), None):
        reading = proven.reading(1, 100, measured_at=grid.now)
        assert grid.refused(grid.proven(reading, zones=zones), grid.attesters[0]) == refusal("Paused")
        entry = attested.attested(1, 100, measured_at=grid.now)
        assert grid.refused(grid.attested(entry, zones=zones), grid.attesters[0]) == refusal("Paused")
    assert untouched(grid, proven)
    assert untouched(grid, attested)


def test_a_pause_of_minting_covers_every_way_in():
    grid = Grid.initialised()
    device = grid.meter()
    pause(grid, 2)

    landed = grid.submit(device.reading(1, 100, measured_at=grid.now))

    assert settled_result(grid, landed, device.meter_id)["result"] == 8
    assert grid.refused(crank(grid, device)) == refusal("Paused")
    assert grid.refused(own_settlement(grid, device), device.owner) == refusal("Paused")
    assert grid.supply() == 0


def test_leaving_is_never_paused():
    grid = Grid.initialised()
    device = grid.meter()
    pause(grid, 15)

    set_status(grid, device, RETIRED)

    assert grid.meter_account(device).status == RETIRED


def test_unknown_pause_bits_are_refused():
    grid = Grid.initialised()
    instruction = registry.set_paused(grid.at, authority=grid.authority.pubkey(), paused=16)

    assert grid.refused(instruction, grid.authority) == refusal("MalformedInstruction")


# --- corrections ---


def test_a_correction_does_not_make_the_next_register_run_backwards_nor_mint_twice():
    grid = Grid.initialised()
    device = grid.meter()
    grid.submit(device.reading(1, 1_000, measured_at=grid.now - 900))
    correct(grid, device, -400)

    grid.submit(device.reading(2, 1_100, measured_at=grid.now))

    assert grid.supply() == 700 * WH
    assert grid.meter_account(device).raw_generation_wh == 1_100


def test_a_correction_is_within_its_cap_and_one_at_a_time():
    grid = Grid.initialised()
    device = grid.meter()
    signers = (grid.authority, grid.auditor)

    for amount in (0, 100_001, -100_001, -(2**63)):
        assert grid.refused(correction(grid, device, amount), *signers) == refusal("CorrectionTooLarge")
    correct(grid, device, 60_000)
    assert grid.refused(correction(grid, device, 40_000), *signers) == refusal("CorrectionPending")
    assert grid.refused(correction(grid, device, -40_001), *signers) == refusal("CorrectionTooLarge")


def test_a_positive_correction_is_locked_until_its_time():
    grid = Grid.initialised()
    device = grid.meter()
    apply = registry.apply_correction(grid.at, meter_id=device.meter_id)
    assert grid.refused(apply) == refusal("NoCorrectionPending")
    correct(grid, device, 500)
    grid.chain.warp(3_599)

    assert grid.refused(apply) == refusal("CorrectionLocked")
    grid.chain.warp(1)
    grid.send(apply)
    assert grid.refused(apply) == refusal("NoCorrectionPending")
    assert grid.meter_account(device).correction_net_wh == 500
