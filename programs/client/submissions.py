"""Whole transactions of the two doors: compute budget, proof and submission in the one order that the programs accept."""

from collections.abc import Sequence
from dataclasses import dataclass

from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.hash import Hash
from solders.instruction import Instruction
from solders.message import MessageV0
from solders.pubkey import Pubkey

from programs.client.addresses import Addresses
from programs.client.instructions import compute_budget, oracle
from programs.client.transactions import compile_v0

PROVEN_INDEX = 3
"""After limit, price and Ed25519 check."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What a transaction may use and bids."""

    units: int
    """Compute units."""
    micro_lamports: int
    """Price of a unit; its low digits are the salt that makes equal transactions differ."""

    def instructions(self) -> tuple[Instruction, Instruction]:
        """Limit and price."""
        return compute_budget.set_limit(self.units), compute_budget.set_price(self.micro_lamports)


def proven_instructions(
    at: Addresses,
    *,
    submitter: Pubkey,
    readings: Sequence[oracle.ProvenReading],
    zones: Sequence[Pubkey] | None,
    budget: Budget,
) -> list[Instruction]:
    """A transaction of device-proven readings.

    Args:
        at: the deployment.
        submitter: an attester (who also pays, to save 96 bytes), or the owner after seven days without an update.
        readings: one per meter; five fit with a lookup table of meters and token accounts.
        zones: accounts of the meters' zones, to settle too; `None` only credits.
        budget: units and price.
    """
    proof, submission = oracle.submit_meter_reading(
        at, submitter=submitter, readings=readings, zones=zones, instruction_index=PROVEN_INDEX
    )
    return [*budget.instructions(), proof, submission]


def proven_message(
    at: Addresses,
    *,
    attester: Pubkey,
    readings: Sequence[oracle.ProvenReading],
    zones: Sequence[Pubkey] | None,
    budget: Budget,
    tables: Sequence[AddressLookupTableAccount],
    blockhash: Hash,
) -> MessageV0:
    """The compiled message of device-proven readings; the attester pays."""
    instructions = proven_instructions(at, submitter=attester, readings=readings, zones=zones, budget=budget)
    return compile_v0(attester, instructions, tables, blockhash)


def attested_message(
    at: Addresses,
    *,
    payer: Pubkey,
    attesters: Sequence[Pubkey],
    readings: Sequence[oracle.AttestedReading],
    merkle_root: bytes,
    zones: Sequence[Pubkey] | None,
    budget: Budget,
    tables: Sequence[AddressLookupTableAccount],
    blockhash: Hash,
) -> MessageV0:
    """The compiled message of an attested batch; the first attester may also be the payer."""
    batch = oracle.submit_reading_batch(at, attesters=attesters, readings=readings, merkle_root=merkle_root, zones=zones)
    return compile_v0(payer, [*budget.instructions(), batch], tables, blockhash)
