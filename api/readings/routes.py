"""The HTTP door for readings, and the lists of what came through it."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.params import PathParameter, QueryParameter
from litestar.status_codes import (
    HTTP_200_OK,
    HTTP_201_CREATED,
    HTTP_202_ACCEPTED,
    HTTP_413_REQUEST_ENTITY_TOO_LARGE,
)

from api.bodies import read_body
from api.parts import ApiParts
from api.problems import OPERATORS_PROBLEMS, described_problems, problem_response, refused_reading
from api.readings.described import METER_ID_PATTERN, SUBMISSION_RESPONSES, SubmitReadingOperation
from api.readings.mapping import reading_of, refusal_of
from api.readings.schemas import ReadingPage, RefusalPage, SubmittedReading
from core.domain.errors import NotFound
from core.domain.identity import parse_meter_id
from core.domain.verdicts import Reason, Verdict
from core.store import meters as meter_rows
from core.store import readings as reading_rows
from core.store import refusals as refusal_rows
from core.store.tables.readings import MeterReadingRow
from devices.intake import Outcome, Submission

_STATUS_OF_VERDICT = {
    Verdict.ACCEPTED: HTTP_201_CREATED,
    Verdict.REPEATED: HTTP_200_OK,
    Verdict.QUARANTINED: HTTP_202_ACCEPTED,
}

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])

Limit = Annotated[int, QueryParameter(ge=1, le=100, description="readings of a page")]
Cursor = Annotated[str | None, QueryParameter(pattern="^[0-9]{1,18}$", description="`next_cursor` of the page before")]

MeterIdInPath = Annotated[str, PathParameter(pattern=METER_ID_PATTERN)]


def _is_interval_body(body: bytes) -> bool:
    """Tell the interval body from an envelope by its own field; the door itself parses strictly afterwards."""
    try:
        fields = _FIELDS.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return "kwh_amount" in fields


def _answer(outcome: Outcome) -> Response[Any]:
    if outcome.verdict is Verdict.REJECTED:
        reason = outcome.reason or Reason.MALFORMED
        return problem_response(refused_reading(reason, outcome.detail, outcome.meter_id or None, outcome.sequence))
    answer = SubmittedReading(
        meter_id=outcome.meter_id,
        sequence=outcome.sequence,
        verdict=outcome.verdict.value,
        reason=None if outcome.reason is None else outcome.reason.value,
        final=outcome.final,
        reading_id=outcome.reading_id,
        detail=outcome.detail,
    )
    return Response(answer, status_code=_STATUS_OF_VERDICT[outcome.verdict])


@post(
    "/api/meters/submit-reading",
    tags=["readings"],
    status_code=HTTP_201_CREATED,
    operation_class=SubmitReadingOperation,
    responses=SUBMISSION_RESPONSES,
)
async def submit_reading(request: Request[Any, Any, Any], parts: NamedDependency[ApiParts]) -> Response[Any]:
    """Take one signed reading, as an envelope or an interval body; the device's signature is the permission."""
    try:
        body = await read_body(request, timeout_s=parts.body_timeout_s)
    except RequestEntityTooLarge:
        return _too_large(parts)
    submission = Submission(
        raw=body,
        source="http",
        fleet=None,
        topic_meter_id=None,
        received_at=parts.clock.now(),
        kind="interval" if _is_interval_body(body) else "reading",
    )
    result = await parts.intake.submit([submission])
    return _answer(result.outcomes[0][0])


def _too_large(parts: ApiParts) -> Response[Any]:
    """What is not even read cannot become a row: it is counted."""
    parts.metrics.refusals_total.labels(Reason.MALFORMED.value, "http").inc()
    problem = refused_reading(Reason.MALFORMED, "a reading message is at most 4 KiB", None, None)
    return problem_response(msgspec.structs.replace(problem, status=HTTP_413_REQUEST_ENTITY_TOO_LARGE))


def _row_id(cursor: str | None) -> int | None:
    """The row id at which the page before ended; a cursor's pattern lets no other text in."""
    return None if cursor is None else int(cursor)


def _page(rows: Sequence[MeterReadingRow], limit: int) -> ReadingPage:
    shown = rows[:limit]
    return ReadingPage(items=[reading_of(row) for row in shown], next_cursor=str(shown[-1].id) if len(rows) > limit else None)


@get(
    "/api/meters/{meter_id:str}/readings",
    tags=["readings"],
    responses=described_problems(HTTPStatus.NOT_FOUND, *OPERATORS_PROBLEMS),
)
async def meter_readings(
    parts: NamedDependency[ApiParts], meter_id: MeterIdInPath, limit: Limit = 50, cursor: Cursor = None
) -> ReadingPage:
    """List a meter's readings, newest first."""
    known_id = parse_meter_id(meter_id)
    async with parts.store.read() as session:
        if await meter_rows.find(session, known_id) is None:
            raise NotFound(f"no meter {known_id}")
        rows = await reading_rows.of_meter(session, known_id, before_id=_row_id(cursor), limit=limit + 1)
    return _page(rows, limit)


@get("/api/admin/meters/unminted", tags=["admin"], responses=described_problems(*OPERATORS_PROBLEMS))
async def unminted(parts: NamedDependency[ApiParts], limit: Limit = 50, cursor: Cursor = None) -> ReadingPage:
    """List accepted readings that the chain has not settled yet, oldest first."""
    async with parts.store.read() as session:
        rows = await reading_rows.unminted(session, after_id=_row_id(cursor) or 0, limit=limit + 1)
    return _page(rows, limit)


@get("/api/admin/meters/refusals", tags=["admin"], responses=described_problems(*OPERATORS_PROBLEMS))
async def refusals(parts: NamedDependency[ApiParts], limit: Limit = 50, cursor: Cursor = None) -> RefusalPage:
    """List what was refused before it could become a reading, newest first."""
    async with parts.store.read() as session:
        rows = await refusal_rows.page(session, before_id=_row_id(cursor), limit=limit + 1)
    shown = rows[:limit]
    return RefusalPage(items=[refusal_of(row) for row in shown], next_cursor=str(shown[-1].id) if len(rows) > limit else None)
