"""What flows through a meter: solar, wind, battery, residential and commercial, by hour, season and weather.

Physics is rounded to whole watts here; from there on everything is integer.
"""

import hashlib
from dataclasses import dataclass
from typing import Final, Protocol

from core.domain.readings import AssetKind
from firmware_sim.weather import Weather

CHARGING_HOURS: Final = (10.0, 15.0)
DISCHARGING_HOURS: Final = (18.0, 22.0)


@dataclass(frozen=True, slots=True)
class Flow:
    """Power at one moment, whole watts."""

    generation_w: int
    consumption_w: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plate:
    """What stands on the meter's plate, watts."""

    asset_kind: AssetKind
    rated_power_out_w: int
    rated_power_in_w: int


PLATES: Final = {
    AssetKind.SOLAR: Plate(asset_kind=AssetKind.SOLAR, rated_power_out_w=10_000, rated_power_in_w=100),
    AssetKind.WIND: Plate(asset_kind=AssetKind.WIND, rated_power_out_w=50_000, rated_power_in_w=500),
    AssetKind.BATTERY: Plate(asset_kind=AssetKind.BATTERY, rated_power_out_w=10_000, rated_power_in_w=10_000),
    AssetKind.RESIDENTIAL: Plate(asset_kind=AssetKind.RESIDENTIAL, rated_power_out_w=5_000, rated_power_in_w=8_000),
    AssetKind.COMMERCIAL: Plate(asset_kind=AssetKind.COMMERCIAL, rated_power_out_w=20_000, rated_power_in_w=60_000),
}
"""A usual meter of each kind."""


class PowerProfile(Protocol):
    """What flows at a time: a pure function of meter, seed and weather."""

    def flow(self, at: int) -> Flow:
        """Power at Unix second `at`, never above the plate."""
        ...


def profile_of(plate: Plate, *, seed: int, weather: Weather) -> PowerProfile:
    """The profile of a plate's asset kind; `seed` makes one meter differ from the next."""
    return _Profile(plate=plate, weather=weather, individual=_individual(seed))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Profile:
    plate: Plate
    weather: Weather
    individual: float
    """0.8 to 1.2: no two meters are alike."""

    def flow(self, at: int) -> Flow:
        generation, consumption = _SHAPE_OF[self.plate.asset_kind](self, at)
        return Flow(_watts(generation, self.plate.rated_power_out_w), _watts(consumption, self.plate.rated_power_in_w))

    def sun(self, at: int) -> float:
        """Share of rated power that panels give."""
        return min(1.0, self.weather.sun_height(at) * (1 - 0.75 * self.weather.cloud_cover(at)) * self.individual)

    def cooling(self, at: int) -> float:
        """Share of full cooling load, by warmth."""
        return min(1.0, max(0.0, (self.weather.temperature_c(at) - 22) / 16))


def _solar(profile: _Profile, at: int) -> tuple[float, float]:
    sun = profile.sun(at)
    return sun, 0.0 if sun > 0 else 0.08  # an inverter at night draws a few watts


def _wind(profile: _Profile, at: int) -> tuple[float, float]:
    """Cut-in 3 m/s, rated at 12, cube in between."""
    speed = profile.weather.wind_speed_ms(at) * profile.individual
    if speed < 3:
        return 0.0, 0.2
    return min(1.0, (speed**3 - 27) / (12**3 - 27)), 0.0


def _battery(profile: _Profile, at: int) -> tuple[float, float]:
    """Five hours in, four hours out, so that what comes out went in before."""
    hour = profile.weather.local_hour(at)
    if CHARGING_HOURS[0] <= hour < CHARGING_HOURS[1]:
        return 0.0, 0.6 * profile.individual
    if DISCHARGING_HOURS[0] <= hour < DISCHARGING_HOURS[1]:
        return 0.65 * profile.individual, 0.0
    return 0.0, 0.002


def _residential(profile: _Profile, at: int) -> tuple[float, float]:
    """A house with panels on its roof, seen from the street: what is left over flows out."""
    hour = profile.weather.local_hour(at)
    peak = 0.25 * _bump(hour, 7.5, 1.5) + 0.4 * _bump(hour, 20, 3)
    load_w = profile.plate.rated_power_in_w * min(1.0, (0.06 + peak + 0.2 * profile.cooling(at)) * profile.individual)
    return _netted(profile, at, load_w)


def _commercial(profile: _Profile, at: int) -> tuple[float, float]:
    hour = profile.weather.local_hour(at)
    open_share = 0.15 if profile.weather.is_weekend(at) else min(1.0, _bump(hour, 13, 6))
    load_w = profile.plate.rated_power_in_w * min(
        1.0, (0.1 + open_share * (0.3 + 0.3 * profile.cooling(at))) * profile.individual
    )
    return _netted(profile, at, load_w)


_SHAPE_OF: Final = {
    AssetKind.SOLAR: _solar,
    AssetKind.WIND: _wind,
    AssetKind.BATTERY: _battery,
    AssetKind.RESIDENTIAL: _residential,
    AssetKind.COMMERCIAL: _commercial,
}


def _netted(profile: _Profile, at: int, load_w: float) -> tuple[float, float]:
    plate = profile.plate
    net_w = plate.rated_power_out_w * profile.sun(at) - load_w
    return max(0.0, net_w) / max(1, plate.rated_power_out_w), max(0.0, -net_w) / max(1, plate.rated_power_in_w)


def _bump(hour: float, centre: float, half_width: float) -> float:
    """1 at the centre, 0 beyond the half width, round in between."""
    away = abs((hour - centre + 12) % 24 - 12) / half_width
    return max(0.0, 1 - away * away)


def _watts(share: float, rated_power_w: int) -> int:
    return round(min(1.0, max(0.0, share)) * rated_power_w)


def _individual(seed: int) -> float:
    digest = hashlib.blake2b(f"meter:{seed}".encode(), digest_size=4).digest()
    return 0.8 + 0.4 * int.from_bytes(digest, "little") / 2**32
