"""What Modbus clients make of replies that go wrong on a serial line, other people's and ours, as two tables.

By hand: .ci/cache/venv/bin/python e2e/scoreboard.py
"""

import concurrent.futures
import importlib.metadata
import json
import pathlib
import subprocess
import time
import typing

from faulty_slave import FAULTS
from harness import CACHE, PROGRAM, PYTHON, ccmaster, lines, process, serial_line
from slave import CASES

HERE = pathlib.Path(__file__).resolve().parent

# As many at a time: they mostly wait.
AT_ONCE = 16

# What happens to the first reply (one-behind: to all).
ANOMALIES = {
    "A": "none",
    "B": "a 00 before it",
    "C": "an 01 before it, which is the unit",
    "D": "the request echoed",
    "E": "another unit's reply first",
    "F": "checksum bad",
    "G-at-once": "kept back, sent with the second",
    "G-late": "140 ms too late",
    "G-one-behind": "each reply sent one request later",
    "G-lost": "lost",
    "H": "one register short",
    "I": "in two halves, 20 ms apart",
    "J": "exception 0B",
    "K": "a 00 after it",
    "L": "FF FF before it",
    "M": "a torn start 50 ms before it",
    "doubled": "sent twice",
}

# What ours cannot see is shown and not asserted: two answers to one request, the second coming after the next one; and,
# to be mended, an owed exception, which is taken for the answer to the probe.
UNSEEN = {"again", "two", "held"}

# Of ours, the first call is good in these.
STARTS_GOOD = set("A B C D E I K L M doubled".split())


def ours(retries):
    def read(path, timeout, count, starts):
        targets = [part for start in starts for part in ("--holding", start)]
        options = ["--count", count, "--timeout", f"{timeout}ms", "--retries", retries]
        found = lines("modbus", "read", "--rtu", path, "--unit", 1, *targets, *options)
        return [entry["values"] if entry["ok"] else None for entry in found]

    return read


def theirs(*command):
    """Nothing is asked of other people's programs: one that does not run, or hangs, has no results."""

    def read(path, timeout, count, starts):
        call = [str(part) for part in (*command, path, timeout, count, *starts)]
        try:
            done = subprocess.run(call, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=40)
            return json.loads(done.stdout)
        except (subprocess.TimeoutExpired, json.JSONDecodeError):
            return []

    return read


def python(name):
    return theirs(PYTHON, HERE / "clients.py", name)


def libmodbus(*arguments):
    return theirs(CACHE / "libmodbus_client", *arguments)


class Table(typing.NamedTuple):
    title: str
    rows: dict
    columns: dict
    slave: str
    timeout: int
    count: int
    starts: list
    cell: typing.Callable


class Game(typing.NamedTuple):
    """One client in one row: ok, E or W of each read, ? where the program gave nothing; and the time it took."""

    cells: list
    seconds: float


def verdict(start, count, got):
    if got is None:
        return "E"
    return "ok" if got == list(range(start, start + count)) else "W"


def call_by_call(game):
    return "/".join("**W**" if cell == "W" else cell for cell in game.cells)


def counted(game):
    good, failed, wrong, unknown = (game.cells.count(cell) for cell in ("ok", "E", "W", "?"))
    return "?" if unknown else f"{good}/{failed}/" + (f"**{wrong}**" if wrong else "0") + f" {game.seconds:.1f} s"


RECOVERY = Table(
    "Three reads of two registers, 500 ms time-out, no retries: ok, E error, W wrong value given as good",
    {case: f"{case}: {ANOMALIES[case]}" for case in CASES},
    {
        "pymodbus": python("pymodbus"),
        "modbus-tk": python("modbus-tk"),
        "uModbus": python("umodbus"),
        "minimalmodbus": python("minimalmodbus"),
        "libmodbus": libmodbus("default"),
        "same + recovery": libmodbus("recovery"),
        "ours": ours(0),
    },
    "slave.py", 500, 2, [5, 50, 60], call_by_call,
)

ENDURANCE = Table(
    "Thirty reads of ten registers at the pace of 9600 baud, 200 ms time-out: ok/error/WRONG, and the time with the program's start",
    FAULTS,
    {
        "pymodbus": python("pymodbus"),
        "same, 3 retries": python("pymodbus-3-retries"),
        "libmodbus": libmodbus("default"),
        "same + recovery": libmodbus("recovery"),
        "ours": ours(0),
        "ours, 1 retry": ours(1),
    },
    "faulty_slave.py", 200, 10, list(range(0, 300, 10)), counted,
)


def play(table, row, column):
    """One client on a line of its own."""
    with serial_line() as (near, far), process(PYTHON, HERE / table.slave, far, row, ready="ready"):
        begin = time.perf_counter()
        found = table.columns[column](near, table.timeout, table.count, table.starts)
        seconds = time.perf_counter() - begin
    cells = [verdict(start, table.count, got) for start, got in zip(table.starts, found)]
    return Game(cells + ["?"] * (len(table.starts) - len(cells)), seconds)


def played(*tables):
    """The games of each table by row and column, many lines at work at the same time."""
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        tables = [
            {(row, column): pool.submit(play, table, row, column) for row in table.rows for column in table.columns}
            for table in tables
        ]
        return [{place: game.result() for place, game in table.items()} for table in tables]


def show(table, results):
    print(f"\n{table.title}.\n")
    grid = [["", *table.columns]]
    grid += [[name, *(table.cell(results[row, column]) for column in table.columns)] for row, name in table.rows.items()]
    widths = [max(len(line[n]) for line in grid) for n in range(len(grid[0]))]
    grid.insert(1, ["-" * width for width in widths])
    for line in grid:
        print("|", " | ".join(cell.ljust(width) for cell, width in zip(line, widths)), "|")


def versions():
    packages = [f"{name} {importlib.metadata.version(name)}" for name in ("pymodbus", "modbus-tk", "uModbus", "minimalmodbus")]
    library = subprocess.run([CACHE / "libmodbus_client", "version"], capture_output=True, text=True, check=True).stdout
    return ", ".join([*packages, f"libmodbus {library.strip()}", f"ours: {ccmaster('--version').stdout.strip()}"])


def check(recovery, endurance):
    for case in CASES:
        cells = recovery[case, "ours"].cells
        assert len(cells) == 3 and "W" not in cells, f"case {case}: a wrong value was returned as good"
        assert case not in STARTS_GOOD or cells[0] == "ok", f"case {case}: the first call must be good"
        assert case == "G-one-behind" or cells[1:] == ["ok", "ok"], f"case {case}: the calls after it must be good"
    for (fault, column), (cells, _) in endurance.items():
        if fault in UNSEEN:
            continue
        if column.startswith("ours"):
            assert not {"W", "?"} & set(cells), f"{FAULTS[fault]}: a wrong value was returned as good"
        if column == "ours, 1 retry":
            assert cells.count("ok") >= 20, f"{FAULTS[fault]}: {cells.count('ok')} of 30 good"


def scoreboard():
    """Replies that go wrong: other clients' results are shown; ours are checked, but for what it is known not to see."""
    build = ["gcc", "-O2", "-I/usr/include/modbus", "-o", CACHE / "libmodbus_client", HERE / "libmodbus_client.c", "-lmodbus"]
    subprocess.run(build, check=True)
    # The longer games first.
    endurance, recovery = played(ENDURANCE, RECOVERY)
    print(versions())
    show(RECOVERY, recovery)
    show(ENDURANCE, endurance)
    check(recovery, endurance)


if __name__ == "__main__":
    scoreboard()
