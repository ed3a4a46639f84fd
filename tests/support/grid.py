"""The three real programs on a chain in a variable: deployed, initialised, with people and meters at hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from core.domain.network import network_bytes
from programs.client.accounts import MeterAccount, UserAccount, ZoneAccount
from programs.client.addresses import addresses_of
from programs.client.enrolment import MeterEnrolment, register_meter_instructions
from programs.client.events import ChainEvent, decode_transaction_events
from programs.client.instructions import energy_token, oracle, registry, token2022
from programs.client.instructions.oracle import AttestedReading, ProvenReading
from programs.client.instructions.registry import MeterAccounts
from programs.client.instructions.registry.settings import CorrectionLimits
from programs.client.instructions.token2022 import TokenAccount
from programs.client.messages import BINDING_MAGIC, INTERVAL_MAGIC, REGISTER_MAGIC, Binding, Statement
from programs.client.submissions import Budget, proven_instructions
from tests.support.svm import NOW, Landed, Svm, artifact

GENESIS = bytes(range(32))
"""The genesis hash that the programs are told."""
BUDGET = Budget(1_000_000, 0)
LIMITS = CorrectionLimits(cap_wh=100_000, window_s=86_400, delay_s=3_600)
ROOT = bytes(range(32, 64))


@dataclass(frozen=True, kw_only=True)
class Device:
    """A registered meter with its keys."""

    meter_id: str
    key: Keypair
    owner: Keypair
    network: bytes
    zone: int
    address: Pubkey
    token_account: Pubkey
    base_measured_at: int
    kind: int = 1

    @property
    def accounts(self) -> MeterAccounts:
        """Where its energy is booked and its tokens go."""
        return MeterAccounts(self.address, self.token_account)

    def statement(self, sequence: int, generation_wh: int, consumption_wh: int = 0, *, measured_at: int) -> bytes:
        """The 64 bytes that the device signs."""
        magic = REGISTER_MAGIC if self.kind == 1 else INTERVAL_MAGIC
        return Statement(magic, self.network, self.meter_id, sequence, measured_at, generation_wh, consumption_wh).pack()

    def reading(self, sequence: int, generation_wh: int, consumption_wh: int = 0, *, measured_at: int) -> ProvenReading:
        """A reading signed by the device."""
        statement = self.statement(sequence, generation_wh, consumption_wh, measured_at=measured_at)
        return self.signed(statement)

    def signed(self, statement: bytes, key: Keypair | None = None) -> ProvenReading:
        """Any bytes, signed by the device or by another key."""
        key = key or self.key
        return ProvenReading(bytes(key.pubkey()), bytes(key.sign_message(statement)), statement, self.accounts)

    def attested(
        self, entry: int, generation_wh: int, consumption_wh: int = 0, *, measured_at: int, sequence: int | None = None
    ) -> AttestedReading:
        """A reading that attesters vouch for."""
        return AttestedReading(
            entry_number=entry,
            sequence=entry if sequence is None else sequence,
            measured_at=measured_at,
            generation_wh=generation_wh,
            consumption_wh=consumption_wh,
            quality=100,
            accounts=self.accounts,
        )


class Grid:
    """The chain, the programs' addresses, and everybody's keys.

    `Grid.deployed()` has the programs only; `Grid.initialised()` is ready for users.
    """

    def __init__(self) -> None:
        self.chain = Svm()
        draw = self.chain.keypair
        self.upgrade, self.authority, self.auditor, self.provisioner = draw(), draw(), draw(), draw()
        self.attesters = (draw(), draw(), draw())
        self.at = addresses_of()
        self.network = network_bytes(GENESIS, bytes(self.at.registry.id))
        for keypair in (self.upgrade, self.authority, self.auditor, self.provisioner, *self.attesters):
            self.chain.fund(keypair.pubkey())

    @classmethod
    def deployed(cls) -> "Grid":
        """The programs under the upgradeable loader, with `upgrade` as their upgrade authority, not yet initialised."""
        grid = cls()
        for name in ("registry", "oracle", "energy_token"):
            grid.chain.deploy(getattr(grid.at.ids, name), artifact(name), grid.upgrade.pubkey())
        return grid

    @classmethod
    def initialised(cls, *, attesters: int = 1, threshold: int = 1, mint_cap_wh: int = registry.NO_CAP) -> "Grid":
        """All three initialised; `attesters` of the three keys set; zone 1 created."""
        grid = cls.deployed()
        grid.send(grid.initialize_energy_token(), grid.upgrade)
        grid.send(grid.initialize_registry(), grid.upgrade)
        grid.send(grid.initialize_oracle(), grid.upgrade)
        grid.set_attesters(grid.attesters[:attesters], threshold)
        grid.zone(1, mint_cap_wh=mint_cap_wh)
        return grid

    # --- sending ---------------------------------------------------------------------------------------------------------

    def send(self, instructions: Instruction | Sequence[Instruction], *signers: Keypair, **options: Any) -> Landed:
        """Send and expect success; see `Svm.send`."""
        return self.chain.send(_listed(instructions), signers, **options)

    def refused(self, instructions: Instruction | Sequence[Instruction], *signers: Keypair, **options: Any) -> int | None:
        """Send, expect a refusal, and return the program's error code (`None` for an error of Solana's own)."""
        return self.chain.refused(_listed(instructions), signers, **options).code

    def events(self, landed: Landed) -> list[ChainEvent]:
        """The events of a transaction."""
        return decode_transaction_events(landed.confirmed(), self.at.ids)

    @property
    def now(self) -> int:
        """Unix seconds on the chain."""
        return self.chain.now

    # --- initialising ----------------------------------------------------------------------------------------------------

    def initialize_energy_token(self) -> Instruction:
        """By the upgrade authority."""
        return energy_token.initialize(
            self.at,
            payer=self.chain.payer.pubkey(),
            upgrade_authority=self.upgrade.pubkey(),
            authority=self.authority.pubkey(),
            name="GridTokenX Energy",
            symbol="GRID",
            uri="",
        )

    def initialize_registry(self) -> Instruction:
        """By the upgrade authority."""
        return registry.initialize(
            self.at,
            payer=self.chain.payer.pubkey(),
            upgrade_authority=self.upgrade.pubkey(),
            genesis_hash=GENESIS,
            authority=self.authority.pubkey(),
            provisioner=self.provisioner.pubkey(),
            auditor=self.auditor.pubkey(),
            limits=LIMITS,
        )

    def initialize_oracle(self) -> Instruction:
        """By the upgrade authority."""
        return oracle.initialize(
            self.at,
            payer=self.chain.payer.pubkey(),
            upgrade_authority=self.upgrade.pubkey(),
            genesis_hash=GENESIS,
            authority=self.authority.pubkey(),
            rule_set_hash=bytes(32),
        )

    def set_attesters(self, attesters: Sequence[Keypair], threshold: int) -> Landed:
        """By the authority."""
        keys = [keypair.pubkey() for keypair in attesters]
        instruction = oracle.set_attesters(self.at, authority=self.authority.pubkey(), attesters=keys, threshold=threshold)
        return self.send(instruction, self.authority)

    def zone(self, zone: int, *, mint_cap_wh: int = registry.NO_CAP, window_s: int = 86_400) -> Landed:
        """Create a zone whose authority is the registry's."""
        instruction = registry.create_zone(
            self.at,
            payer=self.chain.payer.pubkey(),
            authority=self.authority.pubkey(),
            zone=zone,
            zone_authority=self.authority.pubkey(),
            mint_cap_wh=mint_cap_wh,
            window_s=window_s,
        )
        return self.send(instruction, self.authority)

    # --- people and meters -----------------------------------------------------------------------------------------------

    def user(self, *, kind: int = 1, zone: int = 1, verified: bool = True) -> Keypair:
        """A wallet, registered and (by default) verified."""
        wallet = self.chain.wallet()
        self.send(registry.register_user(self.at, wallet=wallet.pubkey(), kind=kind), wallet)
        if verified:
            instruction = registry.verify_user(self.at, authority=self.authority.pubkey(), wallet=wallet.pubkey(), zone=zone)
            self.send(instruction, self.authority)
        return wallet

    def enrolment(
        self,
        meter_id: str,
        owner: Pubkey,
        key: Keypair,
        *,
        kind: int = 1,
        proof: int = 1,
        zone: int = 1,
        rated_w: tuple[int, int] = (100_000, 100_000),
        base: tuple[int, int, int, int] | None = None,
        binding: Binding | None = None,
    ) -> MeterEnrolment:
        """What a meter's registration says, signed by its device.

        Args:
            meter_id: the meter.
            owner: who signs with it.
            key: the device's key.
            kind: 1 register, 2 interval.
            proof: 1 device, 2 attested.
            zone: the meter's zone.
            rated_w: power out and in.
            base: sequence, measured_at, generation and consumption; by default zero registers a day ago.
            binding: sign this instead of the enrolment's own, for hostile tests.
        """
        sequence, measured_at, generation, consumption = base or (0, self.now - 86_400, 0, 0)
        own = Binding(BINDING_MAGIC, self.network, meter_id, owner, sequence, measured_at, generation, consumption)
        return MeterEnrolment(
            network=self.network,
            meter_id=meter_id,
            owner=owner,
            device_key=key.pubkey(),
            signature=bytes(key.sign_message((binding or own).pack())),
            base_sequence=sequence,
            base_measured_at=measured_at,
            base_generation_wh=generation,
            base_consumption_wh=consumption,
            rated_power_out_w=rated_w[0],
            rated_power_in_w=rated_w[1],
            zone=zone,
            statement_kind=kind,
            proof=proof,
            asset_kind=1,
        )

    def registration(self, enrolment: MeterEnrolment) -> list[Instruction]:
        """The Ed25519 check and the registration, paid by the chain's payer."""
        return register_meter_instructions(
            self.at, enrolment, payer=self.chain.payer.pubkey(), provisioner=self.provisioner.pubkey()
        )

    def meter(self, meter_id: str = "MTR-001", owner: Keypair | None = None, key: Keypair | None = None, **plate: Any) -> Device:
        """A registered meter; `plate` as in `enrolment`."""
        owner, key = owner or self.user(zone=plate.get("zone", 1)), key or self.chain.keypair()
        enrolment = self.enrolment(meter_id, owner.pubkey(), key, **plate)
        self.send(self.registration(enrolment), owner, self.provisioner)
        return Device(
            meter_id=meter_id,
            key=key,
            owner=owner,
            network=self.network,
            zone=enrolment.zone,
            address=self.at.meter(meter_id),
            token_account=self.at.token_account(owner.pubkey()),
            base_measured_at=enrolment.base_measured_at,
            kind=enrolment.statement_kind,
        )

    def meters(self, count: int, **plate: Any) -> list[Device]:
        """Several meters, each with its own owner."""
        return [self.meter(f"MTR-{number:03}", **plate) for number in range(1, count + 1)]

    # --- the two doors ---------------------------------------------------------------------------------------------------

    def proven(
        self, *readings: ProvenReading, zones: Sequence[int] | None = (1,), submitter: Pubkey | None = None
    ) -> list[Instruction]:
        """Instructions of device-proven readings; `zones=None` credits without settling."""
        return proven_instructions(
            self.at,
            submitter=submitter or self.attesters[0].pubkey(),
            readings=readings,
            zones=self.zones(zones),
            budget=BUDGET,
        )

    def submit(self, *readings: ProvenReading, zones: Sequence[int] | None = (1,), **options: Any) -> Landed:
        """Send device-proven readings; the first attester pays."""
        options = {"payer": self.attesters[0], "check_size": False, **options}
        return self.send(self.proven(*readings, zones=zones), self.attesters[0], **options)

    def attested(
        self,
        *readings: AttestedReading,
        zones: Sequence[int] | None = (1,),
        attesters: Sequence[Keypair] | None = None,
        merkle_root: bytes = ROOT,
    ) -> list[Instruction]:
        """Instructions of an attested batch."""
        keys = [keypair.pubkey() for keypair in (self.attesters[:1] if attesters is None else attesters)]
        batch = oracle.submit_reading_batch(
            self.at, attesters=keys, readings=readings, merkle_root=merkle_root, zones=self.zones(zones)
        )
        return [*BUDGET.instructions(), batch]

    def attest(self, *readings: AttestedReading, attesters: Sequence[Keypair] | None = None, **options: Any) -> Landed:
        """Send an attested batch; the first attester pays. `zones` and `merkle_root` as in `attested`."""
        signers = self.attesters[:1] if attesters is None else attesters
        batch = {name: options.pop(name) for name in ("zones", "merkle_root") if name in options}
        instructions = self.attested(*readings, attesters=signers, **batch)
        return self.send(instructions, *signers, **{"payer": signers[0], "check_size": False, **options})

    def zones(self, zones: Sequence[int] | None) -> list[Pubkey] | None:
        """Accounts of zones."""
        return None if zones is None else [self.at.zone(zone) for zone in zones]

    def table(self, devices: Sequence[Device], zones: Sequence[int] = (1,)) -> AddressLookupTableAccount:
        """A lookup table of everything that a submission for these meters names."""
        at = self.at
        fixed = [at.oracle.config, at.roots, at.oracle.event_authority, at.oracle.authority]
        fixed += [at.registry.id, at.registry.config, at.registry.event_authority, at.registry.authority]
        fixed += [at.energy_token.id, at.energy_token.config, at.mint, at.energy_token.event_authority]
        fixed += [oracle.INSTRUCTIONS_SYSVAR, token2022.PROGRAM, *(at.zone(zone) for zone in zones)]
        return self.chain.table([*fixed, *(key for device in devices for key in (device.address, device.token_account))])

    # --- looking ---------------------------------------------------------------------------------------------------------

    def meter_account(self, device: Device) -> MeterAccount:
        """The meter's ledger."""
        return MeterAccount.decode(self._data(device.address))

    def user_account(self, wallet: Pubkey) -> UserAccount:
        """A wallet's user account."""
        return UserAccount.decode(self._data(self.at.user(wallet)))

    def zone_account(self, zone: int = 1) -> ZoneAccount:
        """A zone."""
        return ZoneAccount.decode(self._data(self.at.zone(zone)))

    def tokens(self, wallet: Pubkey) -> int:
        """Base units of a wallet's energy tokens."""
        return TokenAccount.decode(self._data(self.at.token_account(wallet))).amount

    def supply(self) -> int:
        """Base units that exist."""
        return int.from_bytes(self._data(self.at.mint)[36:44], "little")

    def _data(self, key: Pubkey) -> bytes:
        data = self.chain.data(key)
        assert data is not None, f"no account at {key}"
        return data


def _listed(instructions: Instruction | Sequence[Instruction]) -> list[Instruction]:
    return [instructions] if isinstance(instructions, Instruction) else list(instructions)


__all__ = ["BUDGET", "GENESIS", "LIMITS", "NOW", "ROOT", "Device", "Grid"]
