"""The keys of a batch's meters, read in its transaction."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from core.store.device_keys import StoredKey
from devices.acceptance import KeyValidity
from devices.keys import parse_key

_parse_known_key = lru_cache(maxsize=65_536)(parse_key)
"""A pure function of the text: what counts is read anew for every batch."""


def validities(keys: Mapping[str, Sequence[StoredKey]]) -> dict[str, tuple[KeyValidity, ...]]:
    """Each meter's keys as the rules judge them."""
    return {meter_id: tuple(_validity(key) for key in stored) for meter_id, stored in keys.items()}


def _validity(key: StoredKey) -> KeyValidity:
    return KeyValidity(
        public_key=_parse_known_key(key.public_key),
        valid_from=key.valid_from,
        valid_until=key.valid_until,
        revoked_at=key.revoked_at,
    )
