"""Every operation of the OpenAPI document, asked with right and wrong data, with and without the operator's token."""

from types import SimpleNamespace
from typing import Any, Final, cast

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import positive_data_acceptance

from api.app import build_app
from api.parts import ApiParts
from core.runtime.metrics import Metrics
from tests.support.platform import Grid

EXAMPLES: Final = 20
_STEADY: Final = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)


def _document() -> dict[str, Any]:
    """What the platform serves: the document needs no running part."""
    parts = cast("ApiParts", SimpleNamespace(metrics=Metrics()))
    return build_app(parts, operator_token="-").openapi_schema.to_schema()


def _without_security(document: dict[str, Any]) -> dict[str, Any]:
    """For callers who always give the token: leaving it out is the strangers' test."""
    paths = document["paths"]
    for operation in (operation for item in paths.values() for operation in item.values()):
        operation.pop("security", None)
    return document


for_strangers = schemathesis.openapi.from_dict(_document())
for_operators = schemathesis.openapi.from_dict(_without_security(_document()))
_BEYOND_PATTERNS: Final = [positive_data_acceptance]
"""A pattern cannot say that base58 text holds 32 bytes, so that well-written keys are refused too."""


@for_operators.parametrize()  # pyright: ignore[reportUntypedFunctionDecorator]  # schemathesis leaves it untyped
@_STEADY
def test_an_operator_gets_what_the_document_promises(case: schemathesis.Case[Any], grid: Grid):
    token = {"Authorization": f"Bearer {grid.platform.operator_token}"}
    beyond = _BEYOND_PATTERNS if "{wallet}" in case.path or "submit" in case.path else []
    case.call_and_validate(base_url=grid.platform.endpoints.api_url, headers=token, excluded_checks=beyond)


@for_strangers.parametrize()  # pyright: ignore[reportUntypedFunctionDecorator]  # likewise
@_STEADY
def test_a_stranger_gets_what_the_document_promises(case: schemathesis.Case[Any], grid: Grid):
    beyond = _BEYOND_PATTERNS if "submit" in case.path else []
    case.call_and_validate(base_url=grid.platform.endpoints.api_url, excluded_checks=beyond)
