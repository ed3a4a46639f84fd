"""The lists and figures of the first slice, over a real connection (R6.3, R6.4, R6.6, R6.12)."""

from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from solders.keypair import Keypair

from core.domain.readings import StatementKind
from core.runtime.health import HealthReport
from programs.client.ids import PROGRAM_IDS
from programs.client.rpc import ChainClient
from tests.support.platform import READING_PATH, Grid

pytestmark = pytest.mark.asyncio(loop_scope="module")

GUARDED = [
    "/api/meters/ANY/readings",
    "/api/admin/meters/unminted",
    "/api/admin/meters/refusals",
    "/api/tokens/balance/11111111111111111111111111111111",
    "/metrics",
]


def is_problem(response: Any, status: int) -> None:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status
    assert body["type"]
    assert body["title"]
    assert body["detail"]


@pytest.mark.parametrize("path", GUARDED)
@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer wrong", "Basic b3BlcmF0b3I6eA==", "bearer\twrong", "é"])
async def test_what_is_not_public_wants_the_operators_token(grid: Grid, path: str, authorization: str | None):
    headers = {} if authorization is None else {b"authorization": authorization.encode("latin-1")}

    response = await grid.http.get(path, headers=headers)

    is_problem(response, 401)
    assert response.headers["www-authenticate"] == "Bearer"
    assert grid.platform.operator_token not in response.text


async def test_the_operators_token_is_not_taken_from_the_query_or_a_cookie(grid: Grid):
    token = grid.platform.operator_token
    is_problem(await grid.http.get("/metrics", params={"token": token, "access_token": token}), 401)
    is_problem(await grid.http.get("/metrics", headers={"cookie": f"token={token}; authorization=Bearer {token}"}), 401)


async def test_a_meters_readings_come_in_pages_newest_first_each_once(grid: Grid):
    meter = await grid.enrol("PAGE-1")
    for number in range(1, 8):
        assert (await grid.door("http").send(meter, meter.states(number * 100))).said == "accepted"

    seen: list[int] = []
    params: dict[str, Any] = {"limit": 3}
    sizes: list[int] = []
    while True:
        page = (await grid.operator.get("/api/meters/PAGE-1/readings", params=params)).json()
        seen += [item["sequence"] for item in page["items"]]
        sizes.append(len(page["items"]))
        if page["next_cursor"] is None:
            break
        params["cursor"] = page["next_cursor"]

    assert seen == [7, 6, 5, 4, 3, 2, 1]
    assert sizes == [3, 3, 1]


async def test_a_reading_shows_every_field_of_its_row(grid: Grid):
    meter = await grid.enrol("FIELDS-1")
    assert (await grid.door("mqtt").send(meter, meter.states(1_500, 300))).said == "accepted"
    row = await grid.minted(meter, 1)

    assert row["wallet_address"] == meter.wallet
    assert (row["kwh_amount"], row["generation_kwh"], row["consumption_kwh"]) == ("1.200", "1.500", "0.300")
    assert (row["kind"], row["verification_status"], row["reason"]) == ("register", "accepted", None)
    assert row["reading_timestamp"].endswith("Z")
    assert row["user_id"] > 0
    assert row["mint_timestamp"] is not None
    assert {"submitted_at", "meter_signature", "created_at", "updated_at", "id"} <= row.keys()


async def test_the_unminted_list_holds_what_is_owed_and_loses_what_is_minted(grid: Grid):
    meter = await grid.enrol("OWES-1")
    assert (await grid.door("http").send(meter, meter.states(0, 500))).said == "accepted"
    await grid.at_rest()

    async def unminted() -> list[tuple[str, int]]:
        items = (await grid.operator.get("/api/admin/meters/unminted", params={"limit": 100})).json()["items"]
        return [(item["meter_id"], item["sequence"]) for item in items]

    assert ("OWES-1", 1) in await unminted()
    assert (await grid.door("http").send(meter, meter.states(800, 500))).said == "accepted"
    await grid.minted(meter, 1)
    assert ("OWES-1", 1) not in await unminted()


async def test_a_refused_frame_is_listed_for_the_operator_without_its_payload(grid: Grid):
    body = b'{"v":1,"kind":"register","meter_id":"NOBODY-1","secret-thing":"x"}'
    is_problem(await grid.http.post(READING_PATH, content=body), 400)
    is_problem(await grid.http.post(READING_PATH, content=body), 400)

    listed = (await grid.operator.get("/api/admin/meters/refusals", params={"limit": 100})).json()

    mine = [item for item in listed["items"] if item["claimed_meter_id"] == "NOBODY-1"]
    assert [(item["reason"], item["seen"], item["source"]) for item in mine] == [("malformed", 2, "http")]
    assert "secret-thing" not in str(listed)


async def test_balance_and_info_come_from_the_chain(grid: Grid):
    meter = await grid.enrol("CHAIN-1", kind=StatementKind.INTERVAL)
    assert (await grid.door("http").send(meter, meter.states(2_500))).said == "accepted"
    await grid.minted(meter, 1)

    balance = (await grid.operator.get(f"/api/tokens/balance/{meter.wallet}")).json()
    stranger = (await grid.operator.get(f"/api/tokens/balance/{Keypair().pubkey()}")).json()
    info = (await grid.http.get("/api/tokens/info")).json()

    assert (balance["balance_tokens"], balance["balance_kwh"]) == ("2.500000000", "2.500000000")
    assert balance["token_account"] == str(grid.at.token_account(meter.owner.pubkey()))
    assert stranger["balance_base_units"] == "0"
    assert (info["name"], info["symbol"], info["decimals"]) == ("GridTokenX Energy", "GRID", 9)
    assert info["mint"] == str(grid.at.mint)
    assert int(info["supply_base_units"]) == await grid.supply()
    assert info["programs"]["registry"] == str(PROGRAM_IDS.registry)


@pytest.mark.parametrize("limit", ["0", "101", "-1", "abc", "1.5", "", "9" * 40, "%ff"])
async def test_a_page_size_out_of_bounds_is_refused(grid: Grid, limit: str):
    for path in ("/api/admin/meters/unminted", "/api/admin/meters/refusals"):
        response = await grid.operator.get(f"{path}?limit={limit}")
        is_problem(response, 400)
        assert response.json()["detail"].startswith("limit")


@pytest.mark.parametrize("cursor", ["-1", "1e3", "x", "9" * 19, "9" * 30, "%D9%A1", "%00", "%27%20OR%201=1"])
async def test_a_cursor_that_no_list_gave_is_refused(grid: Grid, cursor: str):
    for path in ("/api/admin/meters/unminted", "/api/admin/meters/refusals"):
        is_problem(await grid.operator.get(f"{path}?cursor={cursor}"), 400)


@pytest.mark.parametrize("path", ["/nope", "/api", "/api/meters", "/api/tokens/balance", "/schema/swagger", "//", "/health/x"])
async def test_an_unknown_path_is_a_problem(grid: Grid, path: str):
    is_problem(await grid.operator.get(path), 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", READING_PATH, "POST"),
        ("PUT", READING_PATH, "POST"),
        ("POST", "/metrics", "GET"),
        ("DELETE", "/api/tokens/info", "GET"),
        ("TRACE", "/health", "GET"),
    ],
)
async def test_a_wrong_method_is_a_problem_that_names_the_right_one(grid: Grid, method: str, path: str, allowed: str):
    response = await grid.operator.request(method, path)
    is_problem(response, 405)
    assert allowed in response.headers["allow"]


async def test_an_unknown_meter_and_a_bad_meter_id_are_told_apart(grid: Grid):
    is_problem(await grid.operator.get("/api/meters/NOT-THERE/readings"), 404)
    is_problem(await grid.operator.get("/api/meters/seventeen-letters/readings"), 400)


async def test_health_ready_metrics_and_schema_answer(grid: Grid):
    health = await grid.http.get("/health")
    ready = await grid.http.get("/ready")
    metrics = await grid.operator.get("/metrics")
    schema = await grid.http.get("/schema/openapi.json")

    assert (health.status_code, health.json()) == (200, {"status": "ok"})
    assert ready.status_code == 200, ready.text
    assert {"database", "chain", "broker", "payers", "settlement"} <= ready.json()["parts"].keys()
    names = {family.name for family in text_string_to_metric_families(metrics.text)}
    assert {"gridtokenx_readings", "gridtokenx_refusals", "gridtokenx_publish_to_mint_seconds"} <= names
    assert schema.json()["openapi"].startswith("3.1")


async def test_ready_is_503_and_names_the_part_when_one_is_down(grid: Grid):
    async with ChainClient("http://127.0.0.1:9") as nobody:

        async def ask_nobody() -> HealthReport:
            return HealthReport(ok=True, detail=f"slot {await nobody.slot()}")

        grid.platform.health.register("chain", ask_nobody)
        response = await grid.http.get("/ready")

    assert response.status_code == 503
    body = response.json()
    assert body["status"] == "not ready"
    assert body["parts"]["chain"]["ok"] is False
    assert body["parts"]["database"]["ok"] is True
    assert (await grid.http.get("/health")).status_code == 200
