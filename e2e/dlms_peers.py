"""DLMS peers against each other: which client can do what in which mode, against any server that holds the model's meter."""

import argparse
import contextlib
import dataclasses
import io
import json
import pathlib
import subprocess
import sys
import tempfile
import time

import dlms_model as model
from harness import process

HERE = pathlib.Path(__file__).resolve().parent


def clients():
    """Imported late: each peer is heavy, and one alone is often enough."""
    from dlms_gurux import Gurux
    from dlms_pydlms import Pydlms

    return {"gurux": Gurux, "pydlms": Pydlms}


@contextlib.contextmanager
def key_files():
    """Key pairs of both ends for ECDSA, as PKCS #8, by suite."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    with tempfile.TemporaryDirectory() as folder:
        for suite, curve in ((1, ec.SECP256R1()), (2, ec.SECP384R1())):
            place = pathlib.Path(folder) / str(suite)
            place.mkdir()
            for who in ("client", "server"):
                pair = ec.generate_private_key(curve)
                form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
                (place / f"{who}.pem").write_bytes(pair.private_bytes(*form))
                public = pair.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
                (place / f"{who}-public.pem").write_bytes(public)
        yield pathlib.Path(folder)


def keys_of(mode, folder):
    return folder / str(mode.suite or 1)


@contextlib.contextmanager
def simulator(mode, keys, rows=model.ROWS):
    """pydlms-client's simulator; gives its port."""
    options = json.dumps({**dataclasses.asdict(mode), "rows": rows, "keys": str(keys)})
    command = [sys.executable, HERE / "dlms_simulator.py", options]
    with process(*command, ready="ready", stderr=subprocess.DEVNULL) as child:
        yield int(child.said.split()[1])


# What is asked of a pair, in this order. Each gets a client that is connected.


def a_register(client):
    for target, (_, value, scaler, unit) in model.REGISTERS.items():
        expect(client.get(*target), value)
        if hasattr(client, "scaled"):
            expect(client.scaled(target), (scaler, unit))
        else:
            expect(client.get(*target[:2], 3), [scaler, unit])


def octets(client):
    expect(client.get(*model.NAME), model.TEXTS[model.NAME])


def clock(client):
    expect(as_moment(client.get(*model.CLOCK)).utcoffset(), -model.DEVIATION * 60, seconds)


def a_list(client):
    expect(client.get_list([model.ENERGY, model.NAME, model.VOLTAGE]), [1234567, model.TEXTS[model.NAME], 2305])


def set_(client):
    client.set(model.SCRATCH, b"87654321")
    expect(client.get(*model.SCRATCH), b"87654321")


def set_in_blocks(client):
    long = bytes(range(250)) * 12
    client.set(model.SCRATCH, long)
    expect(client.get(*model.SCRATCH), long)


def action(client):
    client.action(model.BREAKER, 1)
    expect(client.get(*model.BREAKER), False)
    client.action(model.BREAKER, 2)
    expect(client.get(*model.BREAKER), True)


def objects(client):
    missing = {target[:2] for target in model.OBJECTS} - client.objects()
    assert not missing, f"missing {sorted(missing)}"


def whole_profile(client):
    expect_rows(client.rows(), range(model.ROWS))


def by_entry(client):
    expect_rows(client.rows_by_entry(101, 300), range(100, 300))


def by_range(client):
    begin, end = model.row(500)[0], model.row(699)[0]
    expect_rows(client.rows_by_range(begin, end), range(500, 700))


CHECKS = {
    "register": a_register, "octets": octets, "clock": clock, "list": a_list, "SET": set_, "SET in blocks": set_in_blocks,
    "ACTION": action, "objects": objects, "profile": whole_profile, "by entry": by_entry, "by range": by_range,
}


def seconds(difference):
    return difference.total_seconds()


def expect(found, wanted, how=lambda value: value):
    assert how(found) == wanted, f"{shortened(found)} in place of {shortened(wanted)}"


def expect_rows(found, wanted):
    assert len(found) == len(wanted), f"{len(found)} rows in place of {len(wanted)}"
    for row, index in zip(found, wanted):
        expect((as_moment(row[0]), *row[1:]), model.row(index))


def as_moment(value):
    return model.moment(value) if isinstance(value, (bytes, bytearray)) else value


def shortened(value):
    text = repr(value)
    return text if len(text) < 60 else f"{text[:57]}…"


def reason(failure):
    text = " ".join(str(failure).split())
    return text[:110] if text and isinstance(failure, AssertionError) else f"{type(failure).__name__}: {text[:110]}"


def outcome(Client, mode, port, keys, checks=CHECKS):
    """Check by check: None for good, else why not; and the seconds that the whole profile took."""
    if why := Client.refuses(mode):
        return {"association": why}, None
    client, results, took = None, {}, None
    try:
        client = Client(mode, port, keys)
        client.connect()
        results["association"] = None
    except Exception as failure:  # the peers raise whatever they like
        return {"association": reason(failure)}, None
    for name, check in checks.items():
        begin = time.perf_counter()
        try:
            check(client)
            results[name] = None
        except Exception as failure:
            results[name] = reason(failure)
            client = another(Client, client, mode, port, keys)
            if client is None:
                results["next session"] = "refused"
                break
        if name == "profile":
            took = time.perf_counter() - begin
    with contextlib.suppress(Exception):
        client.close()
    return results, took


def another(Client, client, mode, port, keys):
    """A fresh session after a failure, which may have left the old one in the middle of something."""
    with contextlib.suppress(Exception):
        client.close()
    with contextlib.suppress(Exception):
        fresh = Client(mode, port, keys)
        fresh.connect()
        return fresh
    return None


def cell(results):
    """`✓`, or what is wrong; the first words of it."""
    wrong = {name: why for name, why in results.items() if why}
    if not wrong:
        return f"✓ {len(results)}"
    return f"{len(results) - len(wrong)}/{len(results)} " + "; ".join(f"{name}: {why}" for name, why in wrong.items())


def table(pairs, chosen, folder):
    """Pair by mode; `pairs` are (client, server context) by name."""
    lines = []
    for mode in chosen:
        for name, (Client, server) in pairs.items():
            keys = keys_of(mode, folder)
            try:
                with server(mode, keys) as port, contextlib.redirect_stdout(io.StringIO()):  # gurux prints
                    results, took = outcome(Client, mode, port, keys)
            except AssertionError as failure:
                results, took = {"server": reason(failure)}, None
            lines.append((name, mode, results, took))
            pace = f" ({took:.2f} s)" if took else ""
            print(f"  {name:22} {mode!s:45} {cell(results)}{pace}", flush=True)
    return lines


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--client", choices=("gurux", "pydlms"), action="append")
    arguments.add_argument("--mode", default="", help="only modes whose name has this in it")
    arguments = arguments.parse_args()
    chosen = [mode for mode in model.modes() if arguments.mode in str(mode)]
    known = clients()
    pairs = {f"{name} -> pydlms": (known[name], simulator) for name in arguments.client or known}
    with key_files() as folder:
        table(pairs, chosen, folder)


if __name__ == "__main__":
    main()
