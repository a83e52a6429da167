"""The tools for IEC 62056-21 and P1 against other people's, on lines that carry nothing but garbage at a wrong speed."""

import collections
import contextlib
import fcntl
import json
import os
import pty
import select
import socket
import struct
import subprocess
import tempfile
import termios
import threading
import time
import tty

from harness import PROGRAM, ROOT, ccmaster, lines, process
from iec62056_21 import messages
from iec62056_21.client import Iec6205621Client

VECTORS = ROOT / "ccm-iec62056" / "tests" / "vectors"
TCGETS2 = 0x802C542A  # the output speed is the last four of its 44 bytes
BITS = 10  # 7E1: start, seven, parity, stop
SLACK = 0.003  # what this relay knows of time: a bit at 300 Bd
REACTION = 0.02  # the third letter of ISk is small


def vector(name):
    text = (VECTORS / f"{name}.hex").read_text()
    return bytes.fromhex("".join(line for line in text.splitlines() if not line.startswith("#")))


class Line:
    """Two pseudo-terminals and the line between them: bytes take their time, and are garbage where the ends' speeds differ.

    A sender that changes its speed before its last bit has left spoils what has not arrived yet.
    """

    def __init__(self):
        self.masters, self.paths, self._slaves = [], [], []
        for _ in range(2):
            master, slave = pty.openpty()
            tty.setraw(slave)
            os.set_blocking(master, False)
            self.masters.append(master)
            self._slaves.append(slave)  # held open, so that users may come and go
            self.paths.append(os.ttyname(slave))
        self.passed, self.garbled, self.busy = [0, 0], 0, 0.0
        self._running = True
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def speed(self, end):
        # Asked of the master, Linux answers for the slave; in this form whatever way the speed was set.
        answer = fcntl.ioctl(self.masters[end], TCGETS2, bytes(44))
        return struct.unpack_from("=I", answer, 40)[0]

    def _run(self):
        queues = [collections.deque(), collections.deque()]
        free, speeds, changed = [0.0, 0.0], [0, 0], [0.0, 0.0]
        while self._running:
            ready, _, _ = select.select(self.masters, [], [], 0.0005 if any(queues) else 0.005)
            now = time.perf_counter()
            for end in range(2):
                if (speed := self.speed(end)) != speeds[end]:
                    speeds[end], changed[end] = speed, now
            for end, master in enumerate(self.masters):
                if master in ready:
                    for byte in os.read(master, 65536):
                        free[end] = max(free[end], now) + BITS / speeds[end]
                        queues[end].append((free[end], byte, speeds[end]))
                        self.busy += BITS / speeds[end]
                self._deliver(end, queues[end], now, speeds, changed)

    def _deliver(self, end, queue, now, speeds, changed):
        out = bytearray()
        while queue and queue[0][0] <= now:
            at, byte, baud = queue.popleft()
            sent = speeds[end] == baud or changed[end] > at - SLACK
            heard = speeds[1 - end] == baud and changed[1 - end] < at - BITS / baud + SLACK
            self.garbled += not (sent and heard)
            out.append(byte if sent and heard else byte * 5 + 77 & 0x7F)
        if out:
            self.passed[end] += len(out)
            os.write(self.masters[1 - end], out)

    def close(self):
        self._running = False
        self._thread.join()
        for end in self.masters + self._slaves:
            os.close(end)


@contextlib.contextmanager
def line():
    made = Line()
    try:
        yield made
    finally:
        made.close()


class Meter(threading.Thread):
    """A meter of mode C at the end of a line, whose every message is one of the PyPI package `iec62056-21`."""

    def __init__(self, path, identification, readout, reaction=REACTION):
        super().__init__(daemon=True)
        self.identification, self.readout, self.reaction = identification, readout, reaction
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
        self.heard, self.requests = b"", 0
        self.stopped = False
        self.tune(300)
        self.start()

    def tune(self, baud):
        settings = termios.tcgetattr(self.fd)
        settings[4] = settings[5] = getattr(termios, f"B{baud}")
        termios.tcsetattr(self.fd, termios.TCSADRAIN, settings)
        self.baud = baud

    def say(self, data):
        """Writes piece by piece, and is done when the last bit has left."""
        begin = time.perf_counter()
        for at in range(0, len(data), 64):
            os.write(self.fd, data[at : at + 64])
            while time.perf_counter() < begin + min(at + 64, len(data)) * BITS / self.baud:
                if select.select([self.fd], [], [], 0.002)[0]:
                    self.heard += os.read(self.fd, 64)
                if b"\x01B0\x03q" in self.heard:
                    return

    def message(self, end, patience):
        until = time.perf_counter() + patience
        while end not in self.heard and time.perf_counter() < until and not self.stopped:
            if select.select([self.fd], [], [], 0.002)[0]:
                self.heard += os.read(self.fd, 64)
        found, mark, self.heard = self.heard.partition(end)
        return found + mark if mark else b""

    def run(self):
        while not self.stopped:
            self.tune(300)
            request = self.message(b"\r\n", 3600)
            if not request.startswith(b"/?"):
                continue
            assert messages.RequestMessage.from_bytes(request).device_address == ""
            self.requests += 1
            time.sleep(self.reaction)
            self.say(self.identification.to_bytes())
            chosen = self.message(b"\r\n", 2.5)
            if not chosen.startswith(b"\x06"):
                continue
            chosen = messages.AckOptionSelectMessage.from_bytes(chosen)
            self.tune({"0": 300, "5": 9600}[chosen.baud_char])
            time.sleep(self.reaction)
            self.say(self.readout)
            self.message(b"q", 1.0)

    def stop(self):
        self.stopped = True
        self.join(10)
        os.close(self.fd)


@contextlib.contextmanager
def their_meter(text, **options):
    """Our client's end of the line, and the line."""
    identification = messages.IdentificationMessage(identification="MT171-0133", manufacturer="ISk", switchover_baudrate_char="5")
    block = messages.DataBlock([messages.DataLine.from_representation(one) for one in text])
    with line() as between:
        meter = Meter(between.paths[1], identification, messages.ReadoutDataMessage(block).to_bytes(), **options)
        try:
            yield between.paths[0], between
        finally:
            meter.stop()


def readout_lines():
    return vector("readout-iskra-mt17x").split(b"\x02")[1].split(b"!")[0].decode().splitlines()


def our_client_their_messages():
    text = readout_lines()
    with their_meter(text) as (near, between):
        begin = time.perf_counter()
        found = lines("d0", "read", "--serial", near)
        took = time.perf_counter() - begin
        busy, garbled, passed = between.busy, between.garbled, between.passed[1]
    ident = found[0]["ident"]
    assert (ident["flag"], ident["mode"], ident["baud"]) == ("ISk", "C", 9600), ident
    fault(f"writes a `\\` of its own in front of the model, which makes its first letter an escape: {ident['model']}", ident["model"] == "T171-0133")
    assert found[-1]["end"]["check"] == "ok" and found[-1]["end"]["sets"] >= len(text), found[-1]
    assert garbled == 0, f"{garbled} bytes were garbage"
    value = next(one for one in found if one.get("code") == "1-0:1.8.0*255")
    assert value == {"code": "1-0:1.8.0*255", "value": "8048.375", "unit": "kWh", "text": "0008048.375*kWh"}, value
    print(f"  readout of {passed} bytes, 300 to 9600 Bd in real time: {took:.2f} s, {took / busy:.3f} times the line's {busy:.2f} s (at most 1.05)")
    assert took <= 1.05 * busy
    with their_meter(text) as (near, between):
        begin = time.perf_counter()
        found = lines("d0", "read", "--serial", near, "--codes", "1.8.0,2.8.0")
        took, passed = time.perf_counter() - begin, between.passed[1]
    assert [one["code"] for one in found[1:-1]] == ["1-0:1.8.0*255", "1-0:2.8.0*255"], found
    assert passed < 1500, f"{passed} bytes"
    print(f"  two codes of it: {took:.2f} s, {passed} bytes")
    with their_meter(text[:20]) as (near, between):
        late = lines("d0", "read", "--serial", near, "--switch-delay", "400ms", "--strict")
        assert not late[-1].get("end") and between.garbled > 100, late[-1]
    print(f"  a change 400 ms too late: {between.garbled} bytes of garbage, {late[-1]['error']}: the line enforces its speed")


IMAGE = """
password = "00000000"
lines = ["F.F(00)", "0.0.0(12345678)", "1.8.0(0012345.678*kWh)", "1.6.0(03.214*kW)(2602281815)", "C.1.0(/CCM-42)"]
"""


@contextlib.contextmanager
def our_meter(*options, place="--tcp", where="127.0.0.1:0", image=IMAGE):
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
        file.write(image)
        file.flush()
        command = [PROGRAM, "d0", "serve", place, where, "--image", file.name, *options]
        with process(*command, ready="a meter", stderr=subprocess.DEVNULL) as child:
            yield child.said.split()[-1]


def our_client_our_meter():
    for options in (["--mode", "b"], [], ["--mode", "e"]):
        with line() as between:
            with our_meter(*options, place="--serial", where=between.paths[1]):
                found = lines("d0", "read", "--serial", between.paths[0])
        assert found[-1] == {"end": {"check": "ok", "sets": 5}} and between.garbled == 0, (options, found, between.garbled)
    print("  our meter's modes B, C and E on such a line: no byte of garbage")


def their_client_our_meter():
    with our_meter() as address:
        host, port = address.rsplit(":", 1)
        client = Iec6205621Client.with_tcp_transport((host, int(port)))
        client.connect()
        data = client.standard_readout().data
        found = {one.address: (one.value, one.unit) for one in data}
        assert found["1.8.0"] == ("0012345.678", "kWh") and found["0.0.0"] == ("12345678", None), found
        print(f"  iec62056-21 0.0.2 reads {len(data)} values over TCP")
        fault("1.6.0(..)(..): the time of a demand is a value without a code", None in found)
        fault(f"the first character of the model is lost: {client.identification!r}", client.identification == "IM-62056")
        client.disconnect()
    with our_meter() as address:
        host, port = address.rsplit(":", 1)
        client = Iec6205621Client.with_tcp_transport((host, int(port)))
        client.connect()
        client.access_programming_mode()
        fault("send_password raises TypeError", raises(TypeError, client.send_password))
        client.rest()
        password = messages.CommandMessage("P", 1, messages.DataSet(address="", value="00000000"))
        client.transport.send(password.to_bytes())
        assert client._recv_ack() == "\x06"
        client.rest()
        value = client.read_single_value("1.8.0")
        assert (value.value, value.unit) == ("0012345.678", "kWh"), value
        client.rest()
        client.write_single_value("0.0.0", "87654321")
        client.rest()
        assert client.read_single_value("0.0.0").value == "87654321"
        print("  with the password by hand it reads and writes a register")
        client.disconnect()
    with our_meter("--quirk", "wrong-bcc-twice") as address:
        host, port = address.rsplit(":", 1)
        client = Iec6205621Client.with_tcp_transport((host, int(port)))
        client.connect()
        fault("a wrong check character raises in place of a repetition", raises(Exception, client.standard_readout))
        client.disconnect()
    with line() as between, our_meter(place="--serial", where=between.paths[1]):
        client = Iec6205621Client.with_serial_transport(between.paths[0])
        client.transport.timeout = 3
        client.connect()
        fault("changes its speed half a second late: nothing comes on a line with a speed", raises(Exception, client.standard_readout))


def fault(words, is_so):
    print(f"  known fault of iec62056-21 0.0.2: {words}" if is_so else f"  no longer a fault of iec62056-21: {words}")


def raises(kind, work):
    try:
        work()
    except kind:
        return True
    return False


P1 = (
    ("p1-v2.2-gas-on-two-lines", "V2_2", ["--quirk", "p1-v3"]),
    ("p1-v4.2-kaifa", "V4", []),
    ("p1-v5-three-phase", "V5", []),
    ("p1-v5-two-mbus", "V5", []),
    ("p1-belgium-fluvius", "BELGIUM_FLUVIUS", []),
    ("p1-luxembourg-watts", "LUXEMBOURG_SMARTY", []),
    ("p1-hungary-eon", "EON_HUNGARY", []),
)


def dsmr_parser_our_meter():
    from dsmr_parser import telegram_specifications
    from dsmr_parser.parsers import TelegramParser

    for name, version, options in P1:
        text = vector(name).decode("latin-1").replace("\r\n", "\n")
        head, body = text[text.index("/") :].split("\n", 1)
        sets = [one for one in body.split("!")[0].splitlines() if one]
        image = f"identification = {json.dumps(head[1:])}\nlines = {json.dumps(sets)}\n"
        with our_meter("--mode", "p1", "--every", "1s", *options, image=image) as address:
            telegram = one_telegram(address)
        parser = TelegramParser(getattr(telegram_specifications, version))
        objects = parser.parse(telegram, throw_ex=True)
        known = sum(1 for _ in objects)
        assert known >= 5, (name, known)
        print(f"  dsmr-parser 1.11.2 as {version:17}: {known:2} objects of {len(sets)} data sets")


def one_telegram(address):
    host, port = address.rsplit(":", 1)
    heard = b""
    with socket.create_connection((host, int(port)), 5) as peer:
        while b"!" not in heard or not heard.endswith(b"\r\n"):
            heard += peer.recv(4096)
    return heard.decode("latin-1")


def misuse():
    for code, arguments in (
        (2, ["d0", "read"]),
        (2, ["d0", "serve", "--pty", "--quirk", "nobody"]),
        (1, ["d0", "read", "--serial", "/dev/no-such-port"]),
    ):
        done = ccmaster(*arguments)
        said = done.stderr.strip().splitlines()
        assert done.returncode == code and len(said) == 1 and said[0].startswith("error: "), (arguments, done)


def d0():
    """Optical heads and P1 ports: our client and our meter against other people's, and lines that enforce their speed."""
    for test in (our_client_their_messages, our_client_our_meter, their_client_our_meter, dsmr_parser_our_meter, misuse):
        test()


if __name__ == "__main__":
    d0()
