"""Lifetime registers in whole Wh; what is less than one Wh is carried, never rounded away."""

from dataclasses import dataclass
from typing import Final

from firmware_sim.profiles import PowerProfile

WS_PER_WH: Final = 3_600
SAMPLE_S: Final = 300
"""Power is constant within each five minutes of UTC, so that any way to cut the time gives the same energy."""


@dataclass(slots=True, kw_only=True)
class Registers:
    """Two registers and the energy that has not ticked over yet, W·s."""

    generation_wh: int
    consumption_wh: int
    generation_rest_ws: int = 0
    consumption_rest_ws: int = 0

    def run(self, profile: PowerProfile, *, start: int, end: int) -> None:
        """Let power flow from `start` to `end`, Unix seconds."""
        at = start
        while at < end:
            sample = at - at % SAMPLE_S
            step_s = min(end, sample + SAMPLE_S) - at
            flow = profile.flow(sample + SAMPLE_S // 2)
            self.add(generation_ws=flow.generation_w * step_s, consumption_ws=flow.consumption_w * step_s)
            at += step_s

    def add(self, *, generation_ws: int, consumption_ws: int) -> None:
        """Count energy, W·s."""
        ticked, self.generation_rest_ws = divmod(self.generation_rest_ws + generation_ws, WS_PER_WH)
        self.generation_wh += ticked
        ticked, self.consumption_rest_ws = divmod(self.consumption_rest_ws + consumption_ws, WS_PER_WH)
        self.consumption_wh += ticked
