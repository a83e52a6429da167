"""Flash, cycles and instructions against their budgets. Usage: measure.py IMAGES HOST-PROGRAM"""

import pathlib
import re
import struct
import subprocess
import sys
import tomllib

import cycles

HERE = pathlib.Path(__file__).resolve().parent
ALLOCATED, NO_BITS = 2, 8


def sections(image):
    """Flags, type and size of every section of a 32-bit little-endian ELF."""
    table, size, count = struct.unpack_from("<I", image, 32)[0], *struct.unpack_from("<HH", image, 46)
    for index in range(count):
        _, kind, flags, _, _, length, *_ = struct.unpack_from("<10I", image, table + size * index)
        yield kind, flags, length


def flash(path):
    """Everything that is loaded, start-up values of RAM included."""
    found = sections(path.read_bytes())
    return sum(length for kind, flags, length in found if flags & ALLOCATED and kind != NO_BITS)


def instructions(program, function):
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", f"--toggle-collect={function}", program, function]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return int(re.search(r"Collected : (\d+)", done.stderr)[1])


def report(topic, unit, ours, peers, budgets):
    """Prints a table and says whether all is within budget."""
    print(f"\n{topic} ({unit})")
    good = True
    for name, figure in ours.items():
        bar, budget = budgets[name]["bar"], budgets[name]["budget"]
        verdict = "ok" if figure <= bar else f"bar missed {figure / bar:.2f} times"
        if figure > budget:
            verdict, good = f"OVER BUDGET {budget}", False
        print(f"  {name:20} {figure:6}  bar {bar:5}  {verdict}")
    for name, figure in peers.items():
        print(f"  {name:20} {figure:6}")
    return good


def main(images, program):
    images = pathlib.Path(images)
    budgets = tomllib.loads((HERE / "budgets.toml").read_text())
    over_empty = lambda name: flash(images / name) - flash(images / "empty")
    reply = cycles.reply(125)
    decoded = {name: cycles.run(images / name, "decode", reply) for name in ("fc3_codec", "rmodbus_codec", "modbus_core_codec")}
    assert all(result == sum(range(125)) for _, _, result in decoded.values()), decoded
    count = lambda *names: {name: instructions(program, name) for name in names}
    good = [
        report("flash", "bytes on thumbv6m", {name: over_empty(name) for name in budgets["flash"]},
               {name: over_empty(name) for name in ("rmodbus_codec", "modbus_core_codec")}, budgets["flash"]),
        report("decoding 125 registers", "Cortex-M0+ cycles", {"decode": decoded["fc3_codec"][1]},
               {name: decoded[name][1] for name in ("rmodbus_codec", "modbus_core_codec")}, budgets["cycles"]),
        report("encoding and decoding", "x86-64 instructions", count("encode_ccm", "decode_ccm", "call_ccm"),
               count("encode_rmodbus", "encode_modbus_core", "decode_rmodbus", "decode_modbus_core", "call_tokio_modbus"),
               budgets["instructions"]),
    ]
    if not all(good):
        sys.exit("error: a budget is passed; make it smaller, or raise the budget in a commit that says why")


if __name__ == "__main__":
    main(*sys.argv[1:])
