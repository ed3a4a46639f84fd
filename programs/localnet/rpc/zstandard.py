MAGIC = (0xFD2FB528).to_bytes(4, "little")
SINGLE_SEGMENT_U32_SIZE = b"\xa0"  # frame header: content size in four bytes, no window, no checksum, no dictionary
MAX_BLOCK = 128 * 1024


def stored_frame(data: bytes) -> bytes:
    """A Zstandard frame that holds the data as it is (RFC 8878, raw blocks): valid everywhere, nothing to depend on."""
    frame = MAGIC + SINGLE_SEGMENT_U32_SIZE + len(data).to_bytes(4, "little")
    starts = range(0, max(len(data), 1), MAX_BLOCK)
    for start in starts:
        block = data[start : start + MAX_BLOCK]
        last = start == starts[-1]
        frame += (len(block) << 3 | last).to_bytes(3, "little") + block
    return frame
