"""Named sets of limits: every number of the rules, with its unit."""

from dataclasses import dataclass
from typing import Final

from core.domain.errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The limits of acceptance (R2.4)."""

    name: str
    cadence_s: int
    """How often a meter of this profile speaks."""
    max_age_s: int = 7 * 24 * 3_600
    """Older at receipt is stale."""
    max_future_s: int = 300
    """Further ahead of the platform's clock is future."""
    max_energy_per_cadence_wh: int = 100_000
    """Each direction, for each cadence of the span begun."""
    min_distance_s: int
    """Two accepted readings are at least this far apart by meter time."""
    frequent_s: int
    """Closer than this is not jitter but a flood."""
    max_sequence_jump: int = 2**20
    """A number further ahead of the highest known is in doubt."""

    def energy_limit_wh(self, span_s: int) -> int:
        """The most energy that one direction may show over `span_s` seconds."""
        cadences = max(1, -(-span_s // self.cadence_s))
        return self.max_energy_per_cadence_wh * cadences


STANDARD: Final = Profile(name="standard", cadence_s=900, min_distance_s=840, frequent_s=300)
FAST: Final = Profile(name="fast", cadence_s=60, min_distance_s=45, frequent_s=20)


def profile_named(name: str) -> Profile:
    """The profile of that name, or InvalidInput."""
    for profile in (STANDARD, FAST):
        if profile.name == name:
            return profile
    raise InvalidInput(f"there is no acceptance profile {name}: use standard or fast")
