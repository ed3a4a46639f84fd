"""Settlement by owner and by crank, zone caps, unfit accounts and corrections."""

import base64

from programs.client.instructions import registry, token2022
from tests.support.grid import Grid
from tests.support.registry_steps import WH, close_token_account, correct, crank, credited, own_settlement, settled_result


def test_registers_1000_and_300_kwh_with_400_settled_mint_300():
    grid = Grid.initialised()
    device = grid.meter(rated_w=(10_000_000, 10_000_000))
    grid.submit(device.reading(1, 400_000, 0, measured_at=device.base_measured_at + 900))
    credited(grid, device, 1_000_000, 300_000, sequence=2)

    landed = grid.send(own_settlement(grid, device), device.owner)

    assert grid.tokens(device.owner.pubkey()) == 700_000 * WH
    record = settled_result(grid, landed, device.meter_id)
    assert (record["old_settled_total"], record["amount_settled"], record["new_settled_total"]) == (400_000, 300_000, 700_000)
    assert record["owner"] == str(device.owner.pubkey())


def test_anyone_settles_several_meters_and_tokens_go_to_their_owners():
    grid = Grid.initialised()
    devices = grid.meters(3)
    for device, energy in zip(devices, (100, 200, 300), strict=True):
        credited(grid, device, energy)

    grid.send(crank(grid, *devices))

    assert [grid.tokens(device.owner.pubkey()) for device in devices] == [100 * WH, 200 * WH, 300 * WH]


def test_what_is_unsettled_is_returned():
    grid = Grid.initialised()
    device = grid.meter()
    credited(grid, device, 100, 350)

    landed = grid.send(registry.get_unsettled_balance(grid.at, meter=device.address))

    returned = landed.confirmed().logs
    line = next(line for line in returned if line.startswith("Program return: "))
    assert int.from_bytes(base64.b64decode(line.rpartition(" ")[2]), "little", signed=True) == -250


def test_a_zones_cap_lets_the_rest_wait_for_the_next_window():
    grid = Grid.initialised(mint_cap_wh=150)
    device = grid.meter()
    landed = grid.submit(device.reading(1, 400, measured_at=device.base_measured_at + 900))
    first = grid.tokens(device.owner.pubkey())

    grid.chain.warp(86_400)
    grid.send(crank(grid, device))

    assert (first, grid.tokens(device.owner.pubkey())) == (150 * WH, 300 * WH)
    assert settled_result(grid, landed, device.meter_id)["result"] == 3
    assert grid.meter_account(device).ledger.unsettled_wh == 100


def test_two_meters_of_one_owner_share_his_balance():
    grid = Grid.initialised()
    first = grid.meter("MTR-A")
    second = grid.meter("MTR-B", owner=first.owner)
    grid.submit(first.reading(1, 1_000, measured_at=first.base_measured_at + 900))
    credited(grid, first, 1_000, 800, sequence=2)
    credited(grid, second, 0, 800)

    grid.send(crank(grid, first, second))

    assert grid.tokens(first.owner.pubkey()) == 0
    assert (grid.meter_account(first).ledger.owed_wh, grid.meter_account(second).ledger.owed_wh) == (0, 600)


def test_an_account_that_wants_memos_settles_like_any_other():
    grid = Grid.initialised()
    device = grid.meter()
    owner = device.owner.pubkey()
    grow = token2022.reallocate_for_memo(device.token_account, owner, owner)
    grid.send([grow, token2022.enable_required_memo(device.token_account, owner)], device.owner)

    grid.submit(device.reading(1, 400, measured_at=grid.now - 900))
    grid.submit(device.reading(2, 400, 150, measured_at=grid.now))

    assert grid.tokens(owner) == 250 * WH


def test_a_closed_account_is_skipped_until_its_owner_opens_it_again():
    grid = Grid.initialised()
    closed, other = grid.meters(2)
    close_token_account(grid, closed)
    at = closed.base_measured_at + 900

    landed = grid.submit(closed.reading(1, 400, measured_at=at), other.reading(1, 70, measured_at=at))
    owner = closed.owner.pubkey()
    grid.send(token2022.create_associated(owner, owner, grid.at.mint), closed.owner)
    grid.send(crank(grid, closed))

    assert settled_result(grid, landed, closed.meter_id)["result"] == 5
    assert (grid.tokens(other.owner.pubkey()), grid.tokens(owner)) == (70 * WH, 400 * WH)


def test_a_negative_correction_counts_at_once():
    grid = Grid.initialised()
    device = grid.meter()
    credited(grid, device, 1_000)

    landed = correct(grid, device, -300)
    grid.send(crank(grid, device))

    assert grid.tokens(device.owner.pubkey()) == 700 * WH
    event = grid.events(landed)[0]
    assert (event.name, event.fields["amount_wh"], event.fields["reason"]) == ("CorrectionRecorded", -300, 7)


def test_a_positive_correction_waits_and_is_minted_once():
    grid = Grid.initialised()
    device = grid.meter()
    correct(grid, device, 300)
    waiting = grid.meter_account(device).ledger.target_net_wh
    grid.chain.warp(3_600)

    grid.send(registry.apply_correction(grid.at, meter_id=device.meter_id))
    grid.send(crank(grid, device))
    grid.submit(device.reading(1, 50, measured_at=grid.now))

    assert waiting == 0
    assert grid.tokens(device.owner.pubkey()) == 350 * WH


def test_authority_or_auditor_cancels_a_waiting_correction():
    for canceller in ("authority", "auditor"):
        grid = Grid.initialised()
        device = grid.meter()
        correct(grid, device, 300)
        key = getattr(grid, canceller)

        grid.send(registry.cancel_correction(grid.at, canceller=key.pubkey(), meter_id=device.meter_id), key)

        meter = grid.meter_account(device)
        assert (meter.pending_correction_wh, meter.correction_net_wh) == (0, 0)
