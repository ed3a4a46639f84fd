"""Any order of readings, settlements, pauses, revocations and corrections keeps ledger and tokens together, to the Wh (R3.4)."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from programs.client.instructions import registry, token2022
from tests.support.grid import Device, Grid
from tests.support.registry_steps import ACTIVE, SUSPENDED, WH, correct, crank, set_status
from tests.support.svm import Refused

STEPS = 60
CADENCE_S = 900


@dataclass
class Walk:
    """A small grid, what its meters truly measured, and a seed."""

    grid: Grid
    devices: list[Device]
    dice: random.Random
    registers: dict[str, list[int]] = field(default_factory=dict)
    sequence: dict[str, int] = field(default_factory=dict)

    def try_to(self, step: Callable[[], object]) -> None:
        """A refused step is a step too: it must leave everything as it was."""
        before = self.totals()
        try:
            step()
        except Refused:
            assert self.totals() == before

    def totals(self) -> list[object]:
        """All that value depends on."""
        return [self.grid.supply(), *(self.grid.meter_account(device).ledger for device in self.devices)]

    def read(self, device: Device) -> None:
        """The meter measures a little and reports it, sometimes twice, sometimes without settling."""
        grown = self.registers.setdefault(device.meter_id, [0, 0])
        number = self.sequence[device.meter_id] = self.sequence.get(device.meter_id, 0) + 1
        grown[0] += self.dice.choice([0, 0, 400, 900])
        grown[1] += self.dice.choice([0, 300, 1_000])
        reading = device.reading(number, *grown, measured_at=device.base_measured_at + CADENCE_S * number)
        zones = self.dice.choice([(1,), (1,), None])
        for _ in range(self.dice.choice([1, 1, 2])):
            self.try_to(lambda: self.grid.submit(reading, zones=zones))

    def settle(self, device: Device) -> None:
        """Somebody turns the crank for two meters."""
        self.try_to(lambda: self.grid.send(crank(self.grid, device, self.dice.choice(self.devices))))

    def allow(self, device: Device) -> None:
        """The owner changes his allowance."""
        units = self.dice.choice([0, 150 * WH + 1, 2**64 - 1])
        approve = token2022.approve(device.token_account, self.grid.at.registry.authority, device.owner.pubkey(), units)
        self.grid.send(approve, device.owner)

    def send_tokens(self, device: Device) -> None:
        """The owner gives tokens to another."""
        source, target = device.token_account, self.dice.choice(self.devices).token_account
        amount = self.grid.tokens(device.owner.pubkey()) // 3
        transfer = token2022.transfer_checked(source, self.grid.at.mint, target, device.owner.pubkey(), amount, 9)
        self.try_to(lambda: self.grid.send(transfer, device.owner))

    def suspend_or_resume(self, device: Device) -> None:
        """The operator suspends the meter, or resumes it with the auditor."""
        if self.grid.meter_account(device).status == ACTIVE:
            set_status(self.grid, device, SUSPENDED)
        else:
            set_status(self.grid, device, ACTIVE, self.grid.authority, self.grid.auditor)

    def take_back(self, device: Device) -> None:
        """A negative correction."""
        self.try_to(lambda: correct(self.grid, device, -self.dice.randint(1, 200)))

    def pause(self, _device: Device) -> None:
        """The authority pauses or resumes minting."""
        bits = self.dice.choice([0, 0, 2])
        self.grid.send(
            registry.set_paused(self.grid.at, authority=self.grid.authority.pubkey(), paused=bits), self.grid.authority
        )


def holds(walk: Walk) -> None:
    """The equations of R3.4."""
    accounts = [walk.grid.meter_account(device) for device in walk.devices]
    for account in accounts:
        ledger = account.ledger
        attested = account.credited_generation_wh - account.credited_consumption_wh + account.correction_net_wh
        assert attested == account.minted_wh - account.burned_wh - ledger.owed_wh + ledger.unsettled_wh
        assert account.settled_net_wh == account.minted_wh - account.burned_wh
    assert walk.grid.supply() == sum(account.settled_net_wh for account in accounts) * WH
    wallets = {device.owner.pubkey() for device in walk.devices}
    assert walk.grid.supply() == sum(map(walk.grid.tokens, wallets))


@pytest.mark.parametrize("seed", range(6))
def test_ledger_and_tokens_agree_after_every_step(seed: int):
    grid = Grid.initialised(mint_cap_wh=random.Random(seed).choice([3_000, registry.NO_CAP]))
    first = grid.meter("MTR-A")
    walk = Walk(grid, [first, grid.meter("MTR-B", owner=first.owner), grid.meter("MTR-C")], random.Random(seed))
    steps = [walk.read] * 6 + [walk.settle] * 3
    steps += [walk.allow, walk.send_tokens, walk.suspend_or_resume, walk.take_back, walk.pause]

    for _ in range(STEPS):
        walk.dice.choice(steps)(walk.dice.choice(walk.devices))
        holds(walk)

    credited = [grid.meter_account(device).credited_generation_wh for device in walk.devices]
    assert all(
        energy <= walk.registers.get(device.meter_id, [0])[0] for energy, device in zip(credited, walk.devices, strict=True)
    )
    assert sum(credited) > 0
