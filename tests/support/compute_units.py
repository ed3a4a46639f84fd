"""What every instruction costs, measured on the committed artifacts with keys that never change.

    python -m tests.support.compute_units

writes the table anew; a test fails when an instruction has grown by more than 5 % against it.
"""

import json
import re
import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from programs.client.instructions import energy_token, oracle, registry
from programs.client.messages import BINDING_MAGIC, ROTATION_MAGIC, Binding, Rotation
from tests.support.grid import LIMITS, Device, Grid
from tests.support.svm import Landed

TABLE = Path(__file__).parents[1] / "integration" / "programs" / "compute_units.json"
PROVEN_METERS, ATTESTED_METERS = 5, 20
_INVOKE = re.compile(r"Program (\w+) invoke \[(\d+)\]")
_CONSUMED = re.compile(r"Program (\w+) consumed (\d+) of \d+ compute units")
_EVIDENCE = sha256(b"evidence").digest()


def measure() -> dict[str, int]:
    """Compute units by name: `program.instruction`, with the circumstances in brackets where there are several."""
    units: dict[str, int] = {}
    for part in (_setting_up, _settings, _meters, _corrections, _proven, _attested, _tokens):
        units |= part()
    return dict(sorted(units.items()))


def write() -> None:
    """Write the table anew."""
    TABLE.write_text(json.dumps(measure(), indent=2) + "\n")


def called(landed: Landed, program: Pubkey, *, depth: int = 1) -> int:
    """Units that a program used in a transaction, its own calls included, at a depth of calls."""
    stack: list[tuple[str, int]] = []
    total = 0
    for line in landed.meta.logs():
        if match := _INVOKE.fullmatch(line):
            stack.append((match[1], int(match[2])))
        elif match := _CONSUMED.fullmatch(line):
            if stack.pop() == (str(program), depth):
                total += int(match[2])
        elif line.endswith(" success") and stack and stack[-1][0] in _UNMETERED:
            stack.pop()
    return total


_UNMETERED = {"ComputeBudget111111111111111111111111111111", "11111111111111111111111111111111"}


def _cost(grid: Grid, instructions: Instruction | Sequence[Instruction], *signers: Keypair) -> int:
    listed = [instructions] if isinstance(instructions, Instruction) else list(instructions)
    return called(grid.send(listed, *signers), listed[-1].program_id)


def _setting_up() -> dict[str, int]:
    grid = Grid.deployed()
    return {
        "energy_token.initialize": _cost(grid, grid.initialize_energy_token(), grid.upgrade),
        "registry.initialize": _cost(grid, grid.initialize_registry(), grid.upgrade),
        "oracle.initialize": _cost(grid, grid.initialize_oracle(), grid.upgrade),
    }


def _settings() -> dict[str, int]:
    grid = Grid.initialised()
    at, authority, auditor = grid.at, grid.authority.pubkey(), grid.auditor.pubkey()
    heir, wallet = grid.chain.wallet(), grid.chain.wallet()
    units: dict[str, int] = {}
    for name, module in (("registry", registry), ("oracle", oracle), ("energy_token", energy_token)):
        proposal = module.propose_authority(at, authority=authority, new_authority=heir.pubkey())
        units[f"{name}.propose_authority"] = _cost(grid, proposal, grid.authority)
        units[f"{name}.accept_authority"] = _cost(grid, module.accept_authority(at, pending_authority=heir.pubkey()), heir)
        back = module.propose_authority(at, authority=heir.pubkey(), new_authority=authority)
        grid.send([back, module.accept_authority(at, pending_authority=authority)], heir, grid.authority)
    new_zone = registry.create_zone(
        at,
        payer=grid.chain.payer.pubkey(),
        authority=authority,
        zone=2,
        zone_authority=authority,
        mint_cap_wh=5,
        window_s=6,
    )
    steps = {
        "registry.set_roles": registry.set_roles(at, authority=authority, provisioner=grid.provisioner.pubkey(), auditor=auditor),
        "registry.set_paused": registry.set_paused(at, authority=authority, paused=0),
        "registry.set_correction_limits": registry.set_correction_limits(at, authority=authority, auditor=auditor, limits=LIMITS),
        "registry.create_zone": new_zone,
        "registry.set_zone": registry.set_zone(
            at, zone_authority=authority, zone=2, mint_cap_wh=7, window_s=8, pending_authority=heir.pubkey()
        ),
        "registry.accept_zone_authority": registry.accept_zone_authority(at, pending_authority=heir.pubkey(), zone=2),
        "registry.register_user": registry.register_user(at, wallet=wallet.pubkey(), kind=1),
        "registry.verify_user": registry.verify_user(at, authority=authority, wallet=wallet.pubkey(), zone=1),
        "oracle.set_attesters": oracle.set_attesters(at, authority=authority, attesters=[heir.pubkey()], threshold=1),
        "oracle.set_rule_set": oracle.set_rule_set(at, authority=authority, rule_set_hash=_EVIDENCE),
        "oracle.set_paused": oracle.set_paused(at, authority=authority, paused=0),
        "energy_token.set_minting_enabled": energy_token.set_minting_enabled(at, authority=authority, enabled=True),
    }
    keys = (grid.authority, grid.auditor, heir, wallet)
    return units | {name: _cost(grid, step, *keys) for name, step in steps.items()}


def _meters() -> dict[str, int]:
    grid = Grid.initialised()
    at, payer = grid.at, grid.chain.payer.pubkey()
    owner, key, next_key = grid.user(), grid.chain.keypair(), grid.chain.keypair()
    enrolment = grid.enrolment("MTR-001", owner.pubkey(), key)
    units = {"registry.register_meter": _cost(grid, grid.registration(enrolment), owner, grid.provisioner)}
    authorities = [grid.authority.pubkey()]
    suspend = registry.set_meter_status(at, authorities=authorities, meter_id="MTR-001", status=3)
    units["registry.set_meter_status"] = _cost(grid, suspend, grid.authority)
    binding = Binding(BINDING_MAGIC, grid.network, "MTR-001", owner.pubkey(), 1, grid.now, 10, 10)
    resume = registry.resume_meter(
        at,
        provisioner=grid.provisioner.pubkey(),
        binding=binding,
        signature=bytes(key.sign_message(binding.pack())),
        device_key=key.pubkey(),
        instruction_index=1,
    )
    units["registry.resume_meter"] = _cost(grid, resume, grid.provisioner)
    grid.chain.warp(8 * 86_400)
    rotation = Rotation(ROTATION_MAGIC, grid.network, "MTR-001", next_key.pubkey(), grid.now)
    rotate = registry.rotate_device_key(
        at,
        payer=payer,
        provisioner=grid.provisioner.pubkey(),
        rotation=rotation,
        old_key=key.pubkey(),
        old_signature=bytes(key.sign_message(rotation.pack())),
        new_signature=bytes(next_key.sign_message(rotation.pack())),
        instruction_index=1,
    )
    units["registry.rotate_device_key"] = _cost(grid, rotate, grid.provisioner)
    revoke = registry.revoke_device_key(at, authority=authorities[0], meter_id="MTR-001", key=next_key.pubkey())
    units["registry.revoke_device_key"] = _cost(grid, revoke, grid.authority)
    return units


def _corrections() -> dict[str, int]:
    grid = Grid.initialised()
    at, device = grid.at, grid.meter()
    record = registry.record_correction(
        at,
        authority=grid.authority.pubkey(),
        auditor=grid.auditor.pubkey(),
        meter_id="MTR-001",
        amount_wh=500,
        reason=1,
        evidence=_EVIDENCE,
    )
    units = {"registry.record_correction": _cost(grid, record, grid.authority, grid.auditor)}
    cancel = registry.cancel_correction(at, canceller=grid.auditor.pubkey(), meter_id="MTR-001")
    units["registry.cancel_correction"] = _cost(grid, cancel, grid.auditor)
    grid.send(record, grid.authority, grid.auditor)
    grid.chain.warp(LIMITS.delay_s)
    units["registry.apply_correction"] = _cost(grid, registry.apply_correction(at, meter_id="MTR-001"))
    units["registry.get_unsettled_balance"] = _cost(grid, registry.get_unsettled_balance(at, meter=device.address))
    settle = registry.settle_and_mint_tokens(at, owner=device.owner.pubkey(), zone=1, meter=device.accounts)
    units["registry.settle_and_mint_tokens"] = _cost(grid, settle, device.owner)
    return units


def _proven() -> dict[str, int]:
    grid = Grid.initialised()
    devices = grid.meters(PROVEN_METERS)
    tables = [grid.table(devices)]
    now = grid.now

    def submit(step: int, count: int, zones: tuple[int, ...] | None) -> Landed:
        registers = (step * 1_000, 0)
        rows = [device.reading(step, *registers, measured_at=now - 9_000 + 900 * step) for device in devices[:count]]
        return grid.submit(*rows, zones=zones, tables=tables)

    submit(1, PROVEN_METERS, (1,))  # the first mint of an account and of a zone is not the usual one
    credit_one, credit_five = submit(2, 1, None), submit(3, PROVEN_METERS, None)
    settled = submit(4, PROVEN_METERS, (1,))
    submit(5, PROVEN_METERS, None)
    places = [device.accounts for device in devices]
    crank = registry.settle_meter_balance(grid.at, zones=[grid.at.zone(1)], meters=places)
    ids = grid.at.ids
    return {
        "oracle.submit_meter_reading (1 meter, credit)": called(credit_one, ids.oracle),
        "oracle.submit_meter_reading (5 meters, credit)": called(credit_five, ids.oracle),
        "oracle.submit_meter_reading (5 meters, credit and mint)": called(settled, ids.oracle),
        "registry.submit_meter_reading (5 meters, credit)": called(credit_five, ids.registry, depth=2),
        "registry.submit_meter_reading (5 meters, credit and mint)": called(settled, ids.registry, depth=2),
        "energy_token.mint_from_production (5 accounts)": called(settled, ids.energy_token, depth=3),
        "registry.settle_meter_balance (5 meters, mint)": _cost(grid, crank),
    }


def _attested() -> dict[str, int]:
    grid = Grid.initialised(attesters=3, threshold=3)
    devices = grid.meters(ATTESTED_METERS, proof=2)
    tables = [grid.table(devices)]
    now = grid.now

    def attest(step: int, registers: tuple[int, int], zones: tuple[int, ...] | None) -> Landed:
        rows = [device.attested(step, *registers, measured_at=now - 9_000 + 900 * step) for device in devices]
        return grid.attest(*rows, attesters=grid.attesters, zones=zones, tables=tables)

    attest(1, (3_000, 0), (1,))
    credit = attest(2, (4_000, 0), None)
    minted = attest(3, (5_000, 0), (1,))
    burned = attest(4, (5_000, 1_000), (1,))
    ids = grid.at.ids
    return {
        "oracle.submit_reading_batch (20 meters, credit)": called(credit, ids.oracle),
        "oracle.submit_reading_batch (20 meters, credit and mint)": called(minted, ids.oracle),
        "oracle.submit_reading_batch (20 meters, credit and burn)": called(burned, ids.oracle),
        "energy_token.burn_for_consumption (20 accounts)": called(burned, ids.energy_token, depth=3),
    }


def _tokens() -> dict[str, int]:
    grid = Grid.initialised()
    device: Device = grid.meter()
    grid.submit(device.reading(1, 5_000, measured_at=grid.now))
    retire = energy_token.retire_tokens(
        grid.at, holder=device.owner.pubkey(), amount=1_000_000, beneficiary="Ana", reason="green 2026"
    )
    return {"energy_token.retire_tokens": _cost(grid, retire, device.owner)}


if __name__ == "__main__":
    write()
    sys.stdout.write(TABLE.read_text())
