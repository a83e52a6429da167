"""The sniffer between our client and pymodbus, and between ours and ours: every frame, its direction, the counters, and
what tshark says of the file.

A tap stands in the line: it passes all bytes on, as slowly as 9600 baud, and copies both directions to a third line, on
which the sniffer listens.
"""

import contextlib
import json
import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import tempfile
import threading
import time
import tty

from harness import PROGRAM, PYTHON, lines, process, values
from slave import crc

HERE = pathlib.Path(__file__).resolve().parent
CHARACTER = 10 / 9600
IMAGE = "holding = [{ address = 0, values = [10, 20, 30, 40] }]\ncoils = [{ address = 0, values = [1, 0, 1] }]\n"
TSHARK = ["-o", "mbrtu.tcp.port:502", "-o", "mbrtu.crc_verification:TRUE"]


class Tap:
    """Two ends of a line, and a third that hears both. `spoil` changes what the server says."""

    def __init__(self):
        self.ends = [pty.openpty() for _ in range(3)]
        for _, near in self.ends:
            tty.setraw(near)
        self.client, self.server, self.ear = (os.ttyname(near) for _, near in self.ends)
        self.spoil, self.from_ear, self.ends_now = lambda data: data, b"", False
        self.thread = threading.Thread(target=self.relay)
        self.thread.start()

    def relay(self):
        client, server, ear = (far for far, _ in self.ends)
        while not self.ends_now:
            for source in select.select([client, server, ear], [], [], 0.05)[0]:
                if source == ear:
                    self.from_ear += os.read(ear, 256)
                    continue
                data = os.read(source, 256)
                if source == server:
                    # A frame that comes in pieces is one: what follows at once belongs to it.
                    while select.select([server], [], [], 0.01)[0]:
                        data += os.read(server, 256)
                    data = self.spoil(data)
                self.copy(data, server if source == client else client, ear)

    @staticmethod
    def copy(data, to, ear):
        for at in range(0, len(data), 4):
            piece = data[at:at + 4]
            time.sleep(len(piece) * CHARACTER)
            os.write(to, piece)
            os.write(ear, piece)

    def close(self):
        self.ends_now = True
        self.thread.join()
        for end in sum(self.ends, ()):
            os.close(end)


@contextlib.contextmanager
def tap():
    line = Tap()
    try:
        yield line
        assert line.from_ear == b"", f"the sniffer sent {line.from_ear!r}"
    finally:
        line.close()


@contextlib.contextmanager
def sniffer(line, *options):
    """Gives a list that is filled, once Ctrl-C was pressed, with the objects that were printed."""
    command = [PROGRAM, "modbus", "sniff", "--rtu", line.ear, "--json", *options]
    child = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert "listening" in child.stderr.readline()
        printed = []
        yield printed
        time.sleep(0.6)
        child.send_signal(signal.SIGINT)
        printed += [json.loads(text) for text in child.communicate(timeout=10)[0].splitlines()]
        assert child.returncode == 0, child.returncode
    finally:
        child.kill()
        child.wait()


def of(printed, *events):
    return [entry for entry in printed if entry["event"] in events]


def tshark(path, *options):
    command = ["tshark", "-r", path, *TSHARK, *options]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def dissected(path):
    """Of each frame: unit, function, whether the checksum is right."""
    fields = ["-T", "fields", "-e", "mbrtu.unit_id", "-e", "modbus.func_code", "-e", "mbrtu.crc16.status"]
    return [tuple(map(int, line.split("\t"))) for line in tshark(path, *fields)]


def sniffing():
    """A tap on the line: every request and reply in order, counters, tshark's opinion, nothing sent."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "image.toml").write_text(IMAGE)
        for name in ("pymodbus", "our server"):
            with tap() as line, server(name, line, folder):
                # pymodbus answers for units that are not there, so nobody is silent on its line.
                dialogue(line, folder, silent=name != "pymodbus")
            print(f"  {name}: all frames in order, their directions, the counters; tshark agrees")
        with tap() as line, server("our server", line, folder):
            spoilt(line, folder)
        with tap() as line, server("our server", line, folder):
            people(line)


@contextlib.contextmanager
def server(name, line, folder):
    if name == "pymodbus":
        with process(PYTHON, HERE / "peers.py", "pymodbus", "rtu", line.server, ready="ready", stderr=subprocess.DEVNULL):
            time.sleep(0.5)  # it says it is ready before it has opened its port
            yield
    else:
        command = [PROGRAM, "-q", "modbus", "serve", "--rtu", line.server, "--unit", 1, "--image", folder / "image.toml"]
        with process(*command, ready="serving"):
            yield


def dialogue(line, folder, silent):
    """Reads, writes, a refusal, a unit that is not there."""
    path = folder / "bus.pcap"
    place = ["--rtu", line.client, "--unit", 1, "--echo", "off"]
    with sniffer(line, "--pcap", path) as printed:
        assert values(*place, "--holding", 0, "--coil", 0, "--count", 3)[0]
        assert lines("modbus", "write", *place, "--holding", "1=777")[0]["ok"]
        assert lines("modbus", "write", *place, "--holding", "1=5,6", "--coil", "2=1")[0]["ok"]
        assert values(*place, "--holding", 5000) == ["exception"]
        if silent:
            assert values("--rtu", line.client, "--unit", 9, "--timeout", "300ms", "--holding", 0) == ["timeout"]
        assert values(*place, "--holding", 1, "--count", 2) == [[5, 6]]
    frames = of(printed, "request", "reply", "stray", "unanswered", "noise")
    told = [(entry["event"], entry["unit"], entry["function"]) for entry in frames]
    pair = lambda function: [("request", 1, function), ("reply", 1, function)]
    lonely = [("request", 9, 3), ("unanswered", 9, 3)] if silent else []
    assert told == [*pair(3), *pair(1), *pair(6), *pair(16), *pair(5), *pair(3), *lonely, *pair(3)], told
    assert (frames[-1]["address"], frames[-1]["values"]) == (1, [5, 6]), frames[-1]
    assert frames[11]["exception"] == 2 and frames[4]["values"] == [777], frames
    for entry in of(printed, "request", "reply"):
        data = bytes.fromhex(entry["bytes"])
        assert crc(data[:-2]) == data[-2:], entry
    times = [entry["after_us"] for entry in of(printed, "reply")]
    assert len(times) == 7 and all(0 < time < 200_000 for time in times), times
    counters(printed, times, silent)
    found = dissected(path)
    assert found == [(entry["unit"], entry["function"], 1) for entry in of(printed, "request", "reply")], found
    assert not tshark(path, "-Y", "_ws.malformed || mbrtu.crc16.incorrect")
    said = tshark(path)
    directions = ["reply" if "Response" in text else "request" if "Query" in text else text for text in said]
    assert directions == [entry["event"] for entry in of(printed, "request", "reply")], said


def counters(printed, times, silent):
    one, *others = of(printed, "unit")
    assert [one[key] for key in ("unit", "requests", "replies", "exceptions", "unanswered", "errors", "strays")] == [1, 7, 6, 1, 0, 0, 0], one
    silence = [[other[key] for key in ("unit", "requests", "replies", "unanswered")] for other in others]
    assert silence == ([[9, 1, 0, 1]] if silent else []), others
    assert one["max_us"] == max(times) and abs(one["p50_us"] - sorted(times)[3]) <= sorted(times)[3] / 16, (one, times)
    [bus] = of(printed, "bus")
    assert (bus["messages"], bus["requests"], bus["unanswered"], bus["noise_bytes"]) == (14 + silent, 7 + silent, silent, 0), bus
    assert bus["bytes"] == sum(len(entry["bytes"]) // 2 for entry in of(printed, "request", "reply")), bus
    busy = bus["bytes"] * 1042 * 1000 // bus["duration_us"]
    assert abs(bus["load_permille"] - busy) <= 1, (bus, busy)


def spoilt(line, folder):
    """One reply is spoilt on purpose: counted once, where it was waited for, and tshark finds just that one."""
    path = folder / "spoilt.pcap"
    place = ["--rtu", line.client, "--unit", 1, "--timeout", "300ms", "--holding", 0]
    with sniffer(line, "--pcap", path) as printed:
        assert values(*place) == [[10]]
        line.spoil = lambda data: data[:3] + bytes((data[3] ^ 0x10,)) + data[4:]
        assert values(*place) == ["frame"]
        line.spoil = lambda data: data
        assert values(*place) == [[10]]
    told = [entry["event"] for entry in of(printed, "request", "reply", "noise", "unanswered", "stray")]
    assert told == ["request", "reply", "request", "noise", "unanswered", "request", "reply"], told
    [one], [bus] = of(printed, "unit"), of(printed, "bus")
    assert (one["errors"], one["unanswered"], one["replies"]) == (1, 1, 2), one
    assert (bus["errors"], bus["noise_bytes"]) == (1, 7), bus
    assert [good for _, _, good in dissected(path)] == [1, 1, 1, 0, 1, 1]
    assert len(tshark(path, "-Y", "mbrtu.crc16.incorrect")) == 1
    print("  a reply spoilt on purpose: 1 error of 7 bytes, of unit 1; tshark finds 1 wrong checksum in 6 frames")


def people(line):
    """The text for people, a broadcast, and an end by itself."""
    place = ["--rtu", line.client, "--echo", "off", "--unit"]
    command = [PROGRAM, "modbus", "sniff", "--rtu", line.ear, "--duration", "3s"]
    child = subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert "listening" in child.stderr.readline()
        assert lines("modbus", "write", *place, 0, "--holding", "0=11")[0]["ok"]
        assert values(*place, 1, "--holding", 0, "--count", 2) == [[11, 20]]
        text = child.communicate(timeout=20)[0]
    finally:
        child.kill()
        child.wait()
    assert child.returncode == 0
    for expected in (
        r"request  all  write single register \(6\) 0 = 11$",
        r"request    1  read holding registers \(3\) 0 to 1$",
        r"reply      1  read holding registers \(3\) 0 = 11 20  \[\d+\.\d ms\]$",
        r"^   1         1        1          0         0        0       0 ",
        r"^bus: \d+\.\d % busy in 3\.\d s; 3 messages, 1 of them to all units; 0 garbled, 0 bytes of noise$",
    ):
        assert re.search(expected, text, re.M), (expected, text)
    print("  a broadcast, the text for people, the end after --duration; nothing was ever sent to the port")
