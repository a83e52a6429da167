"""Who calls a panic in an image that may hold one. Usage: panics.py IMAGE CRATE: nobody may but that crate's functions."""

import bisect
import struct
import sys

import cycles


def calls(code, start):
    """Where each BL of the Thumb code goes."""
    for place in range(0, len(code) - 3, 2):
        first, second = struct.unpack_from("<HH", code, place)
        if first >> 11 == 0b11110 and second >> 14 == 0b11 and second >> 12 & 1:
            sign, j1, j2 = first >> 10 & 1, second >> 13 & 1, second >> 11 & 1
            high = sign << 24 | (1 - (j1 ^ sign)) << 23 | (1 - (j2 ^ sign)) << 22
            offset = high | (first & 0x3FF) << 12 | (second & 0x7FF) << 1
            yield start + place, start + place + 4 + offset - (sign << 25)


def main(path, crate):
    image = cycles.Image(path)
    names = {value & ~1: name for name, value in image.symbols.items() if image.sizes[name]}
    begins = sorted(names)
    at = lambda place: names[begins[bisect.bisect(begins, place) - 1]]
    is_panic = lambda name: "core9panicking" in name
    found = {at(place) for start, code in image.parts for place, goal in calls(code, start) if is_panic(names.get(goal, ""))}
    callers = {name for name in found if not is_panic(name)}
    strangers = sorted(name for name in callers if not name.startswith(f"_ZN{len(crate)}{crate}8backends"))
    if strangers:
        sys.exit("error: a panic can be reached from " + ", ".join(strangers))
    if not callers:
        sys.exit(f"error: {crate} holds no panic any more: let the image link without, like all others")
    print(f"{path.rpartition('/')[2]}: {len(callers)} bounds checks of {crate} can name a panic, nothing else can")


if __name__ == "__main__":
    main(*sys.argv[1:])
