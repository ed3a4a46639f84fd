"""JSON objects read without leniency: no duplicate keys, no NaN, no surprise types."""

import json
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Final, NoReturn, cast

from core.domain.errors import InvalidInput

MAX_NUMBER_TEXT: Final = 64
"""Digits of one number; longer ones only cost time."""


def load_json(payload: bytes, *, parse_float: Callable[[str], object] = float) -> object:
    """Decode one JSON value of UTF-8 bytes.

    Args:
        payload: the bytes; size is the caller's limit.
        parse_float: what becomes of a number with a fraction or exponent.

    Raises:
        InvalidInput: no JSON, trailing bytes, a duplicate key, NaN or Infinity, nested too deep, or an endless number.
    """
    try:
        return json.loads(
            payload.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_refuse_constant,
            parse_int=_integer,
            parse_float=parse_float,
        )
    except (ValueError, RecursionError) as problem:
        raise InvalidInput("the message is not a JSON value") from problem


def load_object(payload: bytes, *, parse_float: Callable[[str], object] = float) -> Mapping[str, object]:
    """Decode one JSON object; raises InvalidInput like `load_json`, or when it is something else."""
    return as_object(load_json(payload, parse_float=parse_float))


def as_object(value: object) -> Mapping[str, object]:
    """The value as an object, or InvalidInput."""
    if not isinstance(value, dict):
        raise InvalidInput("the message is not a JSON object")
    return cast("dict[str, object]", value)


def check_fields(fields: Mapping[str, object], *, required: frozenset[str], optional: frozenset[str] = frozenset()) -> None:
    """Refuse a missing or an unknown field with InvalidInput."""
    if missing := required - fields.keys():
        raise InvalidInput(f"field {min(missing)} is missing")
    if fields.keys() - required - optional:
        raise InvalidInput("there is a field that this version does not know")


def text_field(fields: Mapping[str, object], name: str) -> str:
    """A field that is text, or InvalidInput; half a surrogate pair is none, and could not be written anywhere."""
    value = fields[name]
    if not isinstance(value, str) or not _is_writable(value):
        raise InvalidInput(f"field {name} is not text")
    return value


def integer_field(fields: Mapping[str, object], name: str, *, most: int) -> int:
    """A field that is an integer of 0 to `most`, or InvalidInput; true and 1.0 are none."""
    value = fields[name]
    if type(value) is not int or not 0 <= value <= most:
        raise InvalidInput(f"field {name} is not an integer from 0 to {most}")
    return value


def exact_decimal(text: str) -> Decimal:
    """For `parse_float`: the number as it stands in the text."""
    if len(text) > MAX_NUMBER_TEXT:
        raise ValueError("a number is too long")
    try:
        return Decimal(text)
    except InvalidOperation as problem:
        raise ValueError("a number's exponent is beyond reason") from problem


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a key comes twice")
    return fields


def _is_writable(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _integer(text: str) -> int:
    if len(text) > MAX_NUMBER_TEXT:
        raise ValueError("a number is too long")
    return int(text)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
