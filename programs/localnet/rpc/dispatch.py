import logging
from typing import Any

import msgspec

from programs.localnet.chain import Chain
from programs.localnet.errors import LocalnetError
from programs.localnet.rpc.errors import (
    INTERNAL_ERROR,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    NODE_UNHEALTHY,
    PARSE_ERROR,
    RpcError,
)
from programs.localnet.rpc.methods import METHODS, Method
from programs.localnet.rpc.params import Params

MAX_BATCH = 1000
MAX_BATCH_BYTES = 16 * 1024 * 1024
"""A batch of a few hundred bytes may ask for gigabytes."""

log = logging.getLogger(__name__)
_encode = msgspec.json.Encoder().encode


class Call(msgspec.Struct, frozen=True):
    """One JSON-RPC request; without an id it is a notification and gets no answer."""

    jsonrpc: str
    method: str
    params: list[Any] | None = None
    id: int | float | str | msgspec.UnsetType | None = msgspec.UNSET


def failure(error: RpcError, request_id: Any = None) -> dict[str, Any]:
    """An error response."""
    return {"jsonrpc": "2.0", "error": error.to_json(), "id": request_id}


def _too_much(request: Any) -> dict[str, Any]:
    request_id = request.get("id") if isinstance(request, dict) else None
    error = RpcError(INVALID_REQUEST, "the answers of this batch are too large: ask for less at once")
    return failure(error, request_id if isinstance(request_id, int | str | float) else None)


class Dispatcher:
    """Answers JSON-RPC requests from the chain; what a request changed is durable before its answer exists."""

    def __init__(self, chain: Chain, extra: dict[str, Method] | None = None) -> None:
        self._chain = chain
        self._methods = METHODS | (extra or {})

    def answer(self, body: bytes | str) -> bytes | None:
        """The response to a body, `None` when it holds notifications only."""
        try:
            request: Any = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return _encode(failure(RpcError(PARSE_ERROR, "Parse error")))
        if isinstance(request, list):
            return self._batch(request)
        response = self._one(request)
        return None if response is None else _encode(response)

    def _batch(self, requests: list[Any]) -> bytes | None:
        """All answers of a batch; once they are many bytes, the rest of it is refused."""
        if not requests or len(requests) > MAX_BATCH:
            return _encode(failure(RpcError(INVALID_REQUEST, "Invalid request")))
        answers: list[bytes] = []
        size = 0
        for request in requests:
            full = size > MAX_BATCH_BYTES
            response = _too_much(request) if full else self._one(request)
            if response is not None:
                answers.append(_encode(response))
                size += len(answers[-1])
        return b"[" + b",".join(answers) + b"]" if answers else None

    def _one(self, request: Any) -> dict[str, Any] | None:
        request_id = request.get("id") if isinstance(request, dict) else None
        try:
            call = msgspec.convert(request, Call)
        except msgspec.ValidationError as error:
            code, reason = (
                (-32602, f"Invalid params: {error}") if "params" in str(error) else (INVALID_REQUEST, "Invalid request")
            )
            return failure(RpcError(code, reason), request_id if isinstance(request_id, int | str | float) else None)
        if call.jsonrpc != "2.0":
            return failure(RpcError(INVALID_REQUEST, "Invalid request"), request_id)
        try:
            result = self._call(call)
        except RpcError as error:
            return None if call.id is msgspec.UNSET else failure(error, call.id)
        return None if call.id is msgspec.UNSET else {"jsonrpc": "2.0", "result": result, "id": call.id}

    def _call(self, call: Call) -> Any:
        method = self._methods.get(call.method)
        if method is None:
            raise RpcError(METHOD_NOT_FOUND, "Method not found")
        try:
            result = method(self._chain, Params(call.params or []))
            self._chain.commit()
        except RpcError:
            raise
        except LocalnetError as error:
            raise RpcError(NODE_UNHEALTHY, f"Node is unhealthy: {error}") from error
        except Exception as error:
            log.exception("rpc_method_failed", extra={"method": call.method})
            raise RpcError(INTERNAL_ERROR, "Internal error") from error
        return result
