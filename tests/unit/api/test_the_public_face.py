"""What the application promises before anything runs: its routes, who may call them, and its OpenAPI document."""

from collections.abc import Iterator
from typing import Any, Final, cast

import httpx
import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute

from api.app import build_app
from api.auth import OperatorGuard
from api.parts import ApiParts
from api.problems import STATUS_OF_REASON, refused_reading
from core.domain.verdicts import IS_FINAL, Reason
from core.runtime.clock import FixedClock
from core.runtime.health import Health
from core.runtime.metrics import Metrics
from core.store import Store
from devices.acceptance import STANDARD
from devices.intake import Intake, SignatureVerifier
from programs.client.ids import PROGRAM_IDS
from programs.client.rpc import ChainClient

PUBLIC: Final = {
    ("POST", "/api/meters/submit-reading"),
    ("GET", "/api/tokens/info"),
    ("GET", "/health"),
    ("GET", "/ready"),
    ("GET", "/schema"),
    ("GET", "/schema/openapi.json"),
    ("GET", "/schema/{path:str}"),
}
"""Everything that is open to anyone; a route that joins must be added here by hand."""


@pytest.fixture
def app(tmp_path: Any) -> Litestar:
    store = Store(f"sqlite+aiosqlite:///{tmp_path / 'nothing.db'}")
    clock = FixedClock(1_700_000_000)
    parts = ApiParts(
        store=store,
        intake=Intake(store=store, clock=clock, network=bytes(8), profile=STANDARD, verifier=SignatureVerifier()),
        chain=ChainClient("http://127.0.0.1:1"),
        ids=PROGRAM_IDS,
        clock=clock,
        health=Health(),
        metrics=Metrics(),
        token_symbol="GRID",
        token_name="GridTokenX Energy",
    )
    return build_app(parts, operator_token="an operator's token")


def routes(app: Litestar) -> Iterator[tuple[str, str, Any]]:
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for method, (handler, _) in route.route_handler_map.items():
                if method != "OPTIONS":
                    yield method, route.path, handler


def test_exactly_the_listed_routes_are_public(app: Litestar):
    guarded = {
        (method, path)
        for method, path, handler in routes(app)
        if any(isinstance(guard, OperatorGuard) for guard in handler.resolve_guards())
    }
    everything = {(method, path) for method, path, _ in routes(app)}

    assert everything - guarded == PUBLIC
    assert guarded == {
        ("GET", "/api/meters/{meter_id:str}/readings"),
        ("GET", "/api/admin/meters/unminted"),
        ("GET", "/api/admin/meters/refusals"),
        ("GET", "/api/tokens/balance/{wallet:str}"),
        ("GET", "/metrics"),
    }


def test_every_reason_of_the_closed_list_has_a_status_and_a_meaning():
    assert set(STATUS_OF_REASON) == set(Reason) == set(IS_FINAL)
    for reason in Reason:
        problem = refused_reading(reason, "", "MTR-001", 7)
        assert problem.type == f"urn:gridtokenx:reason:{reason.value}"
        assert (problem.reason, problem.final) == (reason.value, IS_FINAL[reason])
        assert 400 <= problem.status < 500
        assert problem.detail


def test_the_openapi_document_describes_every_route_and_every_reference_resolves(app: Litestar):
    document = app.openapi_schema.to_schema()

    described = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    real = {(method, path.replace(":str}", "}")) for method, path, _ in routes(app) if not path.startswith("/schema")}
    assert described == real
    for reference in references(document):
        target: Any = document
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]
        assert target


def test_the_openapi_document_says_who_may_call(app: Litestar):
    document = app.openapi_schema.to_schema()

    for path, item in document["paths"].items():
        for method, operation in item.items():
            is_public = (method.upper(), path) in PUBLIC
            assert operation.get("security", []) == ([] if is_public else [{"operator": []}]), path
            assert operation["responses"]
            assert operation["description"]


def test_the_openapi_document_describes_both_bodies_and_every_answer_of_the_door(app: Litestar):
    operation = app.openapi_schema.to_schema()["paths"]["/api/meters/submit-reading"]["post"]

    one_of = operation["requestBody"]["content"]["application/json"]["schema"]["oneOf"]
    assert [schema["title"] for schema in one_of] == ["ReadingEnvelope", "IntervalBody"]
    statuses = {str(status.value) for status in STATUS_OF_REASON.values()}
    assert statuses | {"200", "201", "202", "408", "413", "503"} <= operation["responses"].keys()
    for status in statuses:
        assert "application/problem+json" in operation["responses"][status]["content"]


async def test_a_refusal_quotes_no_more_of_a_header_than_a_sentence_holds(app: Litestar):
    """A length of three thousand letters once came back whole."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(cast("Any", app)), base_url="http://api") as caller:
        answer = await caller.post("/api/meters/submit-reading", content=b"{}", headers={"content-length": "a" * 3_000})

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.json()["detail"]) <= 200


async def test_a_query_that_is_no_text_is_refused_and_no_failure_of_ours(app: Litestar):
    async def undecoded(scope: Any, receive: Any, send: Any) -> None:
        await app(cast("Any", {**scope, "query_string": b"limit=90\xb0"}), receive, send)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(undecoded), base_url="http://api") as caller:
        answer = await caller.get("/api/meters/M/readings", headers={"authorization": "Bearer an operator's token"})

    assert answer.status_code == 400
    assert answer.json()["detail"] == "the query is not text"


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for part in value.values():
            yield from references(part)
    elif isinstance(value, list):
        for part in value:
            yield from references(part)
