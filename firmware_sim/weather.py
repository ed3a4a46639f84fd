"""Weather that is a pure function of seed and time: clouds, wind and warmth, smooth and repeatable."""

import hashlib
import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

DAY_S: Final = 86_400
YEAR_DAYS: Final = 365.25
_CLOUD_CHANGE_S: Final = 5_400
_WIND_CHANGE_S: Final = 10_800


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where meters stand."""

    latitude_deg: float = 13.75
    """Bangkok by default."""
    utc_offset_s: int = 7 * 3_600
    mean_temperature_c: float = 29.0
    season_swing_c: float = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """The sky above one place; the same seed and time give the same weather."""

    seed: int
    place: Place = Place()

    def cloud_cover(self, at: int) -> float:
        """Share of the sky that is covered, 0 to 1."""
        return _smooth_noise(self.seed, "cloud", at, _CLOUD_CHANGE_S)

    def wind_speed_ms(self, at: int) -> float:
        """Wind at hub height, metres per second."""
        return 1.5 + 13.0 * _smooth_noise(self.seed, "wind", at, _WIND_CHANGE_S)

    def temperature_c(self, at: int) -> float:
        """Air temperature by season and hour."""
        season = math.cos(2 * math.pi * (self.day_of_year(at) - 110) / YEAR_DAYS)
        hour = math.cos(2 * math.pi * (self.local_hour(at) - 15) / 24)
        return self.place.mean_temperature_c + self.place.season_swing_c * season + 4.0 * hour

    def sun_height(self, at: int) -> float:
        """Sine of the sun's elevation, 0 at night (declination after Cooper, 1969)."""
        declination = math.radians(23.45) * math.sin(2 * math.pi * (284 + self.day_of_year(at)) / 365)
        latitude = math.radians(self.place.latitude_deg)
        hour_angle = math.pi * (self.local_hour(at) - 12) / 12
        height = math.sin(latitude) * math.sin(declination) + math.cos(latitude) * math.cos(declination) * math.cos(hour_angle)
        return max(0.0, height)

    def local_hour(self, at: int) -> float:
        """Hour of the local day, 0 to 24."""
        return ((at + self.place.utc_offset_s) % DAY_S) / 3_600

    def day_of_year(self, at: int) -> float:
        """Days since the local year began, near enough for the sun."""
        return ((at + self.place.utc_offset_s) / DAY_S) % YEAR_DAYS

    def is_weekend(self, at: int) -> bool:
        """Saturday or Sunday, local."""
        return ((at + self.place.utc_offset_s) // DAY_S + 3) % 7 >= 5


def _smooth_noise(seed: int, channel: str, at: int, period_s: int) -> float:
    """Random corner values, joined by a smooth curve."""
    step, into = divmod(at, period_s)
    left, right = _corner(seed, channel, step), _corner(seed, channel, step + 1)
    part = into / period_s
    weight = part * part * (3 - 2 * part)
    return left + (right - left) * weight


@lru_cache(maxsize=65_536)
def _corner(seed: int, channel: str, step: int) -> float:
    digest = hashlib.blake2b(f"{seed}:{channel}:{step}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") / 2**64
