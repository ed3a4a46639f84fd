from decimal import Decimal

import pytest

from core.domain.errors import InvalidInput
from core.domain.units import MAX_WH, base_units_from_wh, kwh_from_wh, tokens_from_base_units, wh_from_kwh


@pytest.mark.parametrize(
    ("kwh", "wh"),
    [
        ("10.5", 10_500),
        ("0.1", 100),
        ("100.001", 100_001),
        ("-3.5", -3_500),
        ("1.05e1", 10_500),
        ("0.0010", 1),
        (Decimal("15.500"), 15_500),
        (7, 7_000),
        ("-0", 0),
    ],
)
def test_kwh_become_whole_wh(kwh: Decimal | str | int, wh: int):
    assert wh_from_kwh(kwh) == wh


@pytest.mark.parametrize(
    "kwh",
    [
        "0.0001",
        "1.0005",
        "",
        " 1",
        "1_0",
        "\u0661",
        "NaN",
        "Infinity",
        "+1",
        ".5",
        "1e99",
        "1e-99",
        "1" * 40,
        Decimal("NaN"),
        Decimal("Infinity"),
        Decimal("1e999999"),
        Decimal("1e-999999"),
        MAX_WH,
        0.5,
        True,
    ],
)
def test_what_is_not_whole_wh_is_refused(kwh: Decimal | str | int):
    with pytest.raises(InvalidInput):
        wh_from_kwh(kwh)


def test_one_kwh_is_one_token_of_nine_decimals():
    assert base_units_from_wh(wh_from_kwh("15.5")) == 15_500_000_000
    assert tokens_from_base_units(15_500_000_000) == Decimal("15.5")
    assert str(kwh_from_wh(-1)) == "-0.001"
    assert kwh_from_wh(MAX_WH) * 1000 == MAX_WH
