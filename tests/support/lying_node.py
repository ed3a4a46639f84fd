"""A node that answers as the real one does, but for what a test makes of its answers."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx
import msgspec

Lie = Callable[[str, list[Any], Any], Any]
"""(method, parameters, true result): the result that is told."""


class LyingNode(httpx.AsyncBaseTransport):
    """Passes questions on and changes answers; counts the questions by method."""

    def __init__(self, lie: Lie) -> None:
        self._lie = lie
        self._true = httpx.AsyncHTTPTransport()
        self.asked: Counter[str] = Counter()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        question = msgspec.json.decode(await request.aread())
        answer = await self._true.handle_async_request(request)
        told = msgspec.json.decode(await answer.aread())
        self.asked[question["method"]] += 1
        if "result" in told:
            told["result"] = self._lie(question["method"], question.get("params", []), told["result"])
        return httpx.Response(200, content=msgspec.json.encode(told), headers={"content-type": "application/json"})

    async def aclose(self) -> None:
        await self._true.aclose()
