"""Defect 42: bodies that are genuine but for one field, so that no other check refuses them first."""

from typing import Any, Final

import msgspec
import pytest

from core.domain.readings import StatementKind
from tests.support.platform import READING_PATH, EnrolledMeter, Grid, http_answer

pytestmark = pytest.mark.asyncio(loop_scope="module")
OF_THE_INTERVAL_BODY: Final[list[tuple[str, Any]]] = [
    *(
        ("reading_timestamp", text)
        for text in (
            "1969-12-31T23:59:59Z",
            "0001-01-01T00:00:00+23:59",
            "2026-02-30T00:00:00Z",
            "2026-01-01T24:00:01Z",
            "2026-01-01T00:00:00.5Z",
            "2026-01-01T00:00:00",
            "\u0662\u0660\u0662\u0666-01-01T00:00:00Z",
            "",
        )
    ),
    *(
        ("kwh_amount", text)
        for text in ("1e999999999", "1e-999999999", "NaN", "-Infinity", "0.0001", "9" * 3_000, "", " 1", "\u0661")
    ),
    *(("kwh_amount", value) for value in (True, None, [], {})),
    *(("sequence", value) for value in (-1, 2**64, 1.0, 1e300, True, None, "1", [])),
    *(("meter_id", value) for value in ("..", ".", "", "\u00e9", "\0", "A" * 17, "a/b", 1, None)),
    *(("meter_signature", value) for value in ("", "1", "0OIl", "1" * 2_000, 7, None)),
    *(("public_key", value) for value in ("", "1", "0OIl", "1" * 2_000, 7)),
]
OF_THE_ENVELOPE: Final[list[tuple[str, Any]]] = [
    *(("v", value) for value in (0, 2, "1", 1.0, True, None)),
    *(("kind", value) for value in ("", "bind", 1, None, [])),
    *(
        (name, value)
        for name in ("sequence", "measured_at", "generation_wh", "consumption_wh")
        for value in (-1, 2**64, 1.0, 1e300, True, None, "1", [])
    ),
    *(("signature", value) for value in ("", "1", "0OIl", "1" * 2_000, 7, None)),
    *(("extras", value) for value in ("text", 1, [[]])),
    ("more", 1),
]


async def meter_of(grid: Grid, kind: StatementKind) -> EnrolledMeter:
    return await grid.enrol(f"FIELD-{kind.name[:8]}", kind=kind)


async def is_malformed(grid: Grid, body: dict[str, Any], name: str, value: object) -> bool:
    response = await grid.http.post(READING_PATH, content=msgspec.json.encode({**body, name: value}))
    answer = http_answer(response)
    return (answer.said, answer.status) == ("rejected malformed", 400)


async def test_an_interval_body_with_one_impossible_field_is_malformed_and_moves_nothing(grid: Grid):
    meter = await meter_of(grid, StatementKind.INTERVAL)
    genuine = meter.interval_body(meter.states(1_000))

    taken = [(name, value) for name, value in OF_THE_INTERVAL_BODY if not await is_malformed(grid, genuine, name, value)]

    assert taken == []
    await is_only_the_genuine_one_counted(grid, meter, genuine)


async def test_an_envelope_with_one_impossible_field_is_malformed_and_moves_nothing(grid: Grid):
    meter = await meter_of(grid, StatementKind.REGISTER)
    genuine = msgspec.json.decode(meter.envelope(meter.states(1_000)))

    taken = [(name, value) for name, value in OF_THE_ENVELOPE if not await is_malformed(grid, genuine, name, value)]

    assert taken == []
    await is_only_the_genuine_one_counted(grid, meter, genuine)


async def is_only_the_genuine_one_counted(grid: Grid, meter: EnrolledMeter, genuine: dict[str, Any]) -> None:
    assert await grid.readings(meter) == []
    assert http_answer(await grid.http.post(READING_PATH, content=msgspec.json.encode(genuine))).said == "accepted"
    assert [row["sequence"] for row in await grid.readings(meter)] == [1]
