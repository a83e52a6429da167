"""Our figures beside others' and against their budgets. Usage: measure.py IMAGES HOST-PROGRAM LIBMODBUS-PROGRAM"""

import os
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


def collected(program, function, calls):
    """Instructions in all calls of a function; those of the kernel are not seen."""
    tool = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", f"--toggle-collect={function}"]
    # What the dynamic linker looks up at the first call is no part of the work.
    environment = os.environ | {"LD_BIND_NOW": "1"}
    done = subprocess.run([*tool, program, function, str(calls)], capture_output=True, text=True, env=environment)
    if done.returncode:
        sys.exit(f"error: {function} failed:\n{done.stderr}")
    return int(re.search(r"Collected : (\d+)", done.stderr)[1])


def instructions(program, function):
    """Instructions of one call; what only the first one costs, or the last, is left out."""
    few, many = 2, 12
    return (collected(program, function, many) - collected(program, function, few)) // (many - few)


def flash_figures(images, names):
    over_empty = lambda name: flash(images / name) - flash(images / "empty")
    others = {
        "fc3_codec": ("rmodbus_codec", "modbus_core_codec"),
    }
    for name in names:
        yield name, over_empty(name), {other: over_empty(other) for other in others.get(name, ())}


def cycle_figures(images, names):
    reply, request = cycles.reply(125), cycles.request(125)
    work = {
        "decode": ("decode", reply, sum(range(125)), ("fc3_codec", "rmodbus_codec", "modbus_core_codec")),
        "serve": ("serve", request, len(reply), ("serve", "rmodbus_serve", "modbus_core_serve")),
    }
    for name in names:
        function, frame, expected, (ours, *others) = work[name]
        figures = {}
        for image in (ours, *others):
            found = cycles.Run(images / image, function, frame)
            if found.result != expected or name == "serve" and reply not in found.out:
                sys.exit(f"error: {image} works wrong: {found.result} is not {expected}")
            figures[image] = found.cycles
        yield name, figures.pop(ours), figures


def instruction_figures(program, libmodbus, names):
    others = {
        "encode": ("rmodbus", "modbus_core", "voltage_modbus"),
        "decode": ("rmodbus", "modbus_core", "voltage_modbus"),
        "serve": ("rmodbus", "modbus_core", "tokio_modbus", "libmodbus"),
        "call": ("tokio_modbus", "voltage_modbus", "libmodbus"),
        "push": ("dlms_cosem_rs",),
        "rows": ("dlms_cosem_rs",),
    }
    known = {}
    for name in names:
        work, _, variant = name.partition("_")
        if work not in known:
            programs = {other: libmodbus if other == "libmodbus" else program for other in others[work]}
            known[work] = {other: instructions(path, f"{work}_{other}") for other, path in programs.items()}
        ours = instructions(program, f"{work}_ccm_{variant}" if variant else f"{work}_ccm")
        yield name, ours, known[work]


def per_byte_figures(program, names):
    others = {"p1": ("dsmr5", "dsmr_parse"), "readout": ()}
    for name in names:
        length = int(subprocess.run([program, f"{name}_length", "1"], capture_output=True, text=True, check=True).stdout)
        per_byte = lambda whose: round(instructions(program, f"{name}_{whose}") / length, 1)
        yield name, per_byte("iec"), {other: per_byte(other) for other in others[name]}


def memory_figures(images, names):
    sizes = cycles.Image(images / "ram").sizes
    for name in names:
        yield name, sizes[name.upper()], {}


def verdict(figure, limits, others):
    """What to say of a figure, and whether it is within its budget."""
    if figure > limits["budget"]:
        return f"OVER BUDGET {limits['budget']}", False
    best = min(others, key=others.get, default=None)
    missed = []
    if figure > limits.get("bar", figure):
        missed.append(f"{figure / limits['bar']:.2f} x bar")
    if best and figure > others[best]:
        missed.append(f"{figure / others[best]:.2f} x {best}")
    return "missed: " + ", ".join(missed) if missed else "ok", True


def report(topic, figures, limits):
    """Prints a part of the table and says whether all is within budget."""
    print(f"\n{topic:24} {'figure':>7} {'bar':>6} {'/ bar':>6} {'budget':>7}  {'/ ours':>6}  verdict")
    good = True
    for name, figure, others in figures:
        bar = limits[name].get("bar")
        words, within = verdict(figure, limits[name], others)
        ratio = f"{figure / bar:6.2f}" if bar else f"{'':6}"
        print(f"  {name:22} {figure:7} {bar or '':>6} {ratio} {limits[name]['budget']:7}  {'':6}  {words}", flush=True)
        for other, theirs in others.items():
            print(f"    {other:20} {theirs:7} {'':6} {'':6} {'':7}  {theirs / figure:6.2f}")
        good = good and within
    return good


def main(images, program, libmodbus):
    images = pathlib.Path(images)
    budgets = tomllib.loads((HERE / "budgets.toml").read_text())
    good = [
        report(topic, figures(budgets[part]), budgets[part])
        for part, topic, figures in (
            ("instructions", "x86-64 instructions", lambda names: instruction_figures(program, libmodbus, names)),
            ("per_byte", "instructions per byte", lambda names: per_byte_figures(program, names)),
            ("flash", "bytes of flash, thumbv6m", lambda names: flash_figures(images, names)),
            ("cycles", "cycles, Cortex-M0+", lambda names: cycle_figures(images, names)),
            ("ram", "bytes of RAM, thumbv6m", lambda names: memory_figures(images, names)),
        )
    ]
    if not all(good):
        sys.exit("error: a budget is passed; make it smaller, or raise the budget in a commit that says why")


if __name__ == "__main__":
    main(*sys.argv[1:])
