"""One JSON-RPC call over HTTP: bytes out, a typed result or a sorted error back."""

from collections.abc import Callable
from itertools import count
from typing import Any, TypeVar

import httpx
import msgspec

from core.domain.errors import OutcomeUnknown, Unavailable
from programs.client.rpc.refusals import PREFLIGHT_FAILURE, TransactionError, TransactionRefused, sorted_error

T = TypeVar("T")

_NOTHING = msgspec.Raw(b"null")
"""msgspec keeps no raw part in an optional field: absent and null are the same four letters."""

_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol, httpx.InvalidURL)


class _Error(msgspec.Struct):
    code: int
    message: str
    data: msgspec.Raw = _NOTHING


class _Reply(msgspec.Struct):
    result: msgspec.Raw = _NOTHING
    error: _Error | None = None


class _PreflightData(msgspec.Struct):
    err: TransactionError | None = None
    logs: list[str] | None = None


class Transport:
    """JSON-RPC 2.0 over HTTP with pooled connections.

    Args:
        url: the node's address; it may carry an access key, so it never appears in an error.
        timeout_s: seconds for each of connecting, writing and reading.
        http: transport of httpx, for tests.
    """

    def __init__(self, url: str, *, timeout_s: float, http: httpx.AsyncBaseTransport | None = None) -> None:
        self._url = url
        self._ids = count(1)
        self._http = httpx.AsyncClient(
            timeout=timeout_s,
            transport=http,
            headers={"content-type": "application/json"},
            trust_env=False,
            limits=httpx.Limits(max_connections=32, max_keepalive_connections=32),
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def call(self, method: str, *params: Any, answer: type[T], sending: bool = False) -> T:
        """Ask and decode.

        Args:
            method: JSON-RPC method.
            params: positional parameters.
            answer: type that the result must have.
            sending: the call may put a transaction on its way, so a lost answer is `OutcomeUnknown`.

        Raises:
            Unavailable: no answer, or the node cannot serve now; nothing has happened.
            OutcomeUnknown: `sending`, and the answer was lost.
            TransactionRefused: preflight failed.
            RpcRefused: the node refuses the request itself.
        """
        body = msgspec.json.encode({"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params})
        status, content = await self._post(body, sending=sending)
        try:
            reply = msgspec.json.decode(content, type=_Reply)
            if reply.error is not None:
                raise _sorted(reply.error, sending=sending)
            return msgspec.json.decode(reply.result, type=answer)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
            raise _lost(f"the chain's node gave no JSON-RPC answer to {method} (HTTP {status})", sending=sending) from problem

    async def _post(self, body: bytes, *, sending: bool) -> tuple[int, bytes]:
        try:
            response = await self._http.post(self._url, content=body)
        except _NEVER_SENT as problem:
            raise Unavailable(f"the chain's node cannot be reached ({type(problem).__name__})") from None
        except httpx.HTTPError as problem:
            raise _lost(f"the chain's node did not answer ({type(problem).__name__})", sending=sending) from None
        return response.status_code, response.content


def made(read: Callable[[], T]) -> T:
    """Turn an answer into our types.

    Raises:
        Unavailable: the node's text is no key, no hash or no transaction: it is not to be trusted now.
    """
    try:
        return read()
    except Exception as problem:  # solders' own exceptions derive from nothing narrower
        raise Unavailable(f"the chain's node gave an unreadable answer ({type(problem).__name__})") from problem


def _lost(sentence: str, *, sending: bool) -> Exception:
    return OutcomeUnknown(sentence) if sending else Unavailable(sentence)


def _sorted(error: _Error, *, sending: bool) -> Exception:
    if error.code != PREFLIGHT_FAILURE:
        return sorted_error(error.code, error.message, sending=sending)
    data = _preflight(error.data)
    return TransactionRefused(data.err if data.err is not None else error.message, data.logs or ())


def _preflight(data: msgspec.Raw) -> _PreflightData:
    """Nodes differ: some answer a preflight failure without `data`, or with text."""
    try:
        return msgspec.json.decode(data, type=_PreflightData)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _PreflightData()
