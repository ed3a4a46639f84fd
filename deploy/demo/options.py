"""What a demo run is asked to do."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class DemoOptions:
    """One simulated day."""

    meters: int = 24
    hours: int = 24
    """Simulated hours before now."""
    seed: int = 1
    """Decides keys, registers, weather, faults and the chain's genesis hash."""
    faults: bool = True
    serve: bool = False
    """Keep everything running after the summary."""
    report: Path = Path("demo-report.json")
    truth: Path | None = None
    """Where to write what really flowed, for `gridtokenx audit --truth`."""
    through: str = "mqtt"
    """`mqtt`, or `http` for devices that post their readings."""
