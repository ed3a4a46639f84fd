"""The keys of a batch's meters, read from their rows."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from core.domain.readings import Statement
from core.store.device_keys import StoredKey
from devices.acceptance import KeyValidity, Profile, keys_that_count
from devices.keys import parse_key

MeterKeys = Mapping[str, Sequence[StoredKey]]

_parse_known_key = lru_cache(maxsize=65_536)(parse_key)
"""A pure function of the text: what counts is read anew for every batch."""


def counting_keys(keys: MeterKeys, statement: Statement, *, received_at: int, limits: Profile) -> tuple[bytes, ...]:
    """The public keys that may have signed a statement, as the rows say now."""
    validities = [
        KeyValidity(
            public_key=_parse_known_key(key.public_key),
            valid_from=key.valid_from,
            valid_until=key.valid_until,
            revoked_at=key.revoked_at,
        )
        for key in keys.get(statement.meter_id, ())
    ]
    return keys_that_count(validities, statement, received_at=received_at, limits=limits)
