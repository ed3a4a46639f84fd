"""The HTTP door in the OpenAPI document: its body is read by hand, so that it is described by hand."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, Operation, RequestBody, Schema

from api.problems import STATUS_OF_REASON, described_problem
from api.readings.schemas import SubmittedReading

METER_ID_PATTERN: Final = r"^(?!\.{1,2}$)[A-Za-z0-9_.-]{1,16}$"
_ALSO: Final = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.SERVICE_UNAVAILABLE)


def _reasons(status: HTTPStatus) -> str:
    names = [reason.value for reason, known in STATUS_OF_REASON.items() if known is status]
    return f"Refused: {', '.join(names)}" if names else status.phrase


SUBMISSION_RESPONSES: Final[dict[int, ResponseSpec]] = {
    200: ResponseSpec(SubmittedReading, generate_examples=False, description="Repeated: stored before"),
    201: ResponseSpec(SubmittedReading, generate_examples=False, description="Accepted"),
    202: ResponseSpec(SubmittedReading, generate_examples=False, description="Quarantined: kept, not credited yet"),
    **{status.value: described_problem(_reasons(status)) for status in sorted({*STATUS_OF_REASON.values(), *_ALSO}, key=int)},
}
"""Every status that the door answers with."""

_TEXT: Final = Schema(type=OpenAPIType.STRING)
_COUNT: Final = Schema(type=OpenAPIType.INTEGER, minimum=0)


def _envelope() -> Schema:
    return Schema(
        title="ReadingEnvelope",
        type=OpenAPIType.OBJECT,
        description="A statement as the meter signed it; energy in Wh, time in Unix seconds.",
        required=["v", "kind", "meter_id", "sequence", "measured_at", "generation_wh", "consumption_wh", "signature"],
        properties={
            "v": Schema(type=OpenAPIType.INTEGER, const=1),
            "kind": Schema(type=OpenAPIType.STRING, enum=["register", "interval"]),
            "meter_id": Schema(type=OpenAPIType.STRING, pattern=METER_ID_PATTERN),
            "sequence": _COUNT,
            "measured_at": _COUNT,
            "generation_wh": _COUNT,
            "consumption_wh": _COUNT,
            "signature": Schema(type=OpenAPIType.STRING, description="base58 of 64 bytes"),
            "public_key": Schema(type=OpenAPIType.STRING, description="base58 of 32 bytes; a hint"),
            "extras": Schema(type=OpenAPIType.OBJECT, description="unsigned; never touches value"),
        },
        additional_properties=False,
    )


def _interval_body() -> Schema:
    return Schema(
        title="IntervalBody",
        type=OpenAPIType.OBJECT,
        description="An interval statement in kWh; positive is generation, negative consumption.",
        required=["meter_id", "wallet_address", "kwh_amount", "reading_timestamp", "meter_signature", "sequence"],
        properties={
            "meter_id": Schema(type=OpenAPIType.STRING, pattern=METER_ID_PATTERN),
            "wallet_address": _TEXT,
            "kwh_amount": Schema(one_of=[_TEXT, Schema(type=OpenAPIType.NUMBER)], description="whole Wh, as text or number"),
            "reading_timestamp": Schema(type=OpenAPIType.STRING, description="RFC 3339, whole seconds"),
            "meter_signature": _TEXT,
            "public_key": _TEXT,
            "sequence": _COUNT,
        },
        additional_properties=False,
    )


def _body() -> RequestBody:
    return RequestBody(
        required=True,
        content={"application/json": OpenAPIMediaType(schema=Schema(one_of=[_envelope(), _interval_body()]))},
    )


@dataclass
class SubmitReadingOperation(Operation):
    """The operation with its two bodies."""

    def __post_init__(self) -> None:
        """The framework sees no parsed body and describes none."""
        self.request_body = _body()
