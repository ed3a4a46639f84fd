"""From a plan to a signed transaction: attesters and payers take turns, accounts are addressed by lookup table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import base58
from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.hash import Hash
from solders.instruction import Instruction
from solders.message import MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature

from core.domain.errors import InvalidInput
from core.domain.readings import StatementKind
from core.store.outbox import Kind
from core.store.work import DueMeter
from oracle_bridge import merkle
from oracle_bridge.planner import Footprint, Plan
from oracle_bridge.ports import SignedTransaction
from programs.client.addresses import Addresses
from programs.client.instructions import compute_budget, oracle
from programs.client.instructions.oracle import AttestedReading, ProvenReading
from programs.client.instructions.registry.settlement import MeterAccounts, settle_meter_balance
from programs.client.signer import Signer
from programs.client.transactions import account_count, compile_v0, sign, size_of, wire

BASE_UNITS: Final = 40_000
"""Compute units to ask for before the first meter."""
UNITS_PER_METER: Final[Mapping[Kind, int]] = {"proven": 30_000, "attested": 24_000, "settle": 24_000}
"""And for each meter with its settlement: two and a half times what `benchmarks/bench_settlement.py` measures."""
ORACLE_POSITION: Final = 3
"""Limit, price, signature check, oracle."""
FULL_QUALITY: Final = 100
LONGEST_SALT: Final = (1 << 10) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeKeys:
    """Who signs for the bridge."""

    attesters: tuple[Signer, ...]
    """They sign readings, and pay for the transactions that they sign first."""
    payers: tuple[Signer, ...]
    """They pay for settling and for lookup tables."""
    threshold: int
    """How many attesters an attested batch needs."""

    def signers(self) -> dict[Pubkey, Signer]:
        """All of them by key."""
        return {signer.pubkey: signer for signer in (*self.attesters, *self.payers)}


class SolanaComposer:
    """Builds the programs' own instructions.

    Args:
        at: the deployment's addresses.
        keys: attesters and payers.
        tables: lookup tables whose addresses are active; the caller keeps it up to date.

    Raises:
        InvalidInput: too few attesters or no payer.
    """

    def __init__(self, *, at: Addresses, keys: BridgeKeys, tables: Mapping[str, AddressLookupTableAccount]) -> None:
        if not keys.payers or not keys.attesters or not 1 <= keys.threshold <= len(keys.attesters):
            raise InvalidInput("the bridge needs a payer, and at least as many attester keys as the oracle's threshold")
        self._at = at
        self._keys = keys
        self._signers = keys.signers()
        self._tables = tables

    def measure(self, kind: Kind, meters: Sequence[DueMeter], lookup_table: str | None) -> Footprint:
        """What a transaction with these meters would take up; measured on the message itself."""
        units = units_for(kind, len(meters))
        payer = self.payer_for(kind, 0)
        try:
            message = self._message(kind, meters, lookup_table, payer, LONGEST_SALT, Hash.default(), bytes(32))
        except InvalidInput:  # more accounts than a message can even name
            return Footprint(size_bytes=1 << 16, accounts=1 << 16, compute_units=units)
        return Footprint(size_bytes=size_of(message), accounts=account_count(message), compute_units=units)

    def payer_for(self, kind: Kind, turn: int) -> str:
        """Who pays the `turn`-th transaction: the attester who signs readings first, or a payer."""
        payers = self._keys.payers if kind == "settle" else self._keys.attesters
        return str(payers[turn % len(payers)].pubkey)

    async def compose(self, plan: Plan, *, payer: str, salt: int, blockhash: Hash) -> SignedTransaction:
        """Build and sign.

        Raises:
            InvalidInput: the transaction is too large or a number does not fit its field.
        """
        root = _merkle_root(plan.meters) if plan.kind == "attested" else bytes(32)
        message = self._message(plan.kind, plan.meters, plan.lookup_table, payer, salt, blockhash, root)
        signatures = await sign(message, list(self._signers.values()))
        return SignedTransaction(signature=str(signatures[0]), wire=wire(message, signatures))

    def _message(
        self,
        kind: Kind,
        meters: Sequence[DueMeter],
        lookup_table: str | None,
        payer: str,
        salt: int,
        blockhash: Hash,
        root: bytes,
    ) -> MessageV0:
        key = Pubkey.from_string(payer)
        instructions = [
            compute_budget.set_limit(units_for(kind, len(meters))),
            compute_budget.set_price(salt),
            *self._instructions(kind, meters, key, root),
        ]
        table = None if lookup_table is None else self._tables.get(lookup_table)
        return compile_v0(key, instructions, [] if table is None else [table], blockhash)

    def _instructions(self, kind: Kind, meters: Sequence[DueMeter], payer: Pubkey, root: bytes) -> Sequence[Instruction]:
        zones = [self._at.zone(zone) for zone in sorted({meter.zone for meter in meters})]
        match kind:
            case "proven":
                readings = [self._proven(meter) for meter in meters]
                return oracle.submit_meter_reading(
                    self._at, submitter=payer, readings=readings, zones=zones, instruction_index=ORACLE_POSITION
                )
            case "attested":
                return [
                    oracle.submit_reading_batch(
                        self._at,
                        attesters=self._attesters(payer),
                        readings=[self._attested(meter) for meter in meters],
                        merkle_root=root,
                        zones=zones,
                    )
                ]
            case "settle":
                return [settle_meter_balance(self._at, zones=zones, meters=[self._accounts(meter) for meter in meters])]

    def _attesters(self, payer: Pubkey) -> list[Pubkey]:
        """The payer and as many after it as the threshold asks for."""
        keys = [signer.pubkey for signer in self._keys.attesters]
        first = keys.index(payer)
        return [keys[(first + step) % len(keys)] for step in range(self._keys.threshold)]

    def _accounts(self, meter: DueMeter) -> MeterAccounts:
        return MeterAccounts(self._at.meter(meter.meter_id), Pubkey.from_string(meter.token_account))

    def _proven(self, meter: DueMeter) -> ProvenReading:
        return ProvenReading(
            key=base58.b58decode(meter.public_key),
            signature=bytes(Signature.from_string(meter.signature)),
            statement=meter.statement,
            accounts=self._accounts(meter),
        )

    def _attested(self, meter: DueMeter) -> AttestedReading:
        register = meter.statement_kind == StatementKind.REGISTER
        return AttestedReading(
            entry_number=meter.ordinal,
            sequence=meter.sequence,
            measured_at=meter.measured_at,
            generation_wh=meter.register_generation_wh if register else meter.credited_generation_wh,
            consumption_wh=meter.register_consumption_wh if register else meter.credited_consumption_wh,
            quality=FULL_QUALITY,
            accounts=self._accounts(meter),
        )


def units_for(kind: Kind, meters: int) -> int:
    """Compute units to ask for."""
    return BASE_UNITS + UNITS_PER_METER[kind] * meters


def _merkle_root(meters: Sequence[DueMeter]) -> bytes:
    return merkle.root(
        [
            merkle.leaf(one.statement, base58.b58decode(one.signature), base58.b58decode(one.public_key))
            for meter in meters
            for one in meter.evidence
        ]
    )
