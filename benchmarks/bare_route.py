"""A Litestar application with one route that does nothing, behind the API's own listener: what the API is measured against."""

import asyncio
import sys

from litestar import Litestar, get

from core.runtime.supervisor import Supervisor
from deploy.http import HttpFace


@get("/bare", sync_to_thread=False)
def bare() -> dict[str, str]:
    """Answer at once."""
    return {"status": "ok"}


async def _serve(port: int) -> None:
    face = HttpFace(Litestar([bare], logging_config=None, openapi_config=None), host="127.0.0.1", port=port)
    async with Supervisor() as supervisor:
        supervisor.run("bare", face.run, stop=face.stop)
        await supervisor.until_signal()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
