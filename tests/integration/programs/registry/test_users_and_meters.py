"""People and metering points from registration to the end."""

from solders.keypair import Keypair

from programs.client.accounts import DeviceKeyAccount
from programs.client.instructions import registry, token2022
from programs.client.instructions.token2022 import TokenAccount
from tests.support.grid import Grid
from tests.support.registry_steps import (
    ACTIVE,
    RETIRED,
    SUSPENDED,
    binding_of,
    credited,
    resumption,
    revocation,
    rotation,
    set_status,
    with_key,
)

DAY_S = 86_400


def device_key(grid: Grid, key: Keypair) -> DeviceKeyAccount:
    """The account of a device key."""
    data = grid.chain.data(grid.at.device(key.pubkey()))
    assert data is not None
    return DeviceKeyAccount.decode(data)


def test_a_wallet_registers_at_its_own_cost_and_allows_burning():
    grid = Grid.initialised()
    wallet = grid.chain.wallet()
    before = grid.chain.lamports(wallet.pubkey())

    landed = grid.send(registry.register_user(grid.at, wallet=wallet.pubkey(), kind=2), wallet)

    user = grid.user_account(wallet.pubkey())
    account = TokenAccount.decode(grid.chain.data(user.token_account) or b"")
    assert (user.kind, user.verified) == (2, 0)
    assert (account.delegate, account.delegated) == (grid.at.registry.authority, 2**64 - 1)
    assert grid.chain.lamports(wallet.pubkey()) < before
    assert grid.events(landed)[0].name == "UserRegistered"


def test_a_wallet_that_has_a_token_account_already_registers_too():
    grid = Grid.initialised()
    wallet = grid.chain.wallet()
    grid.send(token2022.create_associated(wallet.pubkey(), wallet.pubkey(), grid.at.mint), wallet)

    grid.send(registry.register_user(grid.at, wallet=wallet.pubkey(), kind=1), wallet)

    assert grid.user_account(wallet.pubkey()).wallet == wallet.pubkey()


def test_verification_sets_the_zone_and_can_be_taken_back():
    grid = Grid.initialised()
    grid.zone(3)
    wallet = grid.user(zone=3)
    verified = grid.user_account(wallet.pubkey())
    withdraw = registry.verify_user(grid.at, authority=grid.authority.pubkey(), wallet=wallet.pubkey(), zone=3, verified=False)

    grid.send(withdraw, grid.authority)

    assert (verified.verified, verified.zone, verified.verified_at) == (1, 3, grid.now)
    assert grid.user_account(wallet.pubkey()).verified == 0


def test_a_registered_meter_holds_its_base_and_plate():
    grid = Grid.initialised()
    base = (41, grid.now - DAY_S, 1_000_000, 300_000)

    device = grid.meter("MTR-9", base=base, rated_w=(4_000, 2_000))

    meter = grid.meter_account(device)
    assert (meter.last_sequence, meter.last_measured_at) == base[:2]
    assert (meter.raw_generation_wh, meter.raw_consumption_wh) == base[2:]
    assert (meter.credited_generation_wh, meter.credited_consumption_wh) == (0, 0)
    assert (meter.rated_power_out_w, meter.rated_power_in_w) == (4_000, 2_000)
    assert (meter.owner, meter.status, meter.token_account) == (device.owner.pubkey(), ACTIVE, device.token_account)
    assert device_key(grid, device.key).status == 1
    assert grid.user_account(device.owner.pubkey()).meter_count == 1
    assert grid.zone_account().meter_count == 1


def test_a_suspended_meter_resumes_from_a_new_base_and_the_gap_is_not_credited():
    grid = Grid.initialised()
    device = grid.meter()
    credited(grid, device, 500)
    set_status(grid, device, SUSPENDED, grid.provisioner)

    base = binding_of(grid, device, sequence=9, measured_at=grid.now - 900, registers_wh=(2_500, 80))
    landed = grid.send(resumption(grid, base, device.key), grid.provisioner)
    grid.submit(device.reading(10, 2_600, 80, measured_at=grid.now))

    meter = grid.meter_account(device)
    assert (meter.status, meter.credited_generation_wh, meter.credited_consumption_wh) == (ACTIVE, 600, 0)
    assert grid.events(landed)[0].fields["gap_credited"] == 0


def test_authority_and_auditor_together_credit_the_gap():
    grid = Grid.initialised()
    device = grid.meter()
    credited(grid, device, 500)
    set_status(grid, device, SUSPENDED)

    landed = set_status(grid, device, ACTIVE, grid.authority, grid.auditor)
    grid.submit(device.reading(10, 2_500, 80, measured_at=grid.now))

    assert grid.meter_account(device).credited_generation_wh == 2_500
    assert grid.events(landed)[0].fields["gap_credited"] == 1


def test_a_meter_retires_and_what_is_credited_still_settles():
    grid = Grid.initialised()
    device = grid.meter()
    credited(grid, device, 500)
    set_status(grid, device, RETIRED)

    keys = registry.settle_meter_balance(grid.at, zones=[grid.at.zone(1)], meters=[device.accounts])
    grid.send(keys)

    assert grid.tokens(device.owner.pubkey()) == 500_000_000


def test_a_rotated_key_still_counts_for_what_it_measured_before():
    grid = Grid.initialised()
    device, new = grid.meter(), Keypair()
    changed_at = grid.now - 1_800

    landed = grid.send(rotation(grid, device, device.key, new, valid_from=changed_at), grid.provisioner)
    grid.submit(device.reading(1, 100, measured_at=changed_at - 900))
    grid.submit(with_key(device, new).reading(2, 200, measured_at=changed_at))

    meter = grid.meter_account(device)
    assert (meter.device_key, meter.previous_device_key) == (new.pubkey(), device.key.pubkey())
    assert meter.credited_generation_wh == 200
    assert (device_key(grid, device.key).status, device_key(grid, new).status) == (2, 1)
    assert grid.events(landed)[0].name == "DeviceKeyRotated"


def test_a_second_rotation_is_possible_after_a_week():
    grid = Grid.initialised()
    device, second, third = grid.meter(), Keypair(), Keypair()
    grid.send(rotation(grid, device, device.key, second, valid_from=grid.now), grid.provisioner)
    grid.chain.warp(7 * DAY_S)

    grid.send(rotation(grid, device, second, third, valid_from=grid.now), grid.provisioner)

    assert grid.meter_account(device).device_key == third.pubkey()


def test_revoking_the_current_key_suspends_the_meter():
    grid = Grid.initialised()
    device = grid.meter()

    landed = grid.send(revocation(grid, device, device.key, grid.provisioner), grid.provisioner)

    meter = grid.meter_account(device)
    assert (meter.status, bytes(meter.device_key)) == (SUSPENDED, bytes(32))
    assert device_key(grid, device.key).status == 3
    assert grid.events(landed)[0].name == "DeviceKeyRevoked"
