import pytest

from core.domain.errors import InvalidInput
from devices.keys import (
    DeviceKey,
    is_usable_public_key,
    key_text,
    parse_key,
    parse_signature,
    signature_is_valid,
    signature_text,
)

ORDER = 2**252 + 27742317777372353535851937790883648493
SMALL_ORDER_KEYS = [
    bytes(32),
    b"\x01" + bytes(31),
    bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
]


def test_a_genuine_signature_counts_and_a_turned_bit_does_not():
    key = DeviceKey(bytes(range(32)))
    signature = key.sign(b"message")

    assert signature_is_valid(b"message", signature, key.public_key)
    assert not signature_is_valid(b"messagf", signature, key.public_key)
    assert not signature_is_valid(b"message", signature[:63] + bytes([signature[63] ^ 1]), key.public_key)
    assert not signature_is_valid(b"message", signature, DeviceKey(bytes(32)).public_key)
    assert not signature_is_valid(b"message", signature[:63], key.public_key)


@pytest.mark.parametrize("moved", range(1, 8))
def test_bytes_do_not_move_between_a_signature_and_its_message(moved: int):
    """The verifier takes both in one row: whoever shifts the border signs another message with the same bytes."""
    key = DeviceKey(bytes(range(32)))
    row = key.sign(b"message") + b"message"

    assert signature_is_valid(row[64:], row[:64], key.public_key)
    assert not signature_is_valid(row[64 - moved :], row[: 64 - moved], key.public_key)
    assert not signature_is_valid(row[64 + moved :], row[: 64 + moved], key.public_key)


@pytest.mark.parametrize("size", [0, 1, 31, 33, 64])
def test_a_key_of_another_size_is_none(size: int):
    key = DeviceKey(bytes(range(32)))
    signature, other = key.sign(b"message"), (2 * key.public_key)[:size]

    assert not signature_is_valid(b"message", signature, other)
    assert not is_usable_public_key(other)


def test_a_non_canonical_s_is_refused():
    key = DeviceKey(bytes(range(32)))
    signature = key.sign(b"message")
    shifted = int.from_bytes(signature[32:], "little") + ORDER

    assert not signature_is_valid(b"message", signature[:32] + shifted.to_bytes(32, "little"), key.public_key)


@pytest.mark.parametrize("public_key", SMALL_ORDER_KEYS)
def test_a_small_order_key_signs_nothing_and_is_never_registered(public_key: bytes):
    for r in SMALL_ORDER_KEYS:
        assert not signature_is_valid(b"message", r + bytes(32), public_key)
    assert not is_usable_public_key(public_key)


def test_a_good_key_may_be_registered_and_never_prints_its_secret():
    key = DeviceKey.generate()

    assert is_usable_public_key(key.public_key)
    assert key.seed.hex() not in repr(key)
    assert DeviceKey(key.seed).public_key == key.public_key
    with pytest.raises(InvalidInput):
        DeviceKey(b"short")


def test_base58_goes_there_and_back():
    assert parse_key(key_text(bytes(32))) == bytes(32)
    assert parse_signature(signature_text(bytes(range(64)))) == bytes(range(64))


@pytest.mark.parametrize("text", ["", "0" * 32, "1" * 31, "1" * 33, "z" * 44, "1" * 32 + " ", "\u00e9" * 32, "1" * 100_000])
def test_bad_base58_is_refused(text: str):
    with pytest.raises(InvalidInput):
        parse_key(text)
    with pytest.raises(InvalidInput):
        parse_signature(text)
