"""What the simulator alone knows: what really flowed, and what was done to the messages."""

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from core.domain.identity import MeterId
from core.domain.verdicts import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterTruth:
    """Energy since the base, whole Wh."""

    generation_wh: int
    consumption_wh: int


@dataclass(slots=True, kw_only=True)
class MeterCounters:
    """What happened to one meter's messages."""

    stated: int = 0
    """Statements signed."""
    sent: int = 0
    """Envelopes handed to the transport, again ones included."""
    lost: int = 0
    repeated: int = 0
    reordered: int = 0
    tampered: int = 0
    refused_by_link: int = 0
    """Not sent because the line was down."""
    overflowed: int = 0
    verdicts: Counter[Verdict] = field(default_factory=Counter[Verdict])
    """As the receipts told them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FleetTruth:
    """All meters together."""

    meters: dict[MeterId, MeterTruth]
    counters: dict[MeterId, MeterCounters]

    @property
    def generation_wh(self) -> int:
        """Energy produced, Wh."""
        return sum(truth.generation_wh for truth in self.meters.values())

    @property
    def consumption_wh(self) -> int:
        """Energy consumed, Wh."""
        return sum(truth.consumption_wh for truth in self.meters.values())

    def write(self, path: Path) -> None:
        """Write what really flowed as JSON, Wh by meter: what `gridtokenx audit --truth` reads."""
        meters = {
            meter_id: {"generation_wh": truth.generation_wh, "consumption_wh": truth.consumption_wh}
            for meter_id, truth in sorted(self.meters.items())
        }
        path.write_text(json.dumps(meters, indent=1) + "\n", encoding="utf-8")

    def total(self, name: str) -> int:
        """The sum of one counter by its name."""
        return sum(int(getattr(counters, name)) for counters in self.counters.values())
