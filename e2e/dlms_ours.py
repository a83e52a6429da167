"""Our client and our meter in the words of the tests: every option of the command line that they need stands here once."""

import contextlib
import datetime
import json
import os
import pathlib
import subprocess

import dlms_model as model
from harness import PROGRAM, process

UNITS = {30: "Wh", 35: "V"}
SECRETS = ("lls", "hls", "hls-md5", "hls-sha1", "hls-sha256")


def environment(mode):
    """Secrets go where no list of processes shows them."""
    ek, ak = (key.hex() for key in mode.keys)
    secrets = {"CCMASTER_DLMS_EK": ek, "CCMASTER_DLMS_AK": ak} if mode.ciphered or mode.auth == "hls-gmac" else {}
    if mode.auth in SECRETS:
        secrets["CCMASTER_DLMS_PASSWORD"] = model.PASSWORD
    return {**os.environ, **secrets}


def identity(mode, keys, own, peer, title):
    """What both ends say of themselves."""
    options = ["--framing", mode.framing, "--auth", mode.auth]
    if mode.titled:
        options += ["--suite", mode.suite, "--system-title", title.hex()]
    if mode.ciphered or mode.auth == "hls-gmac":
        options += ["--protection", mode.protection]
    if mode.auth == "hls-ecdsa":
        options += ["--signing-key", keys / f"{own}.pem", "--peer-key", keys / f"{peer}-public.pem"]
    return options + ["--short-names"] * mode.short_names + (["--window", mode.window] if mode.window > 1 else [])


def server_name(mode):
    return "1" if mode.physical is None else f"1/{mode.physical}"


class Refused(Exception):
    """A line that said no."""


class Ours:
    """`ccmaster dlms read`: each call is an association of its own."""

    name = "ccmaster"

    def __init__(self, mode, port, keys):
        self.mode, self.port, self.keys = mode, port, keys

    def command(self, *wanted):
        mode = self.mode
        options = ["--tcp", f"127.0.0.1:{self.port}", "--client", mode.client, "--server", server_name(mode)]
        options += identity(mode, self.keys, "client", "server", model.CLIENT_TITLE)
        if mode.ciphered:
            options += ["--envelope", mode.envelope]
        if mode.ciphered or mode.auth == "hls-gmac":
            options += ["--counter", model.first_counter()]
        if mode.block_window:
            options += ["--gbt", mode.block_window]
        return [str(one) for one in (PROGRAM, "dlms", "read", *options, *wanted, "--json")]

    def environment(self):
        return environment(self.mode)

    def lines(self, *wanted):
        done = subprocess.run(self.command(*wanted), capture_output=True, text=True, timeout=60, env=self.environment())
        found = [json.loads(line) for line in done.stdout.splitlines()]
        for line in found:
            if not line["ok"]:
                raise Refused(f"{line['error']}: {line['message']}")
        if done.returncode or done.stderr.strip():
            raise Refused(f"exit {done.returncode}: {(done.stderr.strip() or 'silent').splitlines()[0]}")
        return found

    def connect(self):
        self.get(*model.NAME)

    def close(self):
        pass

    def get(self, kind, code, attribute):
        [line] = self.lines("--obis", f"{code}:{kind}:{attribute}")
        return plain(line)

    def scaled(self, target):
        kind, code, attribute = target
        [line] = self.lines("--obis", f"{code}:{kind}:{attribute}")
        _, raw, scaler, unit = model.REGISTERS[target]
        wanted = f"{raw / 10 ** -scaler:.{-scaler}f}" if scaler < 0 else str(raw * 10**scaler)
        assert (line["obis"], line["class"], line["attribute"]) == (code, kind, attribute), line
        assert line["value"] == wanted and line["unit"] == UNITS[unit], line
        return line["scaler"], unit

    def get_list(self, targets):
        named = [part for kind, code, attribute in targets for part in ("--obis", f"{code}:{kind}:{attribute}")]
        return [plain(line) for line in self.lines(*named, "--with-list")]

    def set(self, target, data):
        kind, code, attribute = target
        self.lines("--set", f"{code}:{kind}:{attribute}=octets:{data.hex()}")

    def action(self, target, method):
        kind, code, _ = target
        self.lines("--action", f"{code}:{kind}:{method}=i8:0")

    def objects(self):
        return {(line["class"], line["obis"]) for line in self.lines("--list")}

    def rows(self, *selection):
        found = self.lines("--profile", model.PROFILE[1], *selection)
        assert [line["row"] for line in found] == list(range(len(found))), "rows are not counted from 0"
        return [row(line) for line in found]

    def rows_by_entry(self, first, last):
        return self.rows("--entries", f"{first}-{last}")

    def rows_by_range(self, begin, end):
        return self.rows("--from", begin.isoformat(), "--to", end.isoformat())

    @staticmethod
    def refuses(mode):
        return None


def plain(line):
    """Numbers, octets and truths as the peers' interfaces give them."""
    raw = line.get("raw", line["value"])
    return bytes.fromhex(raw) if isinstance(raw, str) else raw


def row(line):
    """A time and numbers; the time is said twice, and the same."""
    time, *numbers = line["values"]
    assert time == line["time"] and line["units"] == [None, None, "Wh", "Wh"], line
    return datetime.datetime.fromisoformat(time), *map(int, numbers)


def serve_command(mode, keys, where, rows):
    options = [*where, "--client", mode.client, "--server", server_name(mode), "--rows", rows]
    options += identity(mode, keys, "server", "client", model.SERVER_TITLE)
    return [PROGRAM, "dlms", "serve", *options]


@contextlib.contextmanager
def our_meter(mode, keys, *more, rows=model.ROWS):
    """`ccmaster dlms serve`; gives its port."""
    command = [*serve_command(mode, keys, ("--tcp", "127.0.0.1:0"), rows), *more]
    with process(*command, ready="a meter", stderr=subprocess.DEVNULL, env=environment(mode)) as child:
        yield int(child.said.rsplit(":", 1)[1])


def usable():
    """Why the program cannot be tested at all."""
    return None if pathlib.Path(PROGRAM).exists() else f"{PROGRAM} is not built"
