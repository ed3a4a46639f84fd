"""Where the broker meets the credentials: two rooms that do not know each other."""

from collections.abc import Awaitable, Callable

from broker.credentials import StoredLogin
from core.domain.identity import parse_fleet, parse_meter_id
from core.store import Store
from core.store import meters as meter_rows


def stored_logins(store: Store) -> Callable[[str], Awaitable[StoredLogin | None]]:
    """Look up what provisioning stored for a broker user."""

    async def look_up(username: str) -> StoredLogin | None:
        async with store.read() as session:
            row = await meter_rows.find_credential(session, username)
        if row is None:
            return None
        return StoredLogin(parse_fleet(row.fleet), parse_meter_id(row.meter_id), row.password_hash)

    return look_up
