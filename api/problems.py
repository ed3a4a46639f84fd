"""The one map from what went wrong to an RFC 9457 problem document."""

from http import HTTPStatus
from types import MappingProxyType
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.openapi.datastructures import ResponseSpec

from core.domain.errors import Conflict, DomainError, InvalidInput, NotFound, OutcomeUnknown, Unavailable
from core.domain.verdicts import IS_FINAL, Reason
from core.runtime.logging import get_logger

_LOG = get_logger(__name__)
MAX_DETAIL = 200
PROBLEM_TYPE = "application/problem+json"

STATUS_OF_REASON = MappingProxyType(
    {
        Reason.MALFORMED: HTTPStatus.BAD_REQUEST,
        Reason.UNKNOWN_METER: HTTPStatus.NOT_FOUND,
        Reason.METER_NOT_ACTIVE: HTTPStatus.CONFLICT,
        Reason.OWNER_NOT_VERIFIED: HTTPStatus.FORBIDDEN,
        Reason.WALLET_INVALID: HTTPStatus.UNPROCESSABLE_ENTITY,
        Reason.WALLET_MISMATCH: HTTPStatus.FORBIDDEN,
        Reason.BAD_SIGNATURE: HTTPStatus.UNAUTHORIZED,
        Reason.WRONG_NETWORK: HTTPStatus.UNPROCESSABLE_ENTITY,
        Reason.WRONG_KIND: HTTPStatus.UNPROCESSABLE_ENTITY,
        Reason.STALE: HTTPStatus.UNPROCESSABLE_ENTITY,
        Reason.FUTURE: HTTPStatus.UNPROCESSABLE_ENTITY,
        Reason.REPEATED_WINDOW: HTTPStatus.CONFLICT,
        Reason.TOO_FREQUENT: HTTPStatus.TOO_MANY_REQUESTS,
        Reason.SEQUENCE_CONFLICT: HTTPStatus.CONFLICT,
        Reason.REGISTER_BACKWARDS: HTTPStatus.CONFLICT,
        Reason.ZERO_ENERGY: HTTPStatus.UNPROCESSABLE_ENTITY,
        Reason.OVER_LIMIT: HTTPStatus.UNPROCESSABLE_ENTITY,
        Reason.OVER_CAPACITY: HTTPStatus.UNPROCESSABLE_ENTITY,
        Reason.IMPLAUSIBLE: HTTPStatus.UNPROCESSABLE_ENTITY,
        Reason.HELD: HTTPStatus.CONFLICT,
        Reason.RATE_LIMITED: HTTPStatus.TOO_MANY_REQUESTS,
    }
)

OPERATORS_PROBLEMS = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.SERVICE_UNAVAILABLE)
"""What any question of an operator may be answered with."""

_STATUS_OF_ERROR: tuple[tuple[type[DomainError], HTTPStatus], ...] = (
    (InvalidInput, HTTPStatus.BAD_REQUEST),
    (NotFound, HTTPStatus.NOT_FOUND),
    (Conflict, HTTPStatus.CONFLICT),
    (OutcomeUnknown, HTTPStatus.GATEWAY_TIMEOUT),
    (Unavailable, HTTPStatus.SERVICE_UNAVAILABLE),
)


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An RFC 9457 problem document; `reason` is on the closed list of the device protocol when a reading was refused."""

    type: str
    title: str
    status: int
    detail: str
    reason: str | None = None
    final: bool | None = None
    meter_id: str | None = None
    sequence: int | None = None


def problem_response(problem: Problem) -> Response[bytes]:
    """Render a problem document with its own media type."""
    headers = {"WWW-Authenticate": "Bearer"} if problem.status == HTTPStatus.UNAUTHORIZED and problem.reason is None else {}
    return Response(msgspec.json.encode(problem), status_code=problem.status, media_type=PROBLEM_TYPE, headers=headers)


def refused_reading(reason: Reason, detail: str, meter_id: str | None, sequence: int | None) -> Problem:
    """Describe a reading that was rejected, with its reason and whether sending it again can help."""
    status = STATUS_OF_REASON[reason]
    return Problem(
        type=f"urn:gridtokenx:reason:{reason.value}",
        title=reason.value.replace("_", " "),
        status=status.value,
        detail=detail or f"the reading was refused: {reason.value}",
        reason=reason.value,
        final=IS_FINAL[reason],
        meter_id=meter_id,
        sequence=sequence,
    )


def plain_problem(status: int, detail: str) -> Problem:
    """Describe a failure that concerns no reading."""
    known = HTTPStatus(status)
    return Problem(type="about:blank", title=known.phrase, status=status, detail=detail)


def on_domain_error(_request: Request[Any, Any, Any], error: DomainError) -> Response[bytes]:
    """Answer an expected failure of the platform."""
    status = next((status for kind, status in _STATUS_OF_ERROR if isinstance(error, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)
    return problem_response(plain_problem(status, str(error)))


def on_http_error(_request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """Answer what the web framework refused: unknown path, wrong method, bad parameter, too large a body."""
    response = problem_response(plain_problem(error.status_code, _detail(error)))
    for name, value in (error.headers or {}).items():
        response.set_header(name, value)
    return response


def _detail(error: HTTPException) -> str:
    """The framework names the address when a parameter is wrong; we name the parameter, and never its value."""
    extra: Any = error.extra
    if not isinstance(extra, list) or not extra:
        return error.detail[:MAX_DETAIL]  # some of the framework's own sentences quote the caller
    return "; ".join(f"{part.get('key', 'parameter')}: {_without_value(part)}" for part in extra if isinstance(part, dict))


def _without_value(part: dict[str, Any]) -> str:
    return str(part.get("message", "is not valid")).partition(" - at ")[0][:200]


def described_problem(description: str) -> ResponseSpec:
    """A problem document in the OpenAPI document."""
    return ResponseSpec(Problem, generate_examples=False, description=description, media_type=PROBLEM_TYPE)


def described_problems(*statuses: HTTPStatus) -> dict[int, ResponseSpec]:
    """Problem documents of a route, by status."""
    return {status.value: described_problem(status.phrase) for status in statuses}


def schema_not_found(response: Response[Any]) -> Response[Any]:
    """Under the schema's path the framework answers unknown names with a page of its own."""
    if response.status_code != HTTPStatus.NOT_FOUND:
        return response
    return problem_response(plain_problem(HTTPStatus.NOT_FOUND, "Not Found"))


def on_unexpected_error(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Answer a defect of ours without telling its inside, and log its kind and place.

    A query that is no text is the caller's defect: the framework raises when it reads one, and again when asked for the URL.
    """
    if isinstance(error, UnicodeDecodeError) and not request.scope["query_string"].isascii():
        return problem_response(plain_problem(HTTPStatus.BAD_REQUEST, "the query is not text"))
    _LOG.error("request_failed", path=request.scope["path"], method=request.method, error=type(error).__name__, exc_info=error)
    return problem_response(plain_problem(HTTPStatus.INTERNAL_SERVER_ERROR, "the platform failed; the operator has been told"))
