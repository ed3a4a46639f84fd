"""Request bodies, bounded in size by the framework and in time here."""

import asyncio
from http import HTTPStatus
from typing import Any

from litestar import Request
from litestar.exceptions import ClientException, HTTPException


class RequestTimedOut(ClientException):
    """The caller did not send its body in time."""

    status_code = HTTPStatus.REQUEST_TIMEOUT


class CallerLeft(ClientException):
    """The caller hung up before its body was complete; nobody reads the answer."""


async def read_body(request: Request[Any, Any, Any], *, timeout_s: float) -> bytes:
    """Read the whole body.

    Raises:
        RequestTimedOut: it did not arrive in time.
        CallerLeft: the connection ended before it was complete.
        RequestEntityTooLarge: it is beyond the route's limit.
    """
    try:
        async with asyncio.timeout(timeout_s):
            return await request.body()
    except TimeoutError as problem:
        raise RequestTimedOut(detail=f"the body did not arrive within {timeout_s:g} s") from problem
    except HTTPException as problem:
        if problem.status_code != HTTPStatus.INTERNAL_SERVER_ERROR:
            raise
        raise CallerLeft(detail="the connection ended before the body was complete") from problem
