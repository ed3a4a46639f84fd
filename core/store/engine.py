"""Which database answers, and whether its tables are those of this version."""

from functools import cache

from alembic.script import ScriptDirectory
from sqlalchemy import text

from core.store.migrations import configuration
from core.store.unit_of_work import Session


async def name_and_version(session: Session) -> str:
    """For people: `postgresql 15.8` or `sqlite 3.40.1`."""
    connection = await session.connection()
    name = connection.dialect.name
    question = "SHOW server_version" if name == "postgresql" else "SELECT sqlite_version()"
    answer: str = (await connection.execute(text(question))).scalar_one()
    return f"{name} {answer.split(maxsplit=1)[0]}"


async def revision(session: Session) -> str:
    """The migration that the tables stand at."""
    connection = await session.connection()
    number: str | None = (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar_one_or_none()
    return number or "none"


@cache
def newest_revision() -> str:
    """The migration that this version's code was written for."""
    return ScriptDirectory.from_config(configuration()).get_current_head() or "none"
