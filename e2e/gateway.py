"""The gateway under load, on a line as slow as 9600 baud: prints what it measures and asserts the bars.

Run by itself it is all of that, or the load of other clients: gateway.py load PORT
"""

import contextlib
import json
import os
import pathlib
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

from harness import PROGRAM, PYTHON, free_port, process, serial_line, wait_for, wait_for_port
from slave import Units

HERE = pathlib.Path(__file__).resolve().parent


class Client:
    """A client that sees what is really sent: raw requests, several at once if wanted."""

    def __init__(self, port, timeout=5):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.transaction, self.held = 0, b""

    def send(self, unit, *pdus, protocol=0):
        frames = b""
        for pdu in pdus:
            self.transaction = self.transaction % 65535 + 1
            frames += struct.pack(">HHHB", self.transaction, protocol, len(pdu) + 1, unit) + pdu
        self.socket.sendall(frames)

    def receive(self):
        """The transaction and the PDU of the next answer."""
        while len(self.held) < 6 or len(self.held) < 6 + int.from_bytes(self.held[4:6]):
            more = self.socket.recv(65536)
            if not more:
                raise ConnectionError("the gateway closed the connection")
            self.held += more
        length = 6 + int.from_bytes(self.held[4:6])
        frame, self.held = self.held[:length], self.held[length:]
        return int.from_bytes(frame[:2]), frame[7:]

    def ask(self, unit, pdu):
        self.send(unit, pdu)
        transaction, answer = self.receive()
        assert transaction == self.transaction
        return answer

    def read(self, unit, start, count):
        """Registers that hold their own address, or the exception's code."""
        answer = self.ask(unit, read(start, count))
        if answer[0] & 0x80:
            return answer[1]
        assert answer == value(start, count), f"a wrong value for {start}: {answer.hex()}"
        return None

    def is_closed(self):
        with contextlib.suppress(ConnectionError):
            return self.socket.recv(1) == b""
        return True

    def close(self):
        self.socket.close()


def read(start, count, code=3):
    return struct.pack(">BHH", code, start, count)


def value(start, count):
    return bytes((3, 2 * count)) + b"".join(n.to_bytes(2) for n in range(start, start + count))


@contextlib.contextmanager
def gateway_on(path, *options, units="1-30"):
    port = free_port()
    command = [PROGRAM, "-q", "modbus", "gateway", "--listen", f"127.0.0.1:{port}", "--route", f"{units}={path}", *options]
    with process(*command, ready="gateway on") as child:
        yield port, child


@contextlib.contextmanager
def paced_gateway(*options):
    """A gateway on a line of 9600 baud with 30 units; unit 30 is dead."""
    with serial_line() as (near, far), process(PYTHON, HERE / "slave.py", far, "units", ready="ready"):
        with gateway_on(near, *options) as (port, child):
            yield port, child


def good_client(port, seconds, unit=1, count=10, base=0):
    """Reads as fast as it is answered: how long each took."""
    client, times, end = Client(port), [], time.perf_counter() + seconds
    while (begin := time.perf_counter()) < end:
        assert client.read(unit, base + len(times) % 50, count) is None
        times.append(time.perf_counter() - begin)
    client.close()
    return times


def percentile(times, part):
    return sorted(times)[min(int(len(times) * part), len(times) - 1)] * 1000


def rate_of(port, seconds=8):
    good_client(port, 0.5)
    begin = time.perf_counter()
    times = good_client(port, seconds)
    rate = len(times) / (time.perf_counter() - begin)
    return rate, f"{rate:.1f} reads/s, p50/p99 {percentile(times, 0.5):.1f}/{percentile(times, 0.99):.1f} ms"


def one_client():
    """Ten registers, 5 ms turnaround: 23.2 reads/s are possible."""
    with paced_gateway() as (port, _):
        rate, text = rate_of(port)
    print(f"    ours: {text}")
    assert rate >= 22, "at least 22 of 23.2 reads/s"


def peer_gateway():
    """The same figure of another gateway, for comparison."""
    port = free_port()
    program = PYTHON.parent / "mbtcp-tcp2rtu"
    with serial_line() as (near, far), process(PYTHON, HERE / "slave.py", far, "units", ready="ready"):
        with process(program, "-H", "127.0.0.1", "-p", port, near, stderr=subprocess.DEVNULL):
            wait_for_port(port)
            print(f"    pyModbusTCP-cli's mbtcp-tcp2rtu: {rate_of(port)[1]}")


def fairness():
    """32 clients that all read as fast as they are answered, each other registers."""
    counts, times = {}, []

    def work(number):
        found = good_client(port, 13, count=1, base=100 * number)
        counts[number] = len(found)
        times.extend(found)

    with paced_gateway("--deadline", "10s") as (port, _):
        threads = [threading.Thread(target=work, args=(number,)) for number in range(32)]
        begin = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seconds = time.perf_counter() - begin
    fewest, most = min(counts.values()), max(counts.values())
    print(f"    {sum(counts.values()) / seconds:.1f} reads/s of one register; each client {fewest} to {most}: {fewest / most:.2f};"
          f" p50/p99 {percentile(times, 0.5):.0f}/{percentile(times, 0.99):.0f} ms")
    assert len(counts) == 32 and fewest / most >= 0.9


def hostile_clients():
    """32 idle clients, 8 slow ones and 1,000 bad requests/s beside a good client."""
    with paced_gateway("--max-clients", 64) as (port, child):
        open_files = files(child)
        # The machine does other things, too: the best of three.
        for _ in range(3):
            alone = percentile(good_client(port, 8), 0.99)
            with process(PYTHON, HERE / "gateway.py", "load", port, ready="loading") as load:
                busy = percentile(good_client(port, 8), 0.99)
                load.terminate()
                sent = json.loads(load.stdout.readline())
            print(f"    p99 alone {alone:.1f} ms, with them {busy:.1f} ms: {busy / alone:.2f} times; {sent['rate']:.0f} bad requests/s,"
                  f" {sent['answered']} answered, {sent['closed']} connections closed")
            assert sent["rate"] > 900 and sent["closed"] > 0
            wait_for(lambda: files(child) <= open_files, 5, "all connections closed")
            if busy <= 1.2 * alone:
                return
        raise AssertionError("the good client's p99 must stay within 1.2 times")


def files(child):
    return len(os.listdir(f"/proc/{child.pid}/fd"))


def dead_unit():
    """Somebody asks a dead unit all the time: what that costs the others, and when it is found again."""
    running = True

    def insist():
        client = Client(port)
        while running:
            client.ask(Units.DEAD, read(0, 1))
            time.sleep(0.05)

    with paced_gateway() as (port, _):
        good_client(port, 0.5)
        alone = len(good_client(port, 5)) / 5
        thread = threading.Thread(target=insist)
        thread.start()
        time.sleep(2.5)
        # As long as it rests, so that it is asked once in this time.
        with_it = len(good_client(port, 16)) / 16
        running = False
        thread.join()
        client = Client(port)
        assert client.ask(Units.WAKES, b"\x06\0\0\0\1")[0] == 6
        awake = time.perf_counter()
        wait_for(lambda: client.read(Units.DEAD, 0, 1) is None, 30, "the unit again")
        found = time.perf_counter() - awake
    print(f"    {alone:.1f} reads/s without, {with_it:.1f} with it: {(1 - with_it / alone) * 100:.1f} % less; found {found:.1f} s after it woke")
    assert with_it >= 0.95 * alone


def load(port):
    """Until it is terminated: idle clients, slow ones, bad requests; then says how many."""
    import signal

    running = True

    def stop(*_):
        nonlocal running
        running = False

    signal.signal(signal.SIGTERM, stop)
    idle = [Client(port) for _ in range(32)]
    dribbling = [Client(port) for _ in range(4)]
    deaf = [Client(port) for _ in range(4)]
    bad = [Client(port) for _ in range(4)]
    count, answered, closed, begin = 0, 0, 0, time.perf_counter()
    print("loading", flush=True)
    while running:
        # Behind or not, never more than a few at once: a thousand a second, not a thousand at the end of it.
        for _ in range(min(int((time.perf_counter() - begin) * 1000) - count, 5)):
            client, pdu = bad[count % 4], BAD[count % len(BAD)]
            client.send(1 if count % 3 else 200, pdu)
            client.receive()
            count, answered = count + 1, answered + 1
        if count % 1000 == 0:
            for client in dribbling:
                client.socket.sendall(b"\0")
        for number, client in enumerate(deaf):
            client.socket.setblocking(False)
            try:
                client.send(1, *[BAD[0]] * 10)
            except OSError:
                client.close()
                deaf[number], closed = Client(port), closed + 1
        if count % 100 == 0:
            with contextlib.closing(Client(port)) as garbage:
                garbage.socket.sendall(b"GET / HTTP/1.1\r\n\r\n")
                closed += garbage.is_closed()
        time.sleep(0.001)
    rate = count / (time.perf_counter() - begin)
    print(json.dumps({"rate": rate, "answered": answered, "closed": closed}), flush=True)
    assert len(idle) == 32


# Too many registers, none, beyond the end, half a request, a coil that is neither on nor off.
BAD = [read(0, 126), read(0, 0), read(65535, 2), b"\x03\0", b"\x05\0\0\x12\x34"]


def memory():
    """A million requests, refused or from the cache: the memory stays what it was."""
    with paced_gateway("--cache", "600s") as (port, child):
        client = Client(port)
        assert client.read(1, 7, 10) is None
        begin, before = 0, 0
        for batch in range(-100, 2000):
            if batch == 0:
                begin, before = time.perf_counter(), resident(child)
            pdus = [BAD[n % len(BAD)] if n % 2 else read(7, 10) for n in range(500)]
            client.send(1, *pdus)
            for pdu in pdus:
                answer = client.receive()[1]
                assert answer == value(7, 10) if pdu == read(7, 10) else answer[0] == pdu[0] | 0x80
        seconds, after = time.perf_counter() - begin, resident(child)
    print(f"    {before} KiB before, {after} KiB after 1,000,000 requests, {1_000_000 / seconds:.0f} a second")
    assert after - before <= 1024, "at most 1 MiB more"


def resident(child):
    status = pathlib.Path(f"/proc/{child.pid}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1])


def codes():
    """0A without a route, 0B without a reply, 06 when a share is full, 01 where nothing may pass."""
    with paced_gateway("--deny", "8,0x2B") as (port, _):
        client = Client(port)
        for unit in (0, 31, 247, 248, 255):
            assert client.ask(unit, read(0, 1)) == b"\x83\x0a", unit
        assert client.ask(1, b"\x08\0\0\0\0") == b"\x88\x01"
        assert client.ask(1, b"\x2b\x0e\x01\0") == b"\xab\x01"
        for pdu, code in zip(BAD, (3, 3, 2, 3, 3)):
            assert client.ask(1, pdu) == bytes((pdu[0] | 0x80, code)), pdu
        assert client.ask(1, b"\x06\0\x05\0\x09") == b"\x06\0\x05\0\x09"
        silent = [timed(client, Units.DEAD) for _ in range(5)]
        print("    a dead unit: 0B after", ", ".join(f"{seconds * 1000:.0f}" for seconds in silent), "ms")
        assert all(0.5 <= seconds < 0.65 for seconds in silent[:3]) and all(seconds < 0.05 for seconds in silent[3:])
        pipelined(port)
        not_modbus(port)
        vanished(port)
    with paced_gateway("--deadline", "500ms") as (port, _):
        late(port)
    with paced_gateway("--read-only", "--broadcast") as (port, _):
        client = Client(port)
        assert client.ask(1, b"\x06\0\x05\0\x09") == b"\x86\x01"
        assert client.ask(0, b"\x06\0\x05\0\x09") == b"\x86\x01"
        assert client.ask(255, read(0, 1)) == b"\x83\x0a"
        assert client.read(1, 5, 2) is None
    with paced_gateway("--broadcast", "--max-clients", 2) as (port, _):
        client, other = Client(port), Client(port)
        assert client.ask(0, b"\x06\0\x05\0\x09") == b"\x06\0\x05\0\x09"
        assert Client(port).is_closed(), "there are two already"
        other.close()
        wait_for(lambda: Client(port).read(1, 5, 2) is None, 2, "room for another client")
    with paced_gateway("--allow", "192.0.2.0/24", "--allow", "::1") as (port, _):
        assert Client(port).is_closed(), "127.0.0.1 is not on the list"


def timed(client, unit):
    begin = time.perf_counter()
    assert client.ask(unit, read(0, 1)) == b"\x83\x0b"
    return time.perf_counter() - begin


def pipelined(port):
    """20 requests at once: 16 wait and are answered each by its own value, 4 are too many."""
    client = Client(port)
    client.send(2, *(read(10 * n, 2) for n in range(20)))
    answers = dict(client.receive() for _ in range(20))
    good = [answers[n + 1] == value(10 * n, 2) for n in range(20)]
    busy = [answer == b"\x83\x06" for answer in answers.values()]
    print(f"    20 at once: {sum(good)} answered, {sum(busy)} told to come later")
    # While they come in, the first may have left the queue already.
    assert sum(good) + sum(busy) == 20 and sum(good) in (16, 17)


def vanished(port):
    """What a client that has gone wanted is not asked any more."""
    client, other = Client(port), Client(port)
    client.send(2, *(read(n, 100) for n in range(16)))
    time.sleep(0.05)
    client.close()
    begin = time.perf_counter()
    assert other.read(3, 0, 1) is None
    seconds = time.perf_counter() - begin
    print(f"    behind a client that went with 16 long reads: {seconds * 1000:.0f} ms")
    assert seconds < 0.5


def late(port):
    """What cannot be asked before its deadline is told so, then."""
    client, begin = Client(port), time.perf_counter()
    client.send(2, *(read(n, 100) for n in range(16)))
    answers = [client.receive()[1] for _ in range(16)]
    seconds = time.perf_counter() - begin
    expired = answers.count(b"\x83\x0b")
    print(f"    16 long reads, 500 ms: {16 - expired} answered, {expired} told that it was too late; all after {seconds * 1000:.0f} ms")
    assert 1 <= 16 - expired <= 3 and seconds < 0.8


def not_modbus(port):
    """Another protocol is dropped, and what follows is answered; a length that cannot be closes the connection."""
    client = Client(port)
    client.send(1, read(0, 1), protocol=1)
    client.socket.sendall(b"\0\1\0\0\0\0" + b"\0\2\0\0\0\1\x01")
    assert client.read(1, 3, 1) is None
    client.socket.sendall(b"\0\1\0\0\0\xff")
    assert client.is_closed()


def unplugged():
    """The adapter vanishes and returns under the gateway."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        near, far = (os.path.join(folder, name) for name in ("near", "far"))

        @contextlib.contextmanager
        def plugged():
            with process("socat", f"pty,raw,echo=0,link={near}", f"pty,raw,echo=0,link={far}", stderr=subprocess.DEVNULL):
                wait_for(lambda: os.path.exists(near) and os.path.exists(far), 5, "the line")
                with process(PYTHON, HERE / "slave.py", far, "units", ready="ready"):
                    yield

        with plugged():
            port, child = stack.enter_context(gateway_on(near))
            client = Client(port)
            assert client.read(1, 0, 10) is None
            client.send(1, read(0, 125))  # takes 0.3 s: the adapter goes in the middle of it
            time.sleep(0.1)
            gone = time.perf_counter()
        assert client.receive()[1] == b"\x83\x0b"
        first = time.perf_counter() - gone
        later = max(timed(client, 1) for _ in range(20))
        busy = cpu(child)
        time.sleep(2)
        busy = (cpu(child) - busy) / 2 * 100
        print(f"    0B {first * 1000:.0f} ms after it went, then within {later * 1000:.1f} ms; {busy:.1f} % of a processor")
        assert first <= 0.5 + 0.3 and later <= 0.5 and busy <= 2
        with plugged():
            back = time.perf_counter()
            wait_for(lambda: client.read(1, 0, 10) is None, 3, "an answer again")
            print(f"    answers again {time.perf_counter() - back:.1f} s after it came back")


def cpu(child):
    """Seconds of processor time so far."""
    fields = pathlib.Path(f"/proc/{child.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def pymodbus_both_ways():
    """pymodbus as client, the gateway, pymodbus as the device."""
    from pymodbus.client import ModbusTcpClient

    with serial_line() as (near, far), process(PYTHON, HERE / "peers.py", "pymodbus", "rtu", far, ready="ready", stderr=subprocess.DEVNULL):
        time.sleep(0.3)  # the peer says it is ready before it has opened its port
        with gateway_on(near) as (port, _):
            client = ModbusTcpClient("127.0.0.1", port=port)
            assert client.connect()
            # The first is a write, on a line whose echo nobody knows yet.
            assert not client.write_register(3, 777, device_id=1).isError()
            assert client.read_holding_registers(0, count=5, device_id=1).registers == [1, 2, 3, 777, 5]
            assert client.read_input_registers(7, count=100 - 7, device_id=1).registers == list(range(8, 101))
            assert client.read_coils(0, count=10, device_id=1).bits[:10] == [True, False] * 5
            assert client.read_discrete_inputs(1, count=3, device_id=1).bits[:3] == [False, True, False]
            assert not client.write_coil(1, True, device_id=1).isError()
            assert not client.write_coils(0, [False, True, True], device_id=1).isError()
            assert not client.write_registers(3, [1, 65535], device_id=1).isError()
            assert not client.mask_write_register(address=0, and_mask=0x00F0, or_mask=0x0002, device_id=1).isError()
            both = client.readwrite_registers(read_address=0, read_count=2, write_address=1, values=[7], device_id=1)
            assert both.registers == [2, 7], both
            assert client.read_holding_registers(99, count=2, device_id=1).exception_code == 2
            assert client.read_holding_registers(0, count=1, device_id=40).exception_code == 10
            client.close()
    print("    all functions pass, and the device's own refusals")


def misuse():
    """One clear line and the right exit code, nothing half-started."""
    listen = ["modbus", "gateway", "--listen", f"127.0.0.1:{free_port()}"]
    with serial_line() as (near, _), socket.create_server(("127.0.0.1", 0)) as taken:
        table = [
            (2, ["modbus", "gateway", "--route", f"1={near}"]),
            (2, listen),
            (2, [*listen, "--route", near]),
            (2, [*listen, "--route", f"0-5={near}"]),
            (2, [*listen, "--route", f"1={near}@fast"]),
            (2, [*listen, "--route", f"1-5={near}", "--route", f"5={near}"]),
            (2, [*listen, "--route", f"1={near}@9600", "--route", f"2={near}@19200"]),
            (2, [*listen, "--route", f"1={near}", "--deny", "128"]),
            (2, [*listen, "--route", f"1={near}", "--allow", "localhost"]),
            (2, [*listen, "--route", f"1={near}", "--max-clients", "0"]),
            (2, [*listen, "--route", f"1={near}", "--deadline", "100ms"]),
            (1, [*listen, "--route", "1=/dev/no-such-port"]),
            (1, ["modbus", "gateway", "--route", f"1={near}", "--listen", f"127.0.0.1:{taken.getsockname()[1]}"]),
            (2, ["modbus", "gateway", "--route", f"1={near}", "--listen", "nowhere"]),
        ]
        for code, arguments in table:
            done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=20)
            said = done.stderr.strip().splitlines()
            assert done.returncode == code, (arguments, done.returncode, done.stderr)
            assert len(said) == 1 and said[0].startswith("error: ") and not done.stdout, (arguments, done.stderr, done.stdout)
            print(f"    {code} {said[0][:110]}")


PARTS = (misuse, codes, pymodbus_both_ways, unplugged, one_client, peer_gateway, fairness, dead_unit, hostile_clients, memory)


def gateway(parts=PARTS):
    """A gateway: its codes, its speed, its fairness, hostile clients, an unplugged adapter."""
    for part in parts:
        begin = time.monotonic()
        print(f"  {part.__name__}: {part.__doc__.splitlines()[0]}", flush=True)
        part()
        print(f"    {time.monotonic() - begin:.0f} s", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["load"]:
        load(int(sys.argv[2]))
    else:
        gateway([part for part in PARTS if not sys.argv[1:] or part.__name__ in sys.argv[1:]])
