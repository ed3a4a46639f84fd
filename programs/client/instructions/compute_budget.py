"""The compute budget: how many units a transaction may use and what it bids for each."""

import struct

from solders.instruction import Instruction
from solders.pubkey import Pubkey

PROGRAM = Pubkey.from_string("ComputeBudget111111111111111111111111111111")

_LIMIT = struct.Struct("<BI")
_PRICE = struct.Struct("<BQ")


def set_limit(units: int) -> Instruction:
    """At most `units` compute units."""
    return Instruction(PROGRAM, _LIMIT.pack(2, units), [])


def set_price(micro_lamports: int) -> Instruction:
    """Bid `micro_lamports` a unit; its low digits also serve as salt, so that two equal transactions have two signatures."""
    return Instruction(PROGRAM, _PRICE.pack(3, micro_lamports), [])


def priority_fee(units: int, micro_lamports: int) -> int:
    """Lamports that a limit and a price cost, rounded up."""
    return -(-units * micro_lamports // 1_000_000)
