"""Flash of an ELF image in bytes: everything that is loaded, start-up values of RAM included."""

import struct
import sys

ALLOCATED = 2
NO_BITS = 8


def sections(image):
    """Name, flags, type and size of every section of a 32-bit little-endian ELF."""
    table, size, count, names = (*struct.unpack_from("<I", image, 32), *struct.unpack_from("<HHH", image, 46))
    headers = [struct.unpack_from("<10I", image, table + size * index) for index in range(count)]
    start = headers[names][4]
    for name, kind, flags, _, _, length, *_ in headers:
        end = image.index(b"\0", start + name)
        yield image[start + name : end].decode(), flags, kind, length


def flash(path):
    with open(path, "rb") as file:
        image = file.read()
    return sum(length for _, flags, kind, length in sections(image) if flags & ALLOCATED and kind != NO_BITS)


if __name__ == "__main__":
    for path in sys.argv[1:]:
        print(flash(path), path)
