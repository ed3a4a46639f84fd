"""Around every request: an id that its log lines carry, and its figures."""

import re
import secrets
import time
from collections.abc import Mapping
from typing import Any, Final

from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from core.runtime.logging import carrying, get_logger
from core.runtime.metrics import Metrics

HEADER: Final = b"x-request-id"
_ALLOWED: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_NO_ROUTE: Final = "(none)"
"""Paths that no route knows share a label: what strangers type must not become figures."""
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_FAILED: Final = 500
_REFUSED: Final = 400

_log = get_logger(__name__)


class WatchedRequests:
    """ASGI in front of an application.

    A caller may give `X-Request-Id` (1 to 64 of letters, digits, `.`, `_`, `-`); anything else is replaced by one of ours, and
    either way the answer carries it.

    Args:
        app: the application.
        metrics: counts requests by route template and class of status.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; what is no HTTP passes by."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        await self._serve(scope, receive, send)

    async def _serve(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        name = _request_id(scope)
        status = _FAILED
        begun = time.perf_counter()

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])  # a framework may hand an HTTPStatus over, which a log would spell out
                message["headers"] = [*message.get("headers", ()), (HEADER, name.encode())]
            await send(message)

        self._metrics.http_requests_in_flight.inc()
        try:
            with carrying(request=name):
                await self._app(scope, receive, send_named)
                _tell(scope, status)
        finally:
            self._metrics.http_requests_in_flight.dec()
            self._count(scope, status, time.perf_counter() - begun)

    def _count(self, scope: HTTPScope, status: int, took_s: float) -> None:
        route, method = _route(scope), scope["method"] if scope["method"] in _METHODS else "other"
        self._metrics.http_requests_total.labels(route, method, f"{status // 100}xx").inc()
        self._metrics.http_request_seconds.labels(route).observe(took_s)


def _tell(scope: HTTPScope, status: int) -> None:
    """What was refused or failed is worth a line; the rest only to who looks for it."""
    tell = _log.info if status >= _REFUSED else _log.debug
    tell("request_answered", route=_route(scope), method=scope["method"], status=status)


def _route(scope: Mapping[str, Any]) -> str:
    """The route's template, as the framework found it."""
    return str(scope.get("path_template") or _NO_ROUTE)


def _request_id(scope: HTTPScope) -> str:
    given = next((value for name, value in scope["headers"] if name == HEADER), b"")
    return given.decode() if _ALLOWED.fullmatch(given) else secrets.token_hex(8)
