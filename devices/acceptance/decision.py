"""What the rules answer."""

from dataclasses import dataclass

from core.domain.verdicts import Reason, Verdict, is_final
from devices.acceptance.state import MeterState


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A verdict and everything that follows from it; the caller stores it as one."""

    verdict: Verdict
    reason: Reason | None = None
    detail: str = ""
    """One sentence for people."""
    energy_generation_wh: int = 0
    """What this statement adds to the credited totals."""
    energy_consumption_wh: int = 0
    new_state: MeterState
    stored: bool = True
    """Whether a row is written or replaced; a repeat changes nothing."""
    released: tuple[int, ...] = ()
    """Numbers in doubt that are accepted with this one, as history without value."""
    refused: tuple[tuple[int, Reason], ...] = ()
    """Numbers in doubt that do not fit before this one, rejected with their reasons."""
    suspend: bool = False
    """The device is faulty or cloned: suspend the meter and keep both contents as evidence."""

    @property
    def final(self) -> bool:
        """Whether the device may drop the statement."""
        return is_final(self.verdict, self.reason)

    @property
    def moves_value(self) -> bool:
        """Whether there is something to settle."""
        return bool(self.energy_generation_wh or self.energy_consumption_wh)
