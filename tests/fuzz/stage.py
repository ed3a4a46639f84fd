"""A chain in a state where every instruction of every program has something to do, with a valid transaction for each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from solders.account import Account
from solders.instruction import Instruction
from solders.keypair import Keypair
from solders.pubkey import Pubkey

from programs.client.accounts import MeterAccount
from programs.client.instructions import energy_token, oracle, registry, token2022
from programs.client.instructions.token2022 import TokenAccount
from tests.support.grid import LIMITS, Device, Grid
from tests.support.registry_steps import (
    SUSPENDED,
    binding_of,
    correct,
    correction,
    crank,
    own_settlement,
    resumption,
    revocation,
    rotation,
    set_status,
    status,
)

WH: Final = 1_000_000
QUARTER_S: Final = 900
CREDITS: Final = frozenset({"submit_meter_reading", "submit_reading_batch", "credit_only"})
CORRECTS: Final = frozenset({"record_correction", "apply_correction", "record_negative_correction"})
RETIRES: Final = frozenset({"retire_tokens"})


@dataclass(frozen=True, slots=True)
class Template:
    """A transaction of the stage, and whether it may land there as it is."""

    name: str
    instructions: tuple[Instruction, ...]
    lands: bool = True


@dataclass(frozen=True, slots=True)
class Books:
    """The sums that must fit each other."""

    credited_wh: int
    corrected_wh: int
    settled_wh: int
    supply: int
    held: int


class Stage:
    """The chain, what may be put on it, and what it looked like before."""

    def __init__(self) -> None:
        self.grid = grid = Grid.initialised(attesters=2, threshold=1)
        grid.zone(2, mint_cap_wh=5_000)
        self.register = grid.meter("MTR-REG")
        self.interval = grid.meter("MTR-INT", kind=2, proof=2)
        self.resting = grid.meter("MTR-REST")
        self.corrected = grid.meter("MTR-CORR")
        self.unsettled = grid.meter("MTR-OPEN")
        self.waiting = grid.chain.wallet()
        self.newcomer = grid.chain.wallet()
        self._live()
        self.keys = self._keys()
        self.pool = self._pool()
        self.templates = self._templates()
        self.base = self._states()
        self.books = self.sums()

    def _live(self) -> None:
        """Energy credited, minted and burned; a correction, an authority and a zone's authority that wait."""
        grid = self.grid
        for number in (1, 2):
            grid.submit(self._reading(self.register, number, 1_000 * number, 10))
        grid.attest(self.interval.attested(1, 700, measured_at=self._at(self.interval, 1)))
        grid.submit(self._reading(self.unsettled, 1, 2_000), zones=None)
        set_status(grid, self.resting, SUSPENDED)
        correct(grid, self.corrected, 50)
        grid.chain.warp(LIMITS.delay_s + 10)
        authority = {"authority": grid.authority.pubkey(), "new_authority": self.waiting.pubkey()}
        for program in (registry, oracle, energy_token):
            grid.send(program.propose_authority(grid.at, **authority), grid.authority)
        zone = registry.set_zone(
            grid.at,
            zone_authority=grid.authority.pubkey(),
            zone=2,
            mint_cap_wh=5_000,
            window_s=86_400,
            pending_authority=self.waiting.pubkey(),
        )
        grid.send(zone, grid.authority)

    @staticmethod
    def _at(device: Device, number: int) -> int:
        return device.base_measured_at + QUARTER_S * number

    def _reading(self, device: Device, number: int, generation_wh: int, consumption_wh: int = 0) -> oracle.ProvenReading:
        return device.reading(number, generation_wh, consumption_wh, measured_at=self._at(device, number))

    def proof_templates(self) -> tuple[Template, ...]:
        """Those that carry signatures of devices."""
        return tuple(template for template in self.templates if len(template.instructions) > 1)

    def signer_of(self, key: Pubkey) -> Keypair | None:
        """The key pair of a key, where we hold it."""
        return self.keys.get(key)

    def is_changed(self) -> bool:
        """Whether any account differs from the stage's first state."""
        return any(self._account(key) != account for key, account in self.base.items())

    def restore(self) -> None:
        """Put every account back."""
        nothing = Account(0, b"", Pubkey.default())
        for key, account in self.base.items():
            if self._account(key) != account:
                self.grid.chain.svm.set_account(key, account or nothing)

    def sums(self) -> Books:
        """What the ledgers, the mint and the token accounts say."""
        meters = [MeterAccount.decode(data) for key in self._meters if (data := self.grid.chain.data(key)) is not None]
        held = [TokenAccount.decode(data).amount for key in self._tokens if (data := self.grid.chain.data(key)) is not None]
        return Books(
            credited_wh=sum(meter.credited_generation_wh + meter.credited_consumption_wh for meter in meters),
            corrected_wh=sum(meter.correction_net_wh for meter in meters),
            settled_wh=sum(meter.settled_net_wh for meter in meters),
            supply=self.grid.supply(),
            held=sum(held),
        )

    def _account(self, key: Pubkey) -> Account | None:
        account = self.grid.chain.svm.get_account(key)
        return None if account is None or account.lamports == 0 else account

    def _states(self) -> dict[Pubkey, Account | None]:
        """All that a program of ours may change; payers' lamports change with every fee and are left out."""
        return {key: self._account(key) for key in self.pool if key not in self.keys and not self._is_code(key)}

    def _is_code(self, key: Pubkey) -> bool:
        account = self._account(key)
        return account is not None and (account.executable or len(account.data) > 20_000)

    @property
    def _devices(self) -> tuple[Device, ...]:
        return (self.register, self.interval, self.resting, self.corrected, self.unsettled)

    def _keys(self) -> dict[Pubkey, Keypair]:
        grid = self.grid
        owners = [device.owner for device in self._devices] + [device.key for device in self._devices]
        others = [grid.upgrade, grid.authority, grid.auditor, grid.provisioner, *grid.attesters, grid.chain.payer]
        return {pair.pubkey(): pair for pair in (*owners, *others, self.waiting, self.newcomer)}

    def _pool(self) -> tuple[Pubkey, ...]:
        """Every address that an attacker would think of, and two forged accounts."""
        grid, at = self.grid, self.grid.at
        programs = (at.registry, at.oracle, at.energy_token)
        fixed = [key for program in programs for key in (program.id, program.config, program.authority, program.event_authority)]
        fixed += [at.mint, at.roots, at.zone(1), at.zone(2), at.zone(3), token2022.PROGRAM, oracle.INSTRUCTIONS_SYSVAR]
        fixed += [token2022.ASSOCIATED_TOKEN_PROGRAM, Pubkey.default(), at.meter("MTR-NEW"), at.meter("NOBODY")]
        self._meters = [device.address for device in self._devices] + [at.meter("MTR-NEW")]
        wallets = {device.owner.pubkey() for device in self._devices} | {self.newcomer.pubkey()}
        self._tokens = [at.token_account(wallet) for wallet in sorted(wallets, key=bytes)]
        people = [at.user(wallet) for wallet in sorted(wallets, key=bytes)]
        forged = [Pubkey(bytes((200 + number,)) * 32) for number in range(2)]
        genuine = grid.chain.data(self.register.address) or b""
        grid.chain.write(forged[0], genuine, at.energy_token.id)
        grid.chain.write(forged[1], genuine[:-1], at.registry.id)
        every = [*fixed, *self._meters, *self._tokens, *people, *forged, *self.keys]
        named = {meta.pubkey for template in self._templates() for ix in template.instructions for meta in ix.accounts}
        return tuple(dict.fromkeys([*every, *sorted(named, key=bytes)]))

    def _templates(self) -> tuple[Template, ...]:
        return tuple(
            Template(name, tuple(made) if not isinstance(made, Instruction) else (made,), lands)
            for name, made, lands in (*self._of_registry(), *self._of_oracle(), *self._of_token())
        )

    def _of_registry(self) -> Sequence[tuple[str, Instruction | Sequence[Instruction], bool]]:
        grid, at, authority = self.grid, self.grid.at, self.grid.authority.pubkey()
        new_key = Keypair.from_seed(b"\x07" * 32)
        binding = binding_of(grid, self.resting, sequence=5, measured_at=grid.now - 60, registers_wh=(10, 10))
        enrolment = grid.enrolment("MTR-NEW", self.register.owner.pubkey(), new_key)
        turned = Keypair.from_seed(b"\x08" * 32)
        return (
            ("initialize_registry", grid.initialize_registry(), False),
            (
                "propose_authority",
                registry.propose_authority(at, authority=authority, new_authority=self.newcomer.pubkey()),
                True,
            ),
            ("accept_authority", registry.accept_authority(at, pending_authority=self.waiting.pubkey()), True),
            (
                "set_roles",
                registry.set_roles(at, authority=authority, provisioner=grid.provisioner.pubkey(), auditor=grid.auditor.pubkey()),
                True,
            ),
            ("set_paused", registry.set_paused(at, authority=authority, paused=2), True),
            (
                "set_correction_limits",
                registry.set_correction_limits(at, authority=authority, auditor=grid.auditor.pubkey(), limits=LIMITS),
                True,
            ),
            ("register_user", registry.register_user(at, wallet=self.newcomer.pubkey(), kind=2), True),
            (
                "verify_user",
                registry.verify_user(at, authority=authority, wallet=self.register.owner.pubkey(), zone=2),
                True,
            ),
            (
                "create_zone",
                registry.create_zone(
                    at,
                    payer=grid.chain.payer.pubkey(),
                    authority=authority,
                    zone=3,
                    zone_authority=authority,
                    mint_cap_wh=7,
                    window_s=60,
                ),
                True,
            ),
            ("set_zone", registry.set_zone(at, zone_authority=authority, zone=1, mint_cap_wh=9, window_s=60), True),
            (
                "accept_zone_authority",
                registry.accept_zone_authority(at, pending_authority=self.waiting.pubkey(), zone=2),
                True,
            ),
            ("register_meter", grid.registration(enrolment), True),
            ("set_meter_status", status(grid, self.register, SUSPENDED), True),
            ("resume_meter", resumption(grid, binding, self.resting.key), True),
            (
                "rotate_device_key",
                rotation(grid, self.register, self.register.key, turned, valid_from=grid.now - 10),
                True,
            ),
            ("revoke_device_key", revocation(grid, self.register, self.register.key, grid.authority), True),
            ("settle_and_mint_tokens", own_settlement(grid, self.unsettled), True),
            ("settle_meter_balance", crank(grid, self.unsettled), True),
            ("get_unsettled_balance", registry.get_unsettled_balance(at, meter=self.unsettled.address), True),
            ("record_correction", correction(grid, self.register, 30), True),
            ("record_negative_correction", correction(grid, self.register, -30), True),
            ("apply_correction", registry.apply_correction(at, meter_id=self.corrected.meter_id), True),
            (
                "cancel_correction",
                registry.cancel_correction(at, canceller=authority, meter_id=self.corrected.meter_id),
                True,
            ),
            (
                "registry_submit_meter_reading",
                registry.submit_meter_reading(
                    at,
                    oracle_authority=authority,
                    proof=1,
                    readings=[b"\x01" * 88],
                    zones=None,
                    meters=[self.register.accounts],
                ),
                False,
            ),
        )

    def _of_oracle(self) -> Sequence[tuple[str, Instruction | Sequence[Instruction], bool]]:
        grid, at, authority = self.grid, self.grid.at, self.grid.authority.pubkey()
        next_reading = self._reading(self.register, 3, 3_000, 30)
        attested = self.interval.attested(2, 1_400, measured_at=self._at(self.interval, 2))
        return (
            ("initialize_oracle", grid.initialize_oracle(), False),
            ("propose_oracle_authority", oracle.propose_authority(at, authority=authority, new_authority=authority), True),
            ("accept_oracle_authority", oracle.accept_authority(at, pending_authority=self.waiting.pubkey()), True),
            (
                "set_attesters",
                oracle.set_attesters(at, authority=authority, attesters=[grid.attesters[2].pubkey()], threshold=1),
                True,
            ),
            ("set_rule_set", oracle.set_rule_set(at, authority=authority, rule_set_hash=b"\x09" * 32), True),
            ("set_oracle_paused", oracle.set_paused(at, authority=authority, paused=1), True),
            ("submit_meter_reading", grid.proven(next_reading), True),
            ("credit_only", grid.proven(next_reading, zones=None), True),
            ("submit_reading_batch", grid.attested(attested), True),
        )

    def _of_token(self) -> Sequence[tuple[str, Instruction | Sequence[Instruction], bool]]:
        grid, at, authority = self.grid, self.grid.at, self.grid.authority.pubkey()
        to_self = [(self.register.token_account, 5 * WH)]
        holder = self.register.owner.pubkey()
        return (
            ("initialize_energy_token", grid.initialize_energy_token(), False),
            ("propose_token_authority", energy_token.propose_authority(at, authority=authority, new_authority=authority), True),
            ("accept_token_authority", energy_token.accept_authority(at, pending_authority=self.waiting.pubkey()), True),
            ("set_minting_enabled", energy_token.set_minting_enabled(at, authority=authority, enabled=False), True),
            (
                "mint_from_production",
                energy_token.mint_from_production(at, amounts=to_self, registry_authority=authority),
                False,
            ),
            (
                "burn_for_consumption",
                energy_token.burn_for_consumption(at, amounts=to_self, registry_authority=authority),
                False,
            ),
            (
                "retire_tokens",
                energy_token.retire_tokens(at, holder=holder, amount=5 * WH, beneficiary="B\u00fcrgerwerk", reason="2026"),
                True,
            ),
        )
