"""Frames behind a 2-byte length, for the benchmarks' own ends of a line."""


def take_frames(buffer: bytearray) -> list[bytes]:
    """Take the whole frames out of a buffer; what is left is the start of the next."""
    frames = []
    start, size = 0, len(buffer)
    while size - start >= 2:
        end = start + 2 + (buffer[start] << 8 | buffer[start + 1])
        if end > size:
            break
        frames.append(bytes(buffer[start + 2 : end]))
        start = end
    del buffer[:start]
    return frames
