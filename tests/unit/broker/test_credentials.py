"""Who connects, and how passwords are kept."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.access import Bridge, Device
from broker.credentials import REMEMBER_S, CredentialCheck, StoredLogin
from broker.passwords import hash_password, is_mosquitto_hash, password_matches
from core.domain.errors import Unavailable
from core.domain.identity import parse_fleet, parse_meter_id
from core.runtime.clock import FixedClock

SALT = bytes(range(12))
STORED = StoredLogin(parse_fleet("home"), parse_meter_id("MTR-1"), hash_password("secret", SALT))
DEVICE = Device(STORED.fleet, STORED.meter_id)


class Lookup:
    def __init__(self, *logins: StoredLogin) -> None:
        self.logins = {str(login.meter_id): login for login in logins}
        self.asked: list[str] = []
        self.is_away = False

    async def __call__(self, username: str) -> StoredLogin | None:
        self.asked.append(username)
        if self.is_away:
            raise Unavailable("the database is away")
        return self.logins.get(username)


def _check(lookup: Lookup, clock: FixedClock | None = None) -> CredentialCheck:
    return CredentialCheck(
        find=lookup,
        matches=password_matches,
        bridge_username="oracle-bridge",
        bridge_password="bridge secret",
        clock=clock or FixedClock(1_000),
    )


async def test_a_device_signs_in_with_its_password_alone():
    check = _check(Lookup(STORED))

    assert await check("MTR-1", "secret", "MTR-1") == DEVICE
    assert await check("MTR-1", "Secret", "MTR-1") is None
    assert await check("MTR-1", "", "MTR-1") is None
    assert await check("MTR-2", "secret", "MTR-2") is None


async def test_the_bridge_signs_in_without_a_lookup():
    lookup = Lookup()
    check = _check(lookup)

    assert await check("oracle-bridge", "bridge secret", "oracle-bridge") == Bridge("oracle-bridge")
    assert await check("oracle-bridge", "other", "oracle-bridge") is None
    assert await check("oracle-bridge", "gr\u00fc\u00df", "oracle-bridge") is None
    assert lookup.asked == []


async def test_a_meter_named_like_the_bridge_cannot_sign_in():
    named = StoredLogin(parse_fleet("home"), parse_meter_id("oracle-bridge"), hash_password("secret", SALT))

    assert await _check(Lookup(named))("oracle-bridge", "secret", "oracle-bridge") is None


async def test_a_correct_password_is_believed_for_a_while():
    lookup, clock = Lookup(STORED), FixedClock(1_000)
    check = _check(lookup, clock)

    await check("MTR-1", "secret", "MTR-1")
    lookup.is_away = True
    assert await check("MTR-1", "secret", "MTR-1") == DEVICE
    clock.now_s += REMEMBER_S
    with pytest.raises(Unavailable):
        await check("MTR-1", "secret", "MTR-1")


async def test_a_renewed_password_ends_the_old_one():
    lookup, clock = Lookup(STORED), FixedClock(1_000)
    check = _check(lookup, clock)
    await check("MTR-1", "secret", "MTR-1")

    lookup.logins["MTR-1"] = StoredLogin(STORED.fleet, STORED.meter_id, hash_password("new", SALT))
    clock.now_s += REMEMBER_S

    assert await check("MTR-1", "secret", "MTR-1") is None
    assert await check("MTR-1", "new", "MTR-1") == DEVICE


@settings(max_examples=25)
@given(st.text(max_size=40), st.binary(min_size=12, max_size=12))
def test_a_password_matches_its_own_hash(password: str, salt: bytes):
    try:
        stored = hash_password(password, salt)
    except UnicodeEncodeError:  # a lone surrogate is no text
        return
    assert password_matches(password, stored)
    assert not password_matches(password + "x", stored)
    assert is_mosquitto_hash(stored)


@pytest.mark.parametrize(
    "stored",
    ["", "secret", "$7$", "$7$101$a$b", "$7$x$AAAA$AAAA", "$7$99999999$AAAA$AAAA", "$6$AAAA$AAAA", "$7$0$AAAA$AAAA", "$$$$"],
)
def test_what_is_no_hash_matches_nothing(stored: str):
    assert not password_matches("", stored)
    assert not password_matches(stored, stored)
