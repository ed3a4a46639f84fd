"""Who may call: until wallets sign in, one operator token opens everything that is not public."""

import hmac
from typing import Any

from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException
from litestar.handlers.base import BaseRouteHandler

from core.domain.errors import InvalidInput


class OperatorGuard:
    """A route guard that wants `Authorization: Bearer <operator token>`, compared in constant time."""

    def __init__(self, token: str) -> None:
        if not token.strip():
            raise InvalidInput("the operator token is empty: everything would be open")
        self._expected = token.encode()

    async def __call__(self, connection: ASGIConnection[Any, Any, Any, Any], _handler: BaseRouteHandler) -> None:
        """Let the operator pass, or raise NotAuthorizedException."""
        scheme, _, given = connection.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), self._expected):
            raise NotAuthorizedException(detail="this needs the operator token as a bearer token")
