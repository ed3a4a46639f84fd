"""Minting, burning and retiring, with their events and totals."""

from programs.client.accounts import EnergyTokenConfig
from programs.client.instructions import energy_token
from tests.support.grid import NOW, Device, Grid

WH = 1_000_000
"""Base units in a Wh."""


def config(grid: Grid) -> EnergyTokenConfig:
    return EnergyTokenConfig.decode(grid.chain.data(grid.at.energy_token.config) or b"")


def with_tokens(generation_wh: int) -> tuple[Grid, Device]:
    grid = Grid.initialised()
    device = grid.meter()
    grid.submit(device.reading(1, generation_wh, measured_at=grid.now - 900))
    return grid, device


def test_production_is_minted_and_told():
    grid = Grid.initialised()
    device = grid.meter()

    landed = grid.submit(device.reading(1, 15_500, measured_at=grid.now))

    minted = next(event for event in grid.events(landed) if event.name == "TokensMinted")
    assert minted.fields == {
        "new_total_supply": 15_500_000_000,
        "timestamp": NOW,
        "items": [{"recipient": str(device.owner.pubkey()), "amount": 15_500_000_000}],
    }
    assert config(grid).minted_units == 15_500 * WH


def test_consumption_is_burned_and_told():
    grid, device = with_tokens(5_000)

    landed = grid.submit(device.reading(2, 5_000, 2_000, measured_at=grid.now))

    burned = next(event for event in grid.events(landed) if event.name == "TokensBurned")
    assert burned.fields["items"] == [{"recipient": str(device.owner.pubkey()), "amount": 2_000 * WH}]
    assert burned.fields["new_total_supply"] == 3_000 * WH
    assert config(grid).burned_units == 2_000 * WH


def test_a_holder_retires_tokens_for_a_beneficiary_and_a_reason():
    grid, device = with_tokens(5_000)
    holder = device.owner

    landed = grid.send(
        energy_token.retire_tokens(
            grid.at, holder=holder.pubkey(), amount=1_500 * WH, beneficiary="School of Mae Sot", reason="Solar day 2023 ☀"
        ),
        holder,
    )

    (retired,) = grid.events(landed)
    assert retired.name == "TokensRetired"
    assert retired.fields == {
        "holder": str(holder.pubkey()),
        "amount": 1_500 * WH,
        "new_total_supply": 3_500 * WH,
        "timestamp": NOW,
        "beneficiary": "School of Mae Sot",
        "reason": "Solar day 2023 ☀",
    }
    assert (config(grid).retired_units, grid.tokens(holder.pubkey())) == (1_500 * WH, 3_500 * WH)


def test_texts_of_exactly_their_longest_are_taken():
    grid, device = with_tokens(1_000)
    holder = device.owner

    grid.send(
        energy_token.retire_tokens(grid.at, holder=holder.pubkey(), amount=1, beneficiary="b" * 64, reason="r" * 128), holder
    )

    assert config(grid).retired_units == 1


def test_disabled_minting_lets_production_wait_and_mints_it_later():
    grid = Grid.initialised()
    device = grid.meter()
    authority = grid.authority
    disable = energy_token.set_minting_enabled(grid.at, authority=authority.pubkey(), enabled=False)
    enable = energy_token.set_minting_enabled(grid.at, authority=authority.pubkey(), enabled=True)

    told = grid.events(grid.send(disable, authority))
    grid.submit(device.reading(1, 4_000, measured_at=grid.now - 900))
    waiting = grid.supply()
    grid.send(enable, authority)
    grid.submit(device.reading(2, 4_500, measured_at=grid.now))

    assert [(event.name, event.fields) for event in told] == [("MintingChanged", {"enabled": 0})]
    assert waiting == 0
    assert grid.tokens(device.owner.pubkey()) == 4_500 * WH


def test_an_authority_is_handed_over_in_two_steps():
    grid = Grid.initialised()
    old, new = grid.authority, grid.chain.wallet()
    propose = energy_token.propose_authority(grid.at, authority=old.pubkey(), new_authority=new.pubkey())
    accept = energy_token.accept_authority(grid.at, pending_authority=new.pubkey())

    proposed = grid.events(grid.send(propose, old))
    before = config(grid).authority
    accepted = grid.events(grid.send(accept, new))

    assert before == old.pubkey()
    assert (config(grid).authority, bytes(config(grid).pending_authority)) == (new.pubkey(), bytes(32))
    assert [event.name for event in (*proposed, *accepted)] == ["AuthorityProposed", "AuthorityChanged"]
    assert accepted[0].fields == {"old_authority": str(old.pubkey()), "new_authority": str(new.pubkey())}


def test_as_many_meters_as_64_accounts_hold_are_minted_in_one_call():
    grid = Grid.initialised()
    devices = grid.meters(23, proof=2)

    landed = grid.attest(*(device.attested(1, 1_000, measured_at=grid.now) for device in devices), tables=[grid.table(devices)])

    minted = [event for event in grid.events(landed) if event.name == "TokensMinted"]
    assert len(minted) == 1
    assert len(minted[0].fields["items"]) == 23
    assert grid.supply() == 23 * 1_000 * WH
