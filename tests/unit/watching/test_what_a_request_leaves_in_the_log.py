"""The line of a refused request is made of plain values."""

import json
import logging
from collections.abc import Iterator
from http import HTTPStatus
from io import StringIO
from typing import Any, cast

import pytest
import structlog
from litestar.types import HTTPScope, Message, Receive, Scope, Send

from api.requests import WatchedRequests
from core.runtime.logging import configure
from core.runtime.metrics import Metrics


@pytest.fixture(params=["text", "json"])
def written(request: pytest.FixtureRequest) -> Iterator[tuple[str, StringIO]]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    configure("info", request.param)
    (handler,) = root.handlers
    assert isinstance(handler, logging.StreamHandler)
    text = StringIO()
    handler.setStream(text)
    yield request.param, text
    structlog.reset_defaults()
    root.handlers[:] = before
    root.setLevel(level)


async def away(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers as Litestar does for a problem: the status is an enumeration's member."""
    del scope, receive
    start: dict[str, Any] = {"type": "http.response.start", "status": HTTPStatus.SERVICE_UNAVAILABLE, "headers": []}
    await send(cast("Message", start))


async def nothing() -> Any:
    raise AssertionError("nobody reads the body")


async def dropped(message: Message) -> None:
    del message


async def test_a_status_is_logged_as_its_number(written: tuple[str, StringIO]):
    form, text = written
    scope = cast("HTTPScope", {"type": "http", "method": "GET", "path": "/api/tokens/info", "headers": []})

    await WatchedRequests(away, Metrics())(scope, nothing, dropped)

    if form == "json":
        assert json.loads(text.getvalue())["status"] == 503
    else:
        assert "status=503\n" in text.getvalue()
