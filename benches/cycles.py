"""Cycles of a function on a Cortex-M0+, counted over its real image in an emulated core.

The model is the core's own table without wait states: 1 for arithmetic, 2 for loads, stores and taken branches, 3 for
a call, one more for each register of a push, pop or block transfer.
"""

import struct

from unicorn import UC_ARCH_ARM, UC_HOOK_CODE, UC_MODE_MCLASS, UC_MODE_THUMB, Uc
from unicorn.arm_const import UC_ARM_REG_LR, UC_ARM_REG_SP

FLASH, RAM, STOP = 0x0800_0000, 0x2000_0000, 0x0800_F000


class Image:
    """The loaded parts and the symbols of an ELF file."""

    def __init__(self, path):
        with open(path, "rb") as file:
            data = file.read()
        programs, count = struct.unpack_from("<I", data, 28)[0], struct.unpack_from("<H", data, 44)[0]
        headers = [struct.unpack_from("<8I", data, programs + 32 * n) for n in range(count)]
        self.parts = [(load, data[start : start + size]) for kind, start, load, _, size, *_ in headers if kind == 1 and size]
        table, size, count = struct.unpack_from("<I", data, 32)[0], *struct.unpack_from("<HH", data, 46)
        sections = [struct.unpack_from("<10I", data, table + size * n) for n in range(count)]
        self.symbols, self.sizes = {}, {}
        for _, kind, _, _, start, length, link, *_ in sections:
            if kind == 2:
                names = sections[link][4]
                for place in range(start, start + length, 16):
                    name, value, size_of = struct.unpack_from("<III", data, place)
                    text = data[names + name : data.index(b"\0", names + name)].decode()
                    self.symbols[text], self.sizes[text] = value, size_of


def ones(number):
    return number.bit_count()


def cost(code, taken):
    """Cycles of the 16-bit instruction `code`, or of a 32-bit one by its first half."""
    if code >> 11 == 0b11110:
        return 3  # a call
    if code >> 12 == 0b1101 or code >> 11 == 0b11100 or code >> 8 == 0b01000111:
        return 2 if taken else 1  # branches
    if code >> 9 in (0b1011010, 0b1011110):
        return 1 + ones(code & 0x1FF) + (2 if taken else 0)  # push and pop
    if code >> 12 == 0b1100:
        return 1 + ones(code & 0xFF)  # block transfer
    if code >> 11 == 0b01001 or code >> 12 in (0b0101, 0b0110, 0b0111, 0b1000, 0b1001):
        return 2  # loads and stores
    if code & 0xFF87 == 0x4487 or code & 0xFF87 == 0x4687:
        return 2  # a jump through a register
    return 1


class Run:
    """What `function` did with `frame` received: cycles, its result and what it wrote to send.

    An image's `prepare` runs first and is not counted.
    """

    def __init__(self, path, function, frame):
        self.image, self.core = Image(path), Uc(UC_ARCH_ARM, UC_MODE_THUMB | UC_MODE_MCLASS)
        self.core.mem_map(FLASH, 0x10000)
        self.core.mem_map(RAM, 0x10000)
        for address, part in self.image.parts:
            self.core.mem_write(address, part)
        self.give("FRAME", frame)
        self.give("LENGTH", struct.pack("<I", len(frame)))
        self.give("BYTE", bytes((125,)))  # How many registers were asked for.
        self.give("VALUES", struct.pack("<125H", *range(125)))
        if "prepare" in self.image.symbols:
            self.call("prepare")
        self.cycles = self.call(function)
        self.result = struct.unpack("<I", self.core.mem_read(self.image.symbols["RESULT"], 4))[0]
        self.out = bytes(self.core.mem_read(self.image.symbols["OUT"], 512)) if "OUT" in self.image.symbols else b""

    def give(self, name, content):
        """Fills a variable that the image has."""
        if name in self.image.symbols:
            self.core.mem_write(self.image.symbols[name], content)

    def call(self, function):
        """Runs a function and gives its cycles."""
        self.core.reg_write(UC_ARM_REG_SP, RAM + 0x8000)
        self.core.reg_write(UC_ARM_REG_LR, STOP | 1)
        trace = []
        hook = self.core.hook_add(UC_HOOK_CODE, lambda _, address, size, __: trace.append((address, size)))
        self.core.emu_start(self.image.symbols[function] | 1, STOP)
        self.core.hook_del(hook)
        cycles = 0
        for (address, size), (following, _) in zip(trace, [*trace[1:], (STOP, 2)]):
            code = struct.unpack("<H", self.core.mem_read(address, 2))[0]
            cycles += cost(code, following != address + size)
        return cycles


def request(registers):
    """A read of as many registers of unit 17."""
    return sealed(bytes((17, 3, 0, 0, 0, registers)))


def reply(registers):
    """Its reply: each register its own number."""
    return sealed(bytes((17, 3, 2 * registers)) + b"".join(n.to_bytes(2) for n in range(registers)))


def sealed(frame):
    crc = 0xFFFF
    for byte in frame:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return frame + crc.to_bytes(2, "little")
