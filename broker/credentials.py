"""Who connects, looked up where provisioning stored it. The lookup is passed in, so that any store serves."""

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, final

from broker.access import Bridge, Device, Identity
from core.domain.clock import Clock
from core.domain.identity import Fleet, MeterId

REMEMBER_S: Final = 30
"""How long a correct password is believed without another lookup: thousands reconnect at once after an outage."""
REMEMBER_AT_MOST: Final = 20_000


@dataclass(frozen=True, slots=True)
class StoredLogin:
    """A device's credential as provisioning stored it."""

    fleet: Fleet
    meter_id: MeterId
    password_hash: str


@final
class CredentialCheck:
    """Authenticates the bridge by its password and devices by their stored hashes; call it as the broker's `authenticate`.

    Args:
        find: Looks a user up; raises Unavailable when the database is away.
        matches: (password, stored hash) → whether they belong together.
        bridge_username: The bridge's user; a meter of that name can never sign in.
        bridge_password: Its password.
        clock: For forgetting.
    """

    def __init__(
        self,
        *,
        find: Callable[[str], Awaitable[StoredLogin | None]],
        matches: Callable[[str, str], bool],
        bridge_username: str,
        bridge_password: str,
        clock: Clock,
    ) -> None:
        self._find = find
        self._matches = matches
        self._bridge_username = bridge_username
        self._bridge_password = bridge_password.encode()
        self._clock = clock
        self._believed: OrderedDict[tuple[str, bytes], tuple[int, Identity]] = OrderedDict()

    async def __call__(self, username: str, password: str, client_id: str) -> Identity | None:
        """Say who it is, or None. The client id is judged by `broker.access.may_connect`.

        Raises:
            Unavailable: the credentials cannot be looked up.
        """
        del client_id
        if username == self._bridge_username:
            same = hmac.compare_digest(password.encode(), self._bridge_password)
            return Bridge(username) if same else None
        key = (username, hashlib.sha256(password.encode()).digest())
        known = self._believed.get(key)
        if known is not None and self._clock.now() < known[0]:
            return known[1]
        identity = await self._look_up(username, password)
        self._believed.pop(key, None)
        if identity is not None:
            self._remember(key, identity)
        return identity

    async def _look_up(self, username: str, password: str) -> Identity | None:
        stored = await self._find(username)
        if stored is None or stored.meter_id != username or not self._matches(password, stored.password_hash):
            return None
        return Device(stored.fleet, stored.meter_id)

    def _remember(self, key: tuple[str, bytes], identity: Identity) -> None:
        self._believed[key] = (self._clock.now() + REMEMBER_S, identity)
        if len(self._believed) > REMEMBER_AT_MOST:
            self._believed.popitem(last=False)
