"""The database that the settings name, migrated."""

from core.domain.errors import Unavailable
from core.runtime.settings import Settings
from core.store import Store
from deploy.folders import ready_folder


def database_of(settings: Settings) -> Store:
    """Make ready to connect; SQLite's folder is made where it is ours.

    Raises:
        InvalidInput: the URL is malformed, or the data folder cannot be written.
    """
    if settings.database.url is None:
        ready_folder(settings.data_dir, "GRIDTOKENX_DATA_DIR")
    database = settings.database
    return Store(settings.database_url, pool_size=database.pool_size, statement_timeout_ms=database.statement_timeout_ms)


async def migrate(store: Store) -> None:
    """Bring the database to this version's tables.

    Raises:
        Unavailable: it does not answer; the sentence says what to do.
    """
    try:
        await store.migrate()
    except (Unavailable, OSError) as problem:
        raise Unavailable(
            "the database does not answer; see that it runs, and that GRIDTOKENX_DATABASE__URL names its host, port and user"
        ) from problem
