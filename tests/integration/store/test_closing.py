import asyncio
from pathlib import Path

from sqlalchemy import text

from core.store import Store


async def test_a_transaction_left_open_does_not_lock_the_next_store_out(tmp_path: Path):
    url = f"sqlite+aiosqlite:///{tmp_path / 'left.db'}"
    first = Store(url)
    await first.migrate()
    entered = asyncio.Event()

    async def never_ends() -> None:
        async with first.begin() as session:
            await (await session.connection()).execute(text("CREATE TABLE half (a INTEGER)"))
            entered.set()
            await asyncio.Event().wait()

    left = asyncio.ensure_future(never_ends())
    await entered.wait()

    await first.close()

    second = Store(url)
    async with asyncio.timeout(5), second.begin() as session:
        await (await session.connection()).execute(text("CREATE TABLE whole (a INTEGER)"))
    await second.close()
    left.cancel()
    await asyncio.gather(left, return_exceptions=True)
