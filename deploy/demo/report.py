"""The demo's figures, all of them integers, and the file they go into."""

from pathlib import Path
from typing import Any

import msgspec


class Readings(msgspec.Struct, frozen=True, kw_only=True):
    """Statements: `sent = accepted + quarantined + rejected + missing`; copies beyond the first are `repeated`."""

    sent: int
    """Statements that meters signed and sent."""
    accepted: int
    repeated: int
    """Copies of what was stored already."""
    quarantined: int
    rejected: int
    missing: int
    """Statements that the platform never stored."""
    refused_copies: int
    """Copies that were damaged on their way and could not become readings."""


class EnergyWh(msgspec.Struct, frozen=True, kw_only=True):
    """Energy since the bindings, Wh."""

    truth_generation: int
    truth_consumption: int
    attested_generation: int
    attested_consumption: int
    net: int
    """Attested generation less attested consumption."""


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """Base units; 1,000,000 are one Wh."""

    minted: int
    burned: int
    owed: int
    unsettled: int
    retired: int
    lost: int
    supply: int


class ChainWork(msgspec.Struct, frozen=True, kw_only=True):
    """What the chain did for it."""

    transactions: int
    failed: int
    compute_units_per_reading: int
    meters_per_transaction: int


class LatencyMs(msgspec.Struct, frozen=True, kw_only=True):
    """From the platform's receipt of a reading to its confirmed transaction."""

    publish_to_mint_p50: int
    publish_to_mint_p95: int


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """Whether it adds up, and the named terms, Wh unless they say otherwise."""

    ok: bool
    terms: dict[str, int]
    failures: list[str]


class DemoReport(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a demo run measured."""

    meters: int
    hours: int
    seed: int
    faults: bool
    readings: Readings
    energy_wh: EnergyWh
    tokens: Tokens
    chain: ChainWork
    latency_ms: LatencyMs
    audit: Audit

    def write(self, path: Path) -> None:
        """Write it as JSON, one figure a line."""
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n")

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values."""
        return msgspec.to_builtins(self)
