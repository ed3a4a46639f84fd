"""Energy in integer watt-hours, tokens in integer base units; no value passes through a float."""

import re
from decimal import Decimal
from typing import Final

from core.domain.errors import InvalidInput

WH_PER_KWH: Final = 1_000
BASE_UNITS_PER_WH: Final = 1_000_000
"""1 kWh is one token of 9 decimals, so 1 Wh is 10^6 base units."""
TOKEN_DECIMALS: Final = 9
MAX_WH: Final = 2**63 - 1
"""The largest register or sum that a ledger account and a database column hold."""

_KWH_TEXT: Final = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,2})?")
_MAX_DIGITS: Final = 60


def wh_from_kwh(kwh: Decimal | str | int) -> int:
    """Turn kilowatt-hours into whole watt-hours, exactly; signed.

    Args:
        kwh: kilowatt-hours as a decimal, its text, or an integer; never a float.

    Raises:
        InvalidInput: not a finite decimal, not whole Wh, or beyond ±(2^63 - 1) Wh.
    """
    if isinstance(kwh, bool) or not isinstance(kwh, Decimal | str | int):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers decode JSON
        raise InvalidInput("energy is a decimal number of kWh, given as text or as an integer")
    if isinstance(kwh, int):
        return _within_range(kwh * WH_PER_KWH)
    return _within_range(_whole_wh(kwh if isinstance(kwh, Decimal) else _decimal(kwh)))


def kwh_from_wh(wh: int) -> Decimal:
    """Kilowatt-hours of whole watt-hours, exactly, with three decimals."""
    return Decimal((int(wh < 0), _digits(wh), -3))


def base_units_from_wh(wh: int) -> int:
    """Token base units of whole watt-hours; signed."""
    return wh * BASE_UNITS_PER_WH


def tokens_from_base_units(base_units: int) -> Decimal:
    """Tokens (= kWh) of base units, exactly, with nine decimals."""
    return Decimal((int(base_units < 0), _digits(base_units), -TOKEN_DECIMALS))


def _digits(number: int) -> tuple[int, ...]:
    return tuple(int(digit) for digit in str(abs(number)))


def _decimal(text: str) -> Decimal:
    if _KWH_TEXT.fullmatch(text) is None:
        raise InvalidInput("energy is a decimal number of kWh such as 10.5")
    return Decimal(text)


def _whole_wh(kwh: Decimal) -> int:
    """Shift the decimal point by hand: a Decimal context would round beyond its precision."""
    sign, digits, exponent = kwh.as_tuple()
    if not isinstance(exponent, int):
        raise InvalidInput("energy is a finite number of kWh")
    if len(digits) > _MAX_DIGITS or abs(exponent) > _MAX_DIGITS:
        raise InvalidInput("energy has too many digits")
    number = int("".join(map(str, digits)))
    shift = exponent + 3
    whole, rest = (number * 10**shift, 0) if shift >= 0 else divmod(number, 10**-shift)
    if rest:
        raise InvalidInput("energy is not a whole number of Wh: give kWh with at most three decimals")
    return -whole if sign else whole


def _within_range(wh: int) -> int:
    if abs(wh) > MAX_WH:
        raise InvalidInput("energy is beyond 2^63 - 1 Wh")
    return wh
