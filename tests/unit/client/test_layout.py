from dataclasses import dataclass
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from solders.pubkey import Pubkey

from core.domain.errors import InvalidInput
from programs.client.accounts import MeterAccount, OracleConfig
from programs.client.layout import I64, U8, U64, U128, Key, MeterIdField, Record, array, nested, raw
from programs.client.messages import BINDING_MAGIC, REGISTER_MAGIC, Binding, Statement


@dataclass(frozen=True)
class Pair(Record):
    left: U8
    right: U128


@dataclass(frozen=True)
class Everything(Record):
    small: U8
    signed: I64
    key: Key
    meter: MeterIdField
    blob: Annotated[bytes, raw(3)]
    keys: Annotated[tuple[Pubkey, ...], array(Key, 2)]
    pairs: Annotated[tuple[Pair, ...], array(nested(Pair), 2)]
    inner: Annotated[Pair, nested(Pair)]
    last: U64


@given(st.integers(0, 255), st.integers(-(2**63), 2**63 - 1), st.integers(0, 2**128 - 1), st.integers(0, 2**64 - 1))
def test_a_record_survives_its_bytes(small: int, signed: int, big: int, last: int):
    pair = Pair(small, big)
    keys = (Pubkey.new_unique(), Pubkey.new_unique())
    record = Everything(small, signed, keys[0], "MTR-001", b"abc", keys, (pair, pair), pair, last)
    assert Everything.unpack(record.pack()) == record


def test_a_number_that_does_not_fit_is_refused():
    with pytest.raises(InvalidInput):
        Pair(256, 0).pack()
    with pytest.raises(InvalidInput):
        Pair(0, 2**128).pack()


def test_too_few_bytes_are_refused():
    with pytest.raises(InvalidInput):
        Pair.unpack(bytes(16))
    with pytest.raises(InvalidInput):
        Pair.unpack(bytes(17), 1)


@pytest.mark.parametrize("data", [b"", bytes(608), MeterAccount.tag + bytes(599), OracleConfig.tag + bytes(600)])
def test_another_account_is_not_read_as_a_meter(data: bytes):
    with pytest.raises(InvalidInput):
        MeterAccount.decode(data)


def test_a_meter_account_survives_its_bytes():
    data = MeterAccount.tag + bytes(16).replace(b"\0", b"A") + bytes(range(200)) + bytes(384)
    assert MeterAccount.decode(data).encode() == data


def test_meter_id_bytes_that_are_no_text_are_refused():
    with pytest.raises(InvalidInput):
        MeterAccount.decode(MeterAccount.tag + b"\xff" * 16 + bytes(584))


def test_what_devices_sign_has_the_protocols_length():
    statement = Statement(REGISTER_MAGIC, b"networks", "MTR-001", 1, 2, 3, 4)
    binding = Binding(BINDING_MAGIC, b"networks", "MTR-001", Pubkey.default(), 0, 0, 0, 0)
    assert (len(statement.pack()), len(binding.pack())) == (64, 96)
    with pytest.raises(InvalidInput):
        Statement(REGISTER_MAGIC, b"networks", "seventeen-letters", 1, 2, 3, 4).pack()
