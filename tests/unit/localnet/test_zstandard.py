import pytest

from programs.localnet.rpc.zstandard import MAX_BLOCK, stored_frame


def blocks_of(frame: bytes) -> bytes:
    """Read a frame of raw blocks by RFC 8878: magic, descriptor, size, then blocks until the last."""
    assert frame[:5] == bytes.fromhex("28b52ffd") + b"\xa0"
    size, at, data, last = int.from_bytes(frame[5:9], "little"), 9, b"", False
    while not last:
        header = int.from_bytes(frame[at : at + 3], "little")
        last, kind, length = bool(header & 1), header >> 1 & 3, header >> 3
        assert kind == 0
        assert length <= MAX_BLOCK
        data += frame[at + 3 : at + 3 + length]
        at += 3 + length
    assert (at, len(data)) == (len(frame), size)
    return data


@pytest.mark.parametrize("size", [0, 1, 165, MAX_BLOCK, MAX_BLOCK + 1, 3 * MAX_BLOCK])
def test_a_stored_frame_holds_the_data(size: int):
    data = bytes(index % 251 for index in range(size))

    assert blocks_of(stored_frame(data)) == data
