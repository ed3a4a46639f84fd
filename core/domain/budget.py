"""The energy budget: how much a meter may have measured by now, the registry program's token bucket.

In watt-seconds and per direction, so that no interval length is rounded away. The program counts tenths of them; here a
refill is rounded down to whole ones, so that what is accepted here is never refused there. (For spans of whole ten
seconds, which all cadences are, both are equal.)
"""

from dataclasses import dataclass
from typing import Final

WS_PER_WH: Final = 3_600
MARGIN_NUMERATOR: Final = 11
MARGIN_DENOMINATOR: Final = 10
"""A meter may exceed its plate by a tenth."""
SAVED_UP_S: Final = 7 * 24 * 3_600
"""A silent meter saves up at most this long at full power."""
TOLERANCE_WH: Final = 1
"""Integer registers may tick over one Wh early."""


def cap_ws(rated_power_w: int) -> int:
    """The most that can be saved up: 7 days of full power, W·s."""
    return rated_power_w * SAVED_UP_S


def refilled_ws(budget_ws: int, *, rated_power_w: int, elapsed_s: int) -> int:
    """The budget after `elapsed_s` seconds, W·s; time that ran backwards adds nothing."""
    earned = rated_power_w * max(0, elapsed_s) * MARGIN_NUMERATOR // MARGIN_DENOMINATOR
    return min(cap_ws(rated_power_w), budget_ws + earned)


def covers(budget_ws: int, growth_wh: int) -> bool:
    """Whether growth of `growth_wh` fits the budget, give or take one Wh."""
    return growth_wh * WS_PER_WH <= budget_ws + TOLERANCE_WH * WS_PER_WH


def spent_ws(budget_ws: int, growth_wh: int) -> int:
    """The budget left after crediting `growth_wh`, W·s.

    It may go below zero by the tolerated Wh: a loan that the next refill pays back, so that it is given only once.
    """
    return budget_ws - growth_wh * WS_PER_WH


@dataclass(frozen=True, slots=True, kw_only=True)
class EnergyBudget:
    """Both directions' buckets at one moment of meter time."""

    generation_ws: int
    consumption_ws: int
    at: int
    """Unix seconds up to which the buckets are filled."""

    def refilled(self, *, rated_power_out_w: int, rated_power_in_w: int, at: int) -> "EnergyBudget":
        """Both buckets filled up to `at` (or as they are, when `at` is not later)."""
        elapsed_s = at - self.at
        return EnergyBudget(
            generation_ws=refilled_ws(self.generation_ws, rated_power_w=rated_power_out_w, elapsed_s=elapsed_s),
            consumption_ws=refilled_ws(self.consumption_ws, rated_power_w=rated_power_in_w, elapsed_s=elapsed_s),
            at=max(self.at, at),
        )

    def covers(self, *, generation_wh: int, consumption_wh: int) -> bool:
        """Whether both growths fit."""
        return covers(self.generation_ws, generation_wh) and covers(self.consumption_ws, consumption_wh)

    def spent(self, *, generation_wh: int, consumption_wh: int) -> "EnergyBudget":
        """What is left after crediting both growths."""
        return EnergyBudget(
            generation_ws=spent_ws(self.generation_ws, generation_wh),
            consumption_ws=spent_ws(self.consumption_ws, consumption_wh),
            at=self.at,
        )
