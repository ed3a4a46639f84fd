"""Every route of the API as the web server hands requests over: methods, addresses, headers and bodies of all kinds."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from random import Random
from time import process_time
from typing import Any, Final, final
from urllib.parse import unquote

from core.domain.verdicts import Reason
from tests.fuzz.door import Answered, Door, Try
from tests.fuzz.mutations import NUMBERS, bent, bent_object, fields_of, noise
from tests.fuzz.whole import Whole, whole_platform
from tests.support.platform import READING_PATH

REASONS: Final = {reason.value for reason in Reason}
LONGEST_PROBLEM: Final = 2_000
_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "get", "\u00c4", "A" * 300)
_PIECES: Final = (
    "%00",
    "%ff",
    "%2e%2e",
    "..",
    "%2f",
    "%F0%9F%98%80",
    "'%20OR%201=1--",
    "%",
    "%zz",
    "A" * 3_000,
    "{meter_id}",
    "~",
    "",
    ";a=b",
    "%0d%0aX:%201",
)


@final
class HttpDoor(Door):
    """A request as text: method and target, headers, an empty line, the body."""

    name = "http"
    share = 60
    batch = 24
    is_stateless = False
    labels = frozenset({"200", "201", "202", "204", "400", "401", "404", "405", "409", "413", "422", "429", "403", "503"})
    rare = frozenset({"204", "403", "413", "422"})
    unlikely = frozenset({"202", "409", "429", "503"})
    least: Mapping[str, float] = {"200": 8, "201": 2, "400": 15, "401": 5, "404": 4, "405": 1}

    async def open(self, random: Random) -> None:
        del random
        self._stack = AsyncExitStack()
        self._whole: Whole = await self._stack.enter_async_context(whole_platform())
        self._token = self._whole.grid.platform.operator_token
        document = (await self._whole.grid.http.get("/schema/openapi.json")).json()
        self._routes = [(method.upper(), path) for path, item in document["paths"].items() for method in item]
        assert len(self._routes) >= 9
        self._wallets = [truth.meter.wallet for truth in self._whole.truths]

    async def close(self) -> None:
        await self._stack.aclose()

    async def settle(self) -> None:
        await self._whole.check()
        health = await self._whole.grid.http.get("/health")
        assert health.status_code == 200

    async def give(self, data: bytes) -> str:
        return await _ask(self._whole.app, data)

    async def give_all(self, batch: Sequence[bytes]) -> list[Answered | Exception]:
        """All at once, as callers come."""
        started = process_time()
        answers = await asyncio.gather(*(self.give(data) for data in batch), return_exceptions=True)
        each_s = (process_time() - started) / len(batch)
        return [answer if isinstance(answer, Exception) else Answered(str(answer), each_s) for answer in answers]

    def make(self, random: Random) -> Try:
        choice = random.random()
        if choice < 0.06:
            return self._honest(random)
        if choice < 0.40:
            return Try(self._submission(random))
        if choice < 0.70:
            return Try(self._question(random))
        if choice < 0.95:
            return Try(self._strange_question(random))
        return Try(bent(random, self._question(random)))

    def _honest(self, random: Random) -> Try:
        told = self._whole.next(random)
        if told is None:
            return Try(self._question(random))
        truth, statement = told
        by_interval = statement.kind.name == "INTERVAL" and random.random() < 0.5
        body = json.dumps(truth.meter.interval_body(statement)).encode() if by_interval else truth.meter.envelope(statement)
        return Try(_request("POST", READING_PATH, body), "201")

    def _submission(self, random: Random) -> bytes:
        """A reading, bent without a new signature, as it was, or no reading at all."""
        truth = random.choice(self._whole.truths)
        if not truth.sent:
            return _request("POST", READING_PATH, noise(random))
        statement = random.choice(truth.sent)
        choice = random.random()
        if choice < 0.1:
            return _request("POST", READING_PATH, truth.meter.envelope(statement), headers=_some_headers(random))
        if choice < 0.15:
            size = random.choice((4_095, 4_096, 4_097, 60_000, 65_536, 65_537, 70_000))
            return _request("POST", READING_PATH, truth.meter.envelope(statement).ljust(size))
        fields = truth.meter.interval_body(statement) if choice < 0.5 else json.loads(truth.meter.envelope(statement))
        body = bent_object(random, fields_of(fields))
        return _request("POST", READING_PATH, body, headers=_some_headers(random) if random.random() < 0.2 else ())

    def _question(self, random: Random) -> bytes:
        """A route as documented, with or without the token."""
        method, path = random.choice(self._routes)
        path = path.replace("{meter_id}", random.choice(("MTR-0", "MTR-1", "NOBODY"))).replace(
            "{wallet}", random.choice(self._wallets)
        )
        if random.random() < 0.4:
            path += f"?limit={random.choice((1, 50, 100, *NUMBERS))}&cursor={random.choice((1, 5, *NUMBERS))}"
        return _request(method, path, b"", headers=self._authority(random))

    def _strange_question(self, random: Random) -> bytes:
        method, path = random.choice(self._routes)
        method = random.choice(_METHODS) if random.random() < 0.3 else method
        pieces = path.split("/")
        for _ in range(random.choice((1, 1, 2))):
            pieces[random.randrange(len(pieces))] = random.choice(_PIECES)
        target = "/".join(pieces) if random.random() < 0.7 else path
        if random.random() < 0.5:
            name = random.choice(("limit", "cursor", "x", "limit[]", "%00", ""))
            target += (
                f"?{name}={random.choice(_PIECES)}&limit={random.choice(('', 'x', '-1', '1e3', '0', '101', '%31', '1' * 400))}"
            )
        return _request(method, target, noise(random) if random.random() < 0.2 else b"", headers=self._authority(random))

    def _authority(self, random: Random) -> Sequence[tuple[str, str]]:
        token = self._token
        right = [("authorization", f"Bearer {token}")]
        wrong = random.choice(
            ("", "Bearer", "Bearer ", f"Basic {token}", f"Bearer {token[:-1]}", "Bearer \u00fc", f"bearer  {token}\t")
        )
        headers = right if random.random() < 0.7 else [("authorization", wrong)] if random.random() < 0.6 else []
        return [*headers, *_some_headers(random)] if random.random() < 0.2 else headers


def _some_headers(random: Random) -> list[tuple[str, str]]:
    names = (
        "content-type",
        "accept",
        "x-request-id",
        "content-length",
        "host",
        "cookie",
        "transfer-encoding",
        "expect",
        "range",
        "x",
    )
    values = (
        "",
        "application/json",
        "text/html",
        "*/*;q=x",
        "-1",
        "9" * 30,
        "\xff\xfe",
        "a" * 3_000,
        "multipart/form-data",
        "gzip",
        "\x01",
    )
    return [(random.choice(names), random.choice(values)) for _ in range(random.choice((1, 2, 5)))]


def _request(method: str, target: str, body: bytes, *, headers: Sequence[tuple[str, str]] = ()) -> bytes:
    lines = [f"{method} {target}", *(f"{name}: {value}" for name, value in headers)]
    return "\n".join(lines).encode("utf-8") + b"\n\n" + body


def _scope(head: bytes) -> dict[str, Any]:
    """What the web server makes of a head: any bytes make one."""
    first, *lines = head.split(b"\n")
    method, _, target = first.partition(b" ")
    raw_path, _, query = target.partition(b"?")
    headers = [(name.strip().lower(), value.strip()) for name, _, value in (line.partition(b":") for line in lines)]
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 5_000),
        "scheme": "http",
        "root_path": "",
        "method": method.decode("latin-1").upper(),
        "path": unquote(raw_path.decode("latin-1")) or "/",
        "raw_path": raw_path,
        "query_string": query,
        "headers": headers,
        "state": {},
    }


async def _ask(app: Any, data: bytes) -> str:
    """Let the application answer one request, and look at the answer."""
    head, _, body = data.partition(b"\n\n")
    pieces = [body[: len(body) // 2], body[len(body) // 2 :]] if len(body) > 100 else [body]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if pieces:
            piece = pieces.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(pieces)}
        await asyncio.sleep(0)
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = _scope(head)
    await app(scope, receive, send)
    status = next(message["status"] for message in sent if message["type"] == "http.response.start")
    headers = dict(next(message["headers"] for message in sent if message["type"] == "http.response.start"))
    answer = b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
    if status >= 400 and scope["method"] != "HEAD" and not (scope["path"] == "/ready" and status == 503):
        check_problem(status, headers, answer)
    return str(status)


def check_problem(status: int, headers: Mapping[bytes, bytes], answer: bytes) -> None:
    """An error is a problem document of a known shape, and tells nothing of the inside."""
    assert headers[b"content-type"] == b"application/problem+json", headers
    problem = json.loads(answer)
    assert problem["status"] == status
    assert set(problem) <= {"type", "title", "status", "detail", "reason", "final", "meter_id", "sequence"}, problem
    assert problem.get("reason") is None or problem["reason"] in REASONS
    assert len(answer) <= LONGEST_PROBLEM, len(answer)
    assert b"Traceback" not in answer
    assert b".py" not in answer
