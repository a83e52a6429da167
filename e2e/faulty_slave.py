"""A slave whose replies keep going wrong, at the pace of 9600 baud: every register holds its own address.

Run by itself it serves one fault on a serial line: faulty_slave.py PATH FAULT
"""

import sys
import time

from slave import Paced, answer, framed, main

FAULTS = {
    "dropped": "every 3rd reply lost",
    "checksum": "every 3rd checksum bad",
    "noise": "a noise byte before every 3rd reply",
    "echo": "every request echoed",
    "cut": "every 3rd reply cut short",
    "foreign": "another unit's reply first, once",
    "late": "every 3rd reply 140 ms late",
    "late-once": "one reply 140 ms late",
    "halves": "every reply in two halves, 30 ms apart",
    "held": "two replies held back, the first an exception",
    "again": "one reply sent again 30 ms later",
    "two": "two units at the same address, the other 30 ms later",
}


class Faulty(Paced):
    """Answers in order, as a slave does that finds its requests in a UART's buffer: also what comes while it is late."""

    def __init__(self, send, fault):
        super().__init__(self.spoil, fault)
        self.line, self.count = send, 0

    def serve(self, request):
        self.request, self.count = request, self.count + 1
        super().serve(request)

    def spoil(self, good):
        third, once = self.count % 3 == 0, self.count == 3
        match self.case:
            case "dropped" if third: pass
            case "checksum" if third: self.line(good[:-1] + bytes((good[-1] ^ 0x55,)))
            case "noise" if third: self.line(b"\1" + good)
            case "echo": self.line(self.request + good)
            case "cut" if third: self.line(good[:12])
            case "foreign" if once: self.line(answer(self.request, unit=2, value=0x7F7F)), self.after(0.03, good)
            case "late" if third: self.after(0.3, good)
            case "late-once" if once: self.after(0.3, good)
            case "halves": self.line(good[:12]), self.after(0.03, good[12:])
            case "held" if self.count in (3, 4): self.kept.append(good)
            case "held" if self.count == 5: self.release(good)
            case "again" if once: self.line(good), self.after(0.03, good)
            case "two": self.line(good), self.after(0.03, answer(self.request, value=0x7F7F))
            case _: self.line(good)

    def release(self, good):
        """All in the order in which it was asked."""
        self.line(framed(self.request[0], self.request[1] | 0x80, 0x0B))
        self.after(0.05, self.kept[1])
        self.after(0.02, good)

    def after(self, seconds, data):
        time.sleep(seconds)
        self.line(data)


if __name__ == "__main__":
    main(*sys.argv[1:], kind=Faulty)
