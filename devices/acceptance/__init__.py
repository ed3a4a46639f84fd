"""The acceptance rules: pure functions of a statement, what is known of its meter, and named limits."""

from devices.acceptance.decision import Decision
from devices.acceptance.profiles import FAST, STANDARD, Profile, profile_named
from devices.acceptance.rules import decide
from devices.acceptance.signing_keys import KeyValidity, keys_that_count
from devices.acceptance.state import Earlier, Mark, MeterState, Neighbours

__all__ = [
    "FAST",
    "STANDARD",
    "Decision",
    "Earlier",
    "KeyValidity",
    "Mark",
    "MeterState",
    "Neighbours",
    "Profile",
    "decide",
    "keys_that_count",
    "profile_named",
]
