"""A scripted slave: every register holds its own address, and one reply goes wrong in a named way.

Run by itself it serves one case on a serial line: slave.py PATH CASE
"""

import os
import select
import sys
import time


def crc(data):
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return bytes((value & 0xFF, value >> 8))


def framed(*message):
    return bytes(message) + crc(bytes(message))


def answer(request, short=0, unit=None, value=None):
    start, quantity = int.from_bytes(request[2:4]), int.from_bytes(request[4:6]) - short
    registers = b"".join((value if value is not None else start + n).to_bytes(2) for n in range(quantity))
    message = bytes((unit or request[0], request[1], 2 * quantity)) + registers
    return message + crc(message)


class Slave:
    """What the n-th request (from 0) gets; the anomaly befalls the first."""

    def __init__(self, send, case):
        self.send, self.case, self.count, self.kept = send, case, 0, []

    def serve(self, request):
        number, self.count = self.count, self.count + 1
        good = answer(request)
        if self.case == "G-one-behind":
            self.kept.append(good)
            if number:
                self.send(self.kept.pop(0))
            return
        if self.case == "G-at-once" and number == 1:
            self.send(self.kept.pop())
        if number:
            return self.send(good)
        match self.case:
            case "A": self.send(good)
            case "B": self.send(b"\0" + good)
            case "C": self.send(b"\1" + good)
            case "D": self.send(request + good)
            case "E": self.send(answer(request, unit=2, value=99)), self.later(0.03, good)
            case "F": self.send(good[:-1] + bytes((good[-1] ^ 0x55,)))
            case "G-at-once" | "G-lost": self.kept.append(good)
            case "G-late": self.later(0.64, good)
            case "H": self.send(answer(request, short=1))
            case "I": self.send(good[:4]), self.later(0.02, good[4:])
            case "J": self.send(framed(request[0], request[1] | 0x80, 0x0B))
            case "K": self.send(good + b"\0")
            case "L": self.send(b"\xff\xff" + good)
            case "M": self.send(good[:4]), self.later(0.05, good)
            case "doubled": self.send(good + good)

    def later(self, seconds, data):
        time.sleep(seconds)
        self.send(data)


class Paced(Slave):
    """Answers as fast as 9600 baud and a turnaround of 5 ms allow."""

    def __init__(self, send, case):
        super().__init__(send, case)
        self.count = 1

    def serve(self, request):
        asked = time.perf_counter()
        reply = self.reply(request)
        end = asked + (len(request) + len(reply)) * 10 / 9600 + 0.005
        while (left := end - time.perf_counter()) > 0:
            time.sleep(max(left - 0.0002, 0))
        self.send(reply)

    @staticmethod
    def reply(request):
        return answer(request)


class Units(Paced):
    """The same for many units, whose registers can be written to without an effect. Unit 30 is dead until unit 29 is
    written to."""

    DEAD, WAKES = 30, 29

    def serve(self, request):
        if (request[0], request[1]) == (self.WAKES, 6):
            self.DEAD = None
        if request[0] != self.DEAD:
            super().serve(request)

    @staticmethod
    def reply(request):
        return request if request[1] == 6 else answer(request)


CASES = "A B C D E F G-at-once G-late G-one-behind G-lost H I J K L M doubled".split()


def main(path, case, kind=Slave):
    line = os.open(path, os.O_RDWR | os.O_NOCTTY)
    kind = {"paced": Paced, "units": Units}.get(case, kind)
    slave, held = kind(lambda data: os.write(line, data), case), b""
    print("ready", flush=True)
    while True:
        select.select([line], [], [])
        held += os.read(line, 256)
        while len(held) >= 8:
            request, held = held[:8], held[8:]
            slave.serve(request)


if __name__ == "__main__":
    main(*sys.argv[1:], kind=Paced if sys.argv[2] == "paced" else Slave)
