"""Which of a meter's keys count for a statement."""

from collections.abc import Iterable
from dataclasses import dataclass

from core.domain.readings import Statement
from devices.acceptance.profiles import Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyValidity:
    """A key that signs or signed for one meter, times in Unix seconds."""

    public_key: bytes
    valid_from: int
    """Measuring time from which it counts; 0 for the key of the binding."""
    valid_until: int | None = None
    """Measuring time from which its successor counts, after a rotation."""
    revoked_at: int | None = None
    """Set: it counts for nothing, whatever its statements say about their time."""


def keys_that_count(keys: Iterable[KeyValidity], statement: Statement, *, received_at: int, limits: Profile) -> tuple[bytes, ...]:
    """The public keys that may have signed the statement.

    A rotated key counts for what was measured before the change and received within the age limit after it.
    """
    return tuple(key.public_key for key in keys if _counts(key, statement.measured_at, received_at, limits))


def _counts(key: KeyValidity, measured_at: int, received_at: int, limits: Profile) -> bool:
    if key.revoked_at is not None or measured_at < key.valid_from:
        return False
    if key.valid_until is None:
        return True
    return measured_at < key.valid_until and received_at <= key.valid_until + limits.max_age_s
