"""What every side of the DLMS tests agrees on: the meter's objects, the keys, and the modes of talking to it.

The objects are those of `ccm_dlms::server::Meter`; the peers' simulator is given the same.
"""

import dataclasses
import datetime
import itertools

ROWS = 1500
PERIOD = datetime.timedelta(minutes=15)
ZONE = datetime.timezone(datetime.timedelta(hours=1))
FIRST = datetime.datetime(2026, 1, 1, tzinfo=ZONE)
DEVIATION = -60  # minutes from local time to UTC

NAME = (1, "0.0.42.0.0.255", 2)
STATUS = (1, "0.0.96.10.1.255", 2)
SCRATCH = (1, "0.0.96.50.0.255", 2)  # clients may write to it
ENERGY = (3, "1.0.1.8.0.255", 2)
EXPORT = (3, "1.0.2.8.0.255", 2)
VOLTAGE = (3, "1.0.32.7.0.255", 2)
CLOCK = (8, "0.0.1.0.0.255", 2)
PROFILE = (7, "1.0.99.1.0.255", 2)
BREAKER = (70, "0.0.96.3.10.255", 2)
OBJECTS = (NAME, STATUS, SCRATCH, ENERGY, EXPORT, VOLTAGE, CLOCK, PROFILE, BREAKER)

REGISTERS = {ENERGY: ("u32", 1234567, 0, 30), EXPORT: ("u32", 42, 0, 30), VOLTAGE: ("u16", 2305, -1, 35)}
TEXTS = {NAME: b"CCM0000000000001", SCRATCH: b""}
COLUMNS = (CLOCK, STATUS, ENERGY, EXPORT)

PASSWORD = "Correct-Horse-16"  # sixteen letters: AES-128-ECB of mechanism 2 uses it as its key
EK = bytes(range(32))
AK = bytes(range(0xD0, 0xF0))
DEDICATED = bytes(range(0xA0, 0xC0))
CLIENT_TITLE = bytes.fromhex("4343430000000010")
SERVER_TITLE = bytes.fromhex("43434D0000000001")

MECHANISMS = {"none": 0, "lls": 1, "hls": 2, "hls-md5": 3, "hls-sha1": 4, "hls-gmac": 5, "hls-sha256": 6, "hls-ecdsa": 7}


@dataclasses.dataclass(frozen=True)
class Mode:
    framing: str
    auth: str = "none"
    protection: str = "none"
    suite: int = 0
    envelope: str = "glo"
    short_names: bool = False
    physical: int | None = None  # the lower half of an HDLC address, which makes it two bytes or four
    window: int = 1  # of HDLC
    block_window: int = 0  # of general block transfer

    def __str__(self):
        parts = [self.framing, self.auth]
        if self.protection != "none":
            parts += [f"suite {self.suite}", self.protection, self.envelope]
        elif self.auth == "hls-ecdsa":
            parts.append(f"suite {self.suite}")
        parts += ["SN"] * self.short_names
        parts += [f"physical {self.physical}"] if self.physical is not None else []
        parts += [f"window {self.window}"] if self.window > 1 else []
        parts += [f"GBT {self.block_window}"] if self.block_window else []
        return " ".join(parts)

    @property
    def client(self):
        return 16 if self.auth == "none" and self.protection == "none" else 1

    @property
    def ciphered(self):
        return self.protection != "none"

    @property
    def titled(self):
        return self.ciphered or self.auth in ("hls-gmac", "hls-sha256", "hls-ecdsa")

    @property
    def key_length(self):
        return 32 if self.suite == 2 else 16

    @property
    def keys(self):
        return EK[: self.key_length], AK[: self.key_length]


def modes():
    """Everything that some peer supports, framing by framing."""
    for framing in ("hdlc", "wrapper"):
        yield from (Mode(framing, auth) for auth in MECHANISMS if auth != "hls-ecdsa")
        yield from (Mode(framing, "hls-ecdsa", suite=suite) for suite in (1, 2))
        for suite, auth in itertools.product((0, 1, 2), ("hls-gmac", "lls")):
            yield from (Mode(framing, auth, protection, suite) for protection in ("auth", "enc", "both"))
        yield from (Mode(framing, auth, "both") for auth in ("none", "hls-sha256"))
        yield Mode(framing, "hls-ecdsa", "both", suite=1)
        for envelope in ("ded", "general-glo", "general-ded", "general-ciphering"):
            yield Mode(framing, "hls-gmac", "both", envelope=envelope)
        yield from (Mode(framing, "lls", "both", suite, "general-ciphering") for suite in (1, 2))
        yield from (Mode(framing, block_window=window) for window in (1, 3))
        yield Mode(framing, "hls-gmac", "both", block_window=3, envelope="general-glo")
        yield from (Mode(framing, auth, short_names=True) for auth in ("none", "lls", "hls-md5"))
        yield Mode(framing, "hls-gmac", "both", short_names=True)
    yield from (Mode("hdlc", physical=physical) for physical in (17, 1234))
    yield Mode("hdlc", window=7)


_SESSIONS = itertools.count(1)


def first_counter():
    """Where a session's own invocation counter starts: no meter here has seen it yet."""
    return next(_SESSIONS) * 10_000


def octets(code):
    return bytes(int(part) for part in code.split("."))


def row(index):
    """Row `index`, counted from 0: time, status, import, export."""
    return FIRST + index * PERIOD, 0, 10_240_000 + 7 * index, 576 + 3 * index


def date_time(moment):
    """Twelve octets (IEC 62056-6-2, 4.1.6.1)."""
    return bytes(
        [*moment.year.to_bytes(2, "big"), moment.month, moment.day, moment.isoweekday(), moment.hour, moment.minute, moment.second, 0]
    ) + DEVIATION.to_bytes(2, "big", signed=True) + bytes(1)


def moment(data):
    """The instant in twelve octets that leave nothing open."""
    data = bytes(data)
    year, deviation = int.from_bytes(data[:2], "big"), int.from_bytes(data[9:11], "big", signed=True)
    zone = datetime.timezone(datetime.timedelta(minutes=-deviation))
    return datetime.datetime(year, data[2], data[3], data[5], data[6], data[7], tzinfo=zone)
