"""The program against other people's: prints what it checked, ends with the first thing that is wrong."""

import contextlib
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

import libmodbus_tests
from d0 import d0
from dissector import dissector
from dlms import dlms
from functions import functions
from gateway import gateway
from harness import (
    CACHE, PROGRAM, PYTHON, ccmaster, free_port, get, lines, process, reading, serial_line, values, wait_for,
    wait_for_port,
)
from scoreboard import scoreboard
from sniffing import sniffing
from transports import transports

HERE = pathlib.Path(__file__).resolve().parent


def full_speed():
    """Reads of ten registers from a slave that is as fast as 9600 baud allow: a figure, not a bar."""
    starts = range(0, 2000, 10)
    with serial_line() as (near, far), process(PYTHON, HERE / "slave.py", far, "paced", ready="ready"):
        begin = time.perf_counter()
        reads = [part for start in starts for part in ("--holding", start)]
        found = values("--rtu", near, "--unit", 1, "--count", 10, *reads)
        rate = len(starts) / (time.perf_counter() - begin)
    assert found == [list(range(start, start + 10)) for start in starts]
    print(f"  {rate:.1f} reads/s of the 23.2 possible")


def libmodbus_server():
    program = CACHE / "libmodbus_server"
    subprocess.run(["gcc", "-O2", "-I/usr/include/modbus", "-o", program, HERE / "libmodbus_server.c", "-lmodbus"], check=True)
    return [program]


@contextlib.contextmanager
def peer(name, link):
    """A server of somebody else and how to reach it."""
    command = libmodbus_server() if name == "libmodbus" else [PYTHON, HERE / "peers.py", name]
    if link == "tcp":
        port = free_port()
        with process(*command, "tcp", port, ready="ready", stderr=subprocess.DEVNULL):
            wait_for_port(port)
            yield ["--tcp", f"127.0.0.1:{port}"]
    else:
        with serial_line() as (near, far), process(*command, "rtu", far, ready="ready", stderr=subprocess.DEVNULL):
            time.sleep(0.3)  # the peer says it is ready before it has opened its port
            yield ["--rtu", near]


def other_servers():
    """Our client, and our hub, against their servers."""
    for name in ("pymodbus", "libmodbus", "modbus-tk"):
        for link in ("tcp", "rtu"):
            with peer(name, link) as place:
                client_reads_and_writes([*place, "--unit", 1, "--timeout", "2s"])
                hub_reads(place)
            print(f"  {name:10} {link}: client and hub")


def client_reads_and_writes(place):
    targets = ["--holding", 0, "--input", 7, "--coil", 0, "--discrete", 1, "--count", 5]
    assert values(*place, *targets) == [[1, 2, 3, 4, 5], [8, 9, 10, 11, 12], [1, 0, 1, 0, 1], [0, 1, 0, 1, 0]]
    assert values(*place, "--holding", 0, "--count", 100) == [list(range(1, 101))]
    [refused] = lines("modbus", "read", *place, "--holding", 99, "--count", 2)
    assert (refused["error"], refused["exception"]) == ("exception", 2), refused
    for assignment in (["--holding", "3=777"], ["--holding", "3=1,65535"], ["--coil", "9=1"], ["--coil", "8=0,1,1"]):
        assert lines("modbus", "write", *place, *assignment)[0]["ok"], assignment
    assert values(*place, "--holding", 3, "--coil", 8, "--count", 3) == [[1, 65535, 6], [0, 1, 1]]


DEVICE = """
maker = "Test"
kind = "meter"
class = "test"
series = "test"
models = ["test"]
ports = ["rs485", "tcp"]
unit = 1
baud = 9600
[[group]]
space = "holding"
type = "u16"
points = [{ quantity = "v1", address = 9, scale = -1 }, { quantity = "p", address = 41 }]
[[group]]
space = "input"
type = "u32"
points = [{ quantity = "e_import", address = 0 }, { quantity = "e_export", address = 98, type = "u64", optional = true }]
"""


@contextlib.contextmanager
def hub(place, device_file=DEVICE, model="test", more=""):
    """A hub that reads unit 1 as `m`; gives the page's port."""
    port = free_port()
    kind, where = place[0].removeprefix("--"), place[1]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "devices").mkdir()
        (folder / "devices" / "test.toml").write_text(device_file)
        config = folder / "hub.toml"
        config.write_text(
            f'[portal]\nlisten = "127.0.0.1:{port}"\n[[ports]]\nid = "a"\n{kind} = "{where}"\n'
            f'[[devices]]\nid = "m"\nport = "a"\nunit = 1\nmodel = "{model}"\nevery_ms = 300\n{more}'
        )
        with process(PROGRAM, "-q", "run", "--config", config, "--devices", folder / "devices", ready="http://"):
            yield port


def hub_reads(place):
    with hub(place) as port:
        wait_for(lambda: reading(port, "m", "p")["quality"] == "good", 8, "a good value in the hub")
        assert reading(port, "m", "p")["value"] == 42
        assert reading(port, "m", "v1")["text"] == "1.0"
        assert reading(port, "m", "e_import")["value"] == 0x0001_0002


IMAGE = """
holding = [{ address = 0, values = [10, 20, 30, 40] }, { address = 100, values = [17249, 0] }]
input = [{ address = 5, values = [5, 6] }]
coils = [{ address = 0, values = [1, 0, 1] }]
discrete = [{ address = 2, values = [true, false] }]
"""


@contextlib.contextmanager
def our_server(link, image=IMAGE):
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as file, contextlib.ExitStack() as stack:
        file.write(image)
        file.flush()
        if link == "tcp":
            port = free_port()
            far, place = ["--tcp", f"127.0.0.1:{port}"], port
        else:
            near, end = stack.enter_context(serial_line())
            far, place = ["--rtu", end], near
        command = [PROGRAM, "modbus", "serve", *far, "--unit", 17, "--image", file.name]
        stack.enter_context(process(*command, ready="serving"))
        yield place


def our_server_and_their_clients():
    """mbpoll (libmodbus) and pymodbus as clients of our server."""
    for link in ("tcp", "rtu"):
        with our_server(link) as place:
            mbpoll_reads(link, place)
            pymodbus_reads(link, place)
        print(f"  {link}: mbpoll and pymodbus")


def mbpoll(link, place, *arguments):
    where = ["-m", "tcp", "-p", str(place), "127.0.0.1"] if link == "tcp" else ["-m", "rtu", "-b", "9600", "-P", "none", place]
    *options, target = where
    command = ["mbpoll", *options, "-a", "17", "-0", "-1", *map(str, arguments[:-1]), target, *map(str, arguments[-1])]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    return [int(value) for value in re.findall(r"^\[\d+\]:\s+(-?\d+)", done.stdout, re.M)], done


def mbpoll_reads(link, place):
    assert mbpoll(link, place, "-t", 4, "-r", 0, "-c", 4, ())[0] == [10, 20, 30, 40]
    assert mbpoll(link, place, "-t", 3, "-r", 5, "-c", 2, ())[0] == [5, 6]
    assert mbpoll(link, place, "-t", 0, "-r", 0, "-c", 3, ())[0] == [1, 0, 1]
    assert mbpoll(link, place, "-t", 1, "-r", 2, "-c", 2, ())[0] == [1, 0]
    assert "Written 2 references" in mbpoll(link, place, "-t", 4, "-r", 1, (21, 31))[1].stdout
    assert mbpoll(link, place, "-t", 4, "-r", 0, "-c", 4, ())[0] == [10, 21, 31, 40]
    assert "Illegal data address" in mbpoll(link, place, "-t", 4, "-r", 50, "-c", 1, ())[1].stderr


def pymodbus_reads(link, place):
    from pymodbus.client import ModbusSerialClient, ModbusTcpClient

    client = ModbusTcpClient("127.0.0.1", port=place) if link == "tcp" else ModbusSerialClient(place, baudrate=9600)
    assert client.connect()
    assert client.read_holding_registers(0, count=2, device_id=17).registers == [10, 21]
    assert client.read_coils(0, count=3, device_id=17).bits[:3] == [True, False, True]
    assert not client.write_register(0, 11, device_id=17).isError()
    assert not client.write_coil(1, True, device_id=17).isError()
    assert not client.write_coils(0, [False, True, True], device_id=17).isError()
    assert not client.mask_write_register(address=0, and_mask=0x00F0, or_mask=0x0002, device_id=17).isError()
    both = client.readwrite_registers(read_address=0, read_count=2, write_address=1, values=[7], device_id=17)
    assert both.registers == [11 & 0xF0 | 0x02 & ~0xF0, 7], both
    assert client.read_holding_registers(60, count=1, device_id=17).exception_code == 2
    client.close()


def libmodbus_unit_tests():
    """libmodbus's own unit tests, both ways."""
    libmodbus_tests.main()


def bad_input():
    """One clear line, the right exit code, nothing half-started."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder, process(sys.executable, "-m", "http.server", port, "--bind", "127.0.0.1", stderr=subprocess.DEVNULL):
        wait_for_port(port)
        folder = pathlib.Path(folder)
        wrong, taken, good = folder / "wrong.toml", folder / "taken.toml", folder / "image.toml"
        wrong.write_text('[[devices]]\nid = "m"\nport = "x"\nunit = 300\nmodel = "nobody"\n')
        taken.write_text(f'[portal]\nlisten = "127.0.0.1:{port}"\n')
        good.write_text("holding = []\n")
        nothing = f"127.0.0.1:{free_port()}"
        table = [
            (2, ["--nonsense"]),
            (2, ["modbus", "read", "--unit", 1, "--holding", 0]),
            (2, ["modbus", "read", "--tcp", nothing, "--unit", 300, "--holding", 0]),
            (2, ["modbus", "read", "--rtu", "/dev/null", "--unit", 0, "--holding", 0]),
            (2, ["modbus", "read", "--tcp", nothing, "--unit", 1]),
            (2, ["modbus", "read", "--tcp", nothing, "--unit", 1, "--holding", 0, "--count", 126]),
            (2, ["modbus", "read", "--tcp", nothing, "--unit", 1, "--holding", 70000]),
            (1, ["modbus", "read", "--tcp", nothing, "--unit", 1, "--holding", 0]),
            (1, ["modbus", "read", "--rtu", "/dev/no-such-port", "--unit", 1, "--holding", 0]),
            (2, ["modbus", "serve", "--tcp", nothing, "--unit", 1, "--image", folder / "none.toml"]),
            (2, ["modbus", "serve", "--tcp", nothing, "--unit", 1, "--image", wrong]),
            (1, ["modbus", "serve", "--tcp", f"127.0.0.1:{port}", "--unit", 1, "--image", good]),
            (2, ["run", "--config", folder / "none.toml"]),
            (2, ["run", "--config", wrong]),
            (1, ["run", "--config", taken]),
            (1, ["demo", "--listen", f"127.0.0.1:{port}"]),
        ]
        for code, arguments in table:
            done = ccmaster(*arguments)
            said = done.stderr.strip().splitlines()
            assert done.returncode == code, (arguments, done.returncode, done.stderr)
            assert len(said) == 1 and said[0].startswith("error: ") and not done.stdout, (arguments, done.stderr, done.stdout)
            print(f"  {code} {said[0][:110]}")


def unplugged():
    """The adapter vanishes and returns: values turn stale, then good again within 3 s; the program goes on."""
    with tempfile.TemporaryDirectory() as folder:
        near = os.path.join(folder, "near")
        port = None

        @contextlib.contextmanager
        def plugged():
            far = os.path.join(folder, "far")
            with process("socat", f"pty,raw,echo=0,link={near}", f"pty,raw,echo=0,link={far}", stderr=subprocess.DEVNULL):
                wait_for(lambda: os.path.exists(near) and os.path.exists(far), 5, "the line")
                with process(PYTHON, HERE / "peers.py", "pymodbus", "rtu", far, ready="ready", stderr=subprocess.DEVNULL):
                    yield

        with contextlib.ExitStack() as stack:
            with plugged():
                time.sleep(0.5)
                port = stack.enter_context(hub(["--rtu", near]))
                wait_for(lambda: reading(port, "m", "p")["quality"] == "good", 8, "a good value")
            gone = time.monotonic()
            wait_for(lambda: reading(port, "m", "p")["quality"] == "stale", 5, "a stale value")
            assert reading(port, "m", "p")["value"] == 42, "the old value stays, marked as old"
            print(f"  stale {time.monotonic() - gone:.1f} s after the adapter went")
            with plugged():
                back = time.monotonic()
                wait_for(lambda: reading(port, "m", "p")["quality"] == "good", 3, "a good value again")
                print(f"  good again {time.monotonic() - back:.1f} s after it came back")
            assert get(port, "info")["ports"][0]["answered"] > 0


TESTS = (scoreboard, full_speed, other_servers, our_server_and_their_clients, functions, libmodbus_unit_tests, dissector, bad_input, unplugged, transports, gateway, sniffing, d0, dlms)


def main():
    for test in TESTS:
        print(f"{test.__name__}: {test.__doc__.splitlines()[0]}", flush=True)
        test()
    print(f"{len(TESTS)} passed, 0 failed")


if __name__ == "__main__":
    main()
