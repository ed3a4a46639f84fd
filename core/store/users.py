"""Owners of meters. Times in Unix seconds."""

from sqlmodel import select

from core.store.tables.users import UserRow
from core.store.unit_of_work import Session


async def find(session: Session, user_id: int) -> UserRow | None:
    """One user by its id."""
    return await session.get(UserRow, user_id)


async def find_by_wallet(session: Session, wallet_address: str) -> UserRow | None:
    """The user of a wallet."""
    return (await session.exec(select(UserRow).where(UserRow.wallet_address == wallet_address))).one_or_none()


async def record(session: Session, *, wallet_address: str, token_account: str, zone: int, verified: bool, now: int) -> UserRow:
    """Add the user of a wallet, or bring what the chain says of it up to date."""
    user = await find_by_wallet(session, wallet_address)
    if user is None:
        user = UserRow(
            wallet_address=wallet_address,
            token_account=token_account,
            zone=zone,
            verified=verified,
            created_at=now,
            updated_at=now,
        )
    else:
        user.token_account, user.zone, user.verified, user.updated_at = token_account, zone, verified, now
    session.add(user)
    await session.flush()
    return user
