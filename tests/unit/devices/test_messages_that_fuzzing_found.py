"""Inputs that once got through the decoders, or brought them down in their own way."""

from collections.abc import Callable

import pytest

from core.domain.errors import InvalidInput
from devices.messages import decode_command, decode_command_reply, decode_hello, decode_status
from devices.receipts import decode_platform_message

DEEP = b"[" * 3_000


@pytest.mark.parametrize(
    ("decode", "message"),
    [
        (decode_hello, rb'{"nonce":"\ud800"}'),
        (decode_status, rb'{"online":true,"firmware":"\udf00\ud800"}'),
        (decode_command_reply, rb'{"id":"\ud800","ok":true}'),
        (decode_command, rb'{"id":"\udfff","do":"bind","owner":"a"}'),
    ],
)
def test_half_a_surrogate_pair_is_no_text(decode: Callable[[bytes], object], message: bytes):
    with pytest.raises(InvalidInput, match="is not text"):
        decode(message)


def test_a_whole_surrogate_pair_is_text():
    assert decode_hello(rb'{"nonce":"\ud83d\ude00"}').nonce == "\N{GRINNING FACE}"


@pytest.mark.parametrize(
    "message",
    [
        b'{"highest":1,"x":' + DEEP,
        b'{"highest":18446744073709551616,"time":1,"network":"0000000000000000"}',
        b'{"highest":-1,"time":1,"network":"0000000000000000"}',
        b'{"highest":1,"time":-1,"network":"0000000000000000"}',
        b'{"highest":1,"time":1,"network":"00"}',
        b'{"highest":1,"time":1,"network":"no hex"}',
        b'{"highest":1,"meter_id":"A","results":[{"sequence":-1,"verdict":"accepted","final":true}]}',
        b'{"highest":1,"meter_id":"A","results":[],"missing":[[1,9223372036854775808]]}',
    ],
)
def test_a_device_hears_no_number_that_it_cannot_count_to_and_no_endless_nesting(message: bytes):
    with pytest.raises(InvalidInput):
        decode_platform_message(message)
