"""Hostile bytes made from valid ones: what bends a length, a number, a text or a nesting is likelier to be read than noise."""

import json
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Final

MAX_BYTES: Final = 80_000
"""Above the largest limit of any door, so that each limit is met from both sides."""

NUMBERS: Final = (
    0,
    1,
    2,
    127,
    128,
    255,
    256,
    2**15,
    2**16,
    2**31 - 1,
    2**31,
    2**32,
    2**53,
    2**53 + 1,
    2**63 - 1,
    2**63,
    2**64 - 1,
)
"""Where integers of some size end."""

VALUES: Final = (
    *(str(number) for number in NUMBERS),
    *(str(-number) for number in NUMBERS[1:]),
    str(2**64),
    str(2**128),
    "1.0",
    "0.1",
    "-0",
    "-0.0",
    "1e3",
    "1e308",
    "1e309",
    "1e-400",
    "1e999999999",
    "-1e999999999",
    "9" * 63,
    "9" * 65,
    "9" * 3_500,
    "0." + "3" * 100,
    "01",
    "+1",
    ".5",
    "1.",
    "0x10",
    "NaN",
    "Infinity",
    "-Infinity",
    "null",
    "true",
    "false",
    "[]",
    "{}",
    "[" * 60 + "]" * 60,
    "[" * 1_500 + "]" * 1_500,
    '{"a":' * 900 + "1" + "}" * 900,
    "[" * 3_000,
    '""',
    '"\\u0000"',
    '"\\ud800"',
    '"\\udfff\\ud800"',
    '"\\u202e\\u200b"',
    '"\U0001f600"',
    '"\u0661\u0662\u0663"',
    '"\u00fc\u0308"',
    '"' + "A" * 300 + '"',
    '"' + "1" * 3_900 + '"',
    '"\\',
    '"unended',
    '"1"',
    '"-1"',
    '"1e5"',
    '"NaN"',
    '"../../etc/passwd"',
    '"..", "."',
    '"\'; DROP TABLE meters; --"',
    '"%s%n{0}${jndi:x}"',
    "/* */ 1",
    "\ufeff1",
)
"""Texts in a JSON value's place: types, boundaries, and what is no JSON at all."""

Fields = list[tuple[str, str]]
"""A JSON object as written: names and values as text, so that a name may come twice and a value may be nonsense."""


def fields_of(value: Mapping[str, object]) -> Fields:
    """An object, ready to be bent."""
    return [(json.dumps(name), json.dumps(item)) for name, item in value.items()]


def written(fields: Fields) -> bytes:
    """The object's bytes; lone surrogates survive as bytes that are no UTF-8."""
    return ("{" + ",".join(f"{name}:{value}" for name, value in fields) + "}").encode("utf-8", "surrogatepass")


def bent_object(random: Random, fields: Fields) -> bytes:
    """One or two changes of an object's fields."""
    bent = list(fields)
    for _ in range(random.choice((1, 1, 1, 2))):
        bent = random.choice(_OF_FIELDS)(random, bent)
    data = written(bent)
    return random.choice(_OF_TEXT)(random, data) if random.random() < 0.15 else data


def bent(random: Random, data: bytes, others: Sequence[bytes] = ()) -> bytes:
    """One to three changes of any bytes."""
    for _ in range(random.choice((1, 1, 2, 3))):
        data = _spliced(random, data, others) if others and random.random() < 0.1 else random.choice(_OF_BYTES)(random, data)
    return data[:MAX_BYTES]


def noise(random: Random, most: int = 300) -> bytes:
    """Bytes without any structure."""
    return random.randbytes(random.randrange(most))


# --- bytes -------------------------------------------------------------------------------------------------------------


def _flip(random: Random, data: bytes) -> bytes:
    if not data:
        return b"\xff"
    at = random.randrange(len(data))
    return data[:at] + bytes((data[at] ^ 1 << random.randrange(8),)) + data[at + 1 :]


def _cut(random: Random, data: bytes) -> bytes:
    return data[: random.randrange(len(data) + 1)]


def _drop(random: Random, data: bytes) -> bytes:
    at = random.randrange(len(data) + 1)
    return data[:at] + data[at + random.randrange(1, 17) :]


def _double(random: Random, data: bytes) -> bytes:
    at = random.randrange(len(data) + 1)
    end = at + random.randrange(1, 65)
    return data[:end] + data[at:end] + data[end:]


def _repeat(random: Random, data: bytes) -> bytes:
    return (data * random.choice((2, 3, 30, 300)))[:MAX_BYTES] if data else data


def _insert(random: Random, data: bytes) -> bytes:
    at = random.randrange(len(data) + 1)
    return data[:at] + random.randbytes(random.randrange(1, 9)) + data[at:]


def _number(random: Random, data: bytes) -> bytes:
    """A number of 1, 2, 4 or 8 bytes becomes one at a boundary, in either order of bytes."""
    size = random.choice((1, 2, 4, 8))
    at = random.randrange(max(1, len(data) - size + 1))
    number = random.choice(NUMBERS) % (1 << 8 * size)
    return data[:at] + number.to_bytes(size, random.choice(("little", "big"))) + data[at + size :]


def _fill(random: Random, data: bytes) -> bytes:
    at = random.randrange(len(data) + 1)
    size = random.randrange(1, 33)
    return data[:at] + random.choice((b"\0", b"\xff", b" ", b"A", b"\x80")) * size + data[at + size :]


def _spliced(random: Random, data: bytes, others: Sequence[bytes]) -> bytes:
    other = random.choice(others)
    return data[: random.randrange(len(data) + 1)] + other[random.randrange(len(other) + 1) :]


_OF_BYTES: Final[tuple[Callable[[Random, bytes], bytes], ...]] = (
    _flip,
    _flip,
    _flip,
    _cut,
    _drop,
    _double,
    _repeat,
    _insert,
    _number,
    _number,
    _fill,
)


# --- objects -----------------------------------------------------------------------------------------------------------


def _other_value(random: Random, fields: Fields) -> Fields:
    at = random.randrange(len(fields)) if fields else 0
    return [(name, random.choice(VALUES) if number == at else value) for number, (name, value) in enumerate(fields)]


def _bent_value(random: Random, fields: Fields) -> Fields:
    at = random.randrange(len(fields)) if fields else 0
    return [(name, _bent_text(random, value) if number == at else value) for number, (name, value) in enumerate(fields)]


def _bent_text(random: Random, value: str) -> str:
    return bent(random, value.encode("utf-8", "surrogatepass")).decode("utf-8", "replace")


def _without(random: Random, fields: Fields) -> Fields:
    at = random.randrange(len(fields)) if fields else 0
    return [field for number, field in enumerate(fields) if number != at]


def _twice(random: Random, fields: Fields) -> Fields:
    again = random.choice(fields) if fields else ('"a"', "1")
    return [*fields, again if random.random() < 0.5 else (again[0], random.choice(VALUES))]


def _unknown(random: Random, fields: Fields) -> Fields:
    name = random.choice(('"x"', '""', '"\\u0000"', '"__proto__"', '"\\ud800"', '"V"', '"meter_id "', '"' + "k" * 500 + '"'))
    return [*fields, (name, random.choice(VALUES))]


def _many(random: Random, fields: Fields) -> Fields:
    return [*fields, *((f'"k{number}"', "1") for number in range(random.choice((50, 300))))]


def _shuffled(random: Random, fields: Fields) -> Fields:
    return random.sample(fields, len(fields))


_OF_FIELDS: Final[tuple[Callable[[Random, Fields], Fields], ...]] = (
    _other_value,
    _other_value,
    _other_value,
    _other_value,
    _bent_value,
    _bent_value,
    _without,
    _twice,
    _unknown,
    _many,
    _shuffled,
)
_OF_TEXT: Final[tuple[Callable[[Random, bytes], bytes], ...]] = (
    bent,
    lambda random, data: data + random.choice((b" ", b"{}", b"\0", b"]", b"\xff")),
    lambda random, data: b"\xef\xbb\xbf" + data,
    lambda random, data: data.decode("utf-8", "replace").encode(random.choice(("utf-16", "utf-32", "utf-7"))),
    lambda random, data: b"[" + data + b"]",
    lambda random, data: data.replace(b":", b" \n:\t", 3),
)
