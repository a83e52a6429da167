"""What every end-to-end test needs: processes that end with it, serial lines, free ports, and the program under test."""

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
CACHE = ROOT / ".ci" / "cache"
PROGRAM = ROOT / "target" / "release" / "ccmaster"
PYTHON = CACHE / "venv" / "bin" / "python"


@contextlib.contextmanager
def process(*command, ready=None, **options):
    """Runs a program and ends just this one; with `ready` waits until it prints that text, and keeps the line as `said`."""
    child = subprocess.Popen(
        [str(part) for part in command], stdout=subprocess.PIPE if ready else subprocess.DEVNULL, text=True, **options
    )
    try:
        if ready:
            line = ""
            while ready not in line:
                line = child.stdout.readline()
                assert line, f"{command[0]} ended before it said {ready!r}"
            child.said = line
        yield child
    finally:
        child.terminate()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


@contextlib.contextmanager
def serial_line():
    """Two ends of a line without a baud rate."""
    with tempfile.TemporaryDirectory() as folder:
        ends = [os.path.join(folder, name) for name in ("near", "far")]
        with process("socat", *(f"pty,raw,echo=0,link={end}" for end in ends), stderr=subprocess.DEVNULL):
            wait_for(lambda: all(os.path.exists(end) for end in ends), 5, "socat's line")
            yield ends


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(condition, seconds, what):
    """Waits until something is so; says what was missing."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError, KeyError):
            if result := condition():
                return result
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {what}")


def wait_for_port(port):
    wait_for(lambda: socket.create_connection(("127.0.0.1", port), 1).close() or True, 10, f"port {port}")


def ccmaster(*arguments):
    return subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=60)


def lines(*arguments):
    """The JSON objects that a tool prints."""
    return [json.loads(line) for line in ccmaster(*arguments, "--json").stdout.splitlines()]


def values(*arguments):
    """What a `modbus read` brings: the values of each address, or the error's tag."""
    return [entry["values"] if entry["ok"] else entry["error"] for entry in lines("modbus", "read", *arguments)]


def get(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/{path}", timeout=5) as answer:
        return json.load(answer)


def reading(port, device, quantity):
    found = [value for value in get(port, f"devices/{device}/values")["values"] if value["quantity"] == quantity]
    return found[0]
