"""Ed25519 signatures at the edges of the standard, made from curve arithmetic for any message.

Implementations differ in what they make of these (non-canonical numbers and points, points of small or mixed order): what one
party takes and another refuses is an energy that is accepted and never minted, or a batch that fails as a whole. The curve
is written out here, so that nothing under test takes part in making its own exam.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from hashlib import sha512
from typing import Final

P: Final = 2**255 - 19
ORDER: Final = 2**252 + 27742317777372353535851937790883648493
D: Final = -121665 * pow(121666, -1, P) % P

Point = tuple[int, int]
IDENTITY: Final[Point] = (0, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A key and a signature that it may or may not have made."""

    public_key: bytes
    signature: bytes
    holds: bool = False
    """Whether strict verification takes it: canonical numbers and points, none of small order, no help of the cofactor."""
    sound_key: bool = False
    """Whether the key is the one that the seed gives: of prime order, and such that it may be registered."""


def add(one: Point, two: Point) -> Point:
    """The sum of two points (RFC 8032, affine)."""
    (x1, y1), (x2, y2) = one, two
    product = D * x1 * x2 * y1 * y2 % P
    shared = pow(1 - product * product, -1, P)  # one division for both
    x = (x1 * y2 + x2 * y1) * (1 - product) * shared
    y = (y1 * y2 + x1 * x2) * (1 + product) * shared
    return x % P, y % P


def times(scalar: int, point: Point) -> Point:
    """A point so many times."""
    total = IDENTITY
    while scalar:
        if scalar & 1:
            total = add(total, point)
        point = add(point, point)
        scalar >>= 1
    return total


def on_curve(y: int) -> Point | None:
    """The point with this y and an even x, if there is one."""
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    square = u * pow(v, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    if x * x % P != square:
        return None
    return (P - x if x & 1 else x), y % P


def encoded(point: Point) -> bytes:
    """The canonical 32 bytes."""
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def beyond(point: Point) -> bytes:
    """The other 32 bytes of a point whose y is below 19: y + p still fits."""
    return (point[1] + P | (point[0] & 1) << 255).to_bytes(32, "little")


def _base() -> Point:
    found = on_curve(4 * pow(5, -1, P) % P)
    assert found is not None
    return found


def _order_of_eight() -> Point:
    """The first point, by its y, of which eight and no fewer make the identity."""
    for y in range(2, 100):
        point = on_curve(y)
        if point is not None and times(4, small := times(ORDER, point)) != IDENTITY:
            return small
    raise AssertionError("there is none below 100")


BASE: Final = _base()
TORSION: Final = _order_of_eight()
SMALL: Final = tuple(times(count, TORSION) for count in range(8))
"""The eight points of small order; the first is the identity."""
NO_POINT: Final = (2).to_bytes(32, "little")
MINUS_ZERO: Final = encoded((1, 1))
"""The identity with the sign of an x that is zero."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """A private scalar and its public point, of prime order."""

    value: int

    @classmethod
    def of_seed(cls, seed: bytes) -> "Scalar":
        """As RFC 8032 derives it: the key that any library makes of this seed."""
        half = bytearray(sha512(seed).digest()[:32])
        half[0] &= 248
        half[31] = half[31] & 63 | 64
        return cls(int.from_bytes(half, "little"))

    @property
    def point(self) -> Point:
        """Its public point."""
        return times(self.value, BASE)


def hashed(r: bytes, key: bytes, message: bytes) -> int:
    """The k of RFC 8032."""
    return int.from_bytes(sha512(r + key + message).digest(), "little") % ORDER


def _nonces(message: bytes) -> Iterator[tuple[int, Point]]:
    """Nonces and their points, one after the other: each costs an addition."""
    nonce = int.from_bytes(sha512(b"nonce" + message).digest(), "little") % ORDER
    point = times(nonce, BASE)
    while True:
        yield nonce, point
        nonce, point = (nonce + 1) % ORDER, add(point, BASE)


def _signature(r: bytes, s: int) -> bytes:
    return r + s.to_bytes(32, "little")


def _torsion(
    scalar: Scalar, message: bytes, *, in_key: int = 0, in_r: int = 0, exact: bool = True, small_key: bool = False
) -> Edge:
    """A signature that holds when multiplied by the cofactor; `exact` says whether it holds without as well.

    Args:
        scalar: the private scalar; without effect on a key of small order.
        message: what is signed.
        in_key: how often the point of order eight is in the public key.
        in_r: how often it is in R.
        exact: whether the two cancel.
        small_key: the key is nothing but its small part.
    """
    secret = 0 if small_key else scalar.value
    key = encoded(add(times(secret, BASE), SMALL[in_key]))
    for nonce, point in _nonces(message):
        r = encoded(add(point, SMALL[in_r]))
        k = hashed(r, key, message)
        if ((in_r + k * in_key) % 8 == 0) is exact:
            signature = _signature(r, (nonce + k * secret) % ORDER)
            sound = in_key == 0 and not small_key
            return Edge(public_key=key, signature=signature, holds=exact and not small_key, sound_key=sound)
    raise AssertionError("nonces have no end")


def _other_s(scalar: Scalar, message: bytes, *, other: Callable[[int], int]) -> Edge:
    """A genuine signature with another S."""
    genuine = _torsion(scalar, message)
    s = int.from_bytes(genuine.signature[32:], "little")
    return replace(genuine, signature=_signature(genuine.signature[:32], other(s)), holds=False)


def _under_r(scalar: Scalar, message: bytes, *, r: bytes) -> Edge:
    """A signature with an R that has no private part, by a sound key."""
    key = encoded(scalar.point)
    signature = _signature(r, hashed(r, key, message) * scalar.value % ORDER)
    return Edge(public_key=key, signature=signature, sound_key=True)


def _under_key(_: Scalar, message: bytes, *, key: bytes, point: Point) -> Edge:
    """A signature under a small key in any encoding, which anybody can make: nothing secret is in it."""
    for nonce, at in _nonces(message):
        r = encoded(at)
        if times(hashed(r, key, message) % 8, point) == IDENTITY:
            return Edge(public_key=key, signature=_signature(r, nonce))
    raise AssertionError("nonces have no end")


def _fixed(_: Scalar, __: bytes, *, key: bytes, signature: bytes) -> Edge:
    return Edge(public_key=key, signature=signature)


def _key_that_is_no_point(scalar: Scalar, message: bytes) -> Edge:
    return Edge(public_key=NO_POINT, signature=_torsion(scalar, message).signature)


_ONE: Final = encoded(IDENTITY)
_MAKERS: Final[Mapping[str, Callable[[Scalar, bytes], Edge]]] = {
    "genuine": _torsion,
    "S + L, the same signature twice": partial(_other_s, other=lambda s: s + ORDER),
    "S + 8 L, its top bits set": partial(_other_s, other=lambda s: s + 8 * ORDER),
    "the largest S + n L that 256 bits hold": partial(_other_s, other=lambda s: s + (2**256 - 1 - s) // ORDER * ORDER),
    "S of another parity": partial(_other_s, other=lambda s: s ^ 1),
    "R of mixed order": partial(_torsion, in_r=1, exact=False),
    "R with the point of order two": partial(_torsion, in_r=4, exact=False),
    "R is the identity": partial(_under_r, r=_ONE),
    "R is the identity, not canonical": partial(_under_r, r=beyond(IDENTITY)),
    "R is minus the identity": partial(_under_r, r=MINUS_ZERO),
    "R of order two": partial(_under_r, r=encoded(SMALL[4])),
    "R of order four": partial(_under_r, r=encoded(SMALL[2])),
    "R of order eight": partial(_under_r, r=encoded(SMALL[1])),
    "R is no point": partial(_under_r, r=NO_POINT),
    "key of mixed order, exact": partial(_torsion, in_key=1),
    "key of mixed order, R too, exact": partial(_torsion, in_key=1, in_r=3),
    "key with the point of order two, exact": partial(_torsion, in_key=4),
    "key of mixed order, only with the cofactor": partial(_torsion, in_key=1, exact=False),
    "key of order eight": partial(_torsion, in_key=1, small_key=True),
    "key of order eight, only with the cofactor": partial(_torsion, in_key=1, exact=False, small_key=True),
    "key of order eight, R of mixed order": partial(_torsion, in_key=1, in_r=5, small_key=True),
    "key of order two": partial(_torsion, in_key=4, small_key=True),
    "key is the identity, R too, S is zero": partial(_fixed, key=_ONE, signature=_ONE + bytes(32)),
    "key and signature all zero": partial(_fixed, key=bytes(32), signature=bytes(64)),
    "key is the identity": partial(_under_key, key=_ONE, point=IDENTITY),
    "key is the identity, not canonical": partial(_under_key, key=beyond(IDENTITY), point=IDENTITY),
    "key is minus the identity": partial(_under_key, key=MINUS_ZERO, point=IDENTITY),
    "key of order four, not canonical": partial(_under_key, key=P.to_bytes(32, "little"), point=SMALL[2]),
    "key of order two with the other sign": partial(_under_key, key=encoded((1, P - 1)), point=SMALL[4]),
    "key is no point": _key_that_is_no_point,
}
NAMES: Final = tuple(_MAKERS)
"""Of all edges; the first is a genuine signature."""
UNDER_A_SOUND_KEY: Final = NAMES[: NAMES.index("key of mixed order, exact")]
"""Those that a meter's owner can make with a key that was registered as it should be."""
UNDER_AN_UNSOUND_KEY: Final = NAMES[len(UNDER_A_SOUND_KEY) :]


@cache
def edge_of(name: str, message: bytes, seed: bytes) -> Edge:
    """An edge over a message; the key is that of the seed where a sound one is meant, and made of it where a mixed one is."""
    return _MAKERS[name](Scalar.of_seed(seed), message)
