"""DLMS/COSEM: our client and our meter against gurux-dlms and pydlms-client, mode by mode, and the time of a profile."""

import argparse
import contextlib
import io
import pathlib
import time

import dlms_model as model
from dlms_faults import faults
from dlms_known import excuse, is_open
from dlms_ours import Ours, our_meter, usable
from dlms_peers import clients, key_files, keys_of, outcome, reason, simulator

ROUNDS = 5
TIMED = (
    model.Mode("hdlc"), model.Mode("wrapper"), model.Mode("hdlc", "lls", "both"), model.Mode("wrapper", "lls", "both"),
)


def pairs(mode):
    """(client's name, client, server's name, server): ours reads theirs, theirs reads ours; ours ours where they cannot."""
    yield "ours", Ours, "pydlms", simulator
    if excuse("ours", "pydlms", mode, "profile"):
        yield "ours", Ours, "ours", our_meter
    for name, Client in clients().items():
        yield name, Client, "ours", our_meter


def judged(client, server, mode, results):
    """`✓ 12/12`; `–` where a peer is to blame, and what for; `✗` where nobody but us is. The second says whether that is news."""
    wrong = {check: why for check, why in results.items() if why}
    excused = {check: excuse(client, server, mode, check) for check in wrong if excuse(client, server, mode, check)}
    ours = {check: why for check, why in wrong.items() if check not in excused}
    said = [f"{words} ({next(wrong[check] for check in excused if excused[check] == words)})" for words in sorted(set(excused.values()))]
    known = {check: is_open(client, server, mode, check) for check in ours}
    said += [f"{check}: {known[check] or why}" for check, why in ours.items()]
    mark = "✗" if ours else "–" if wrong else "✓"
    return "; ".join([f"{mark} {len(results) - len(wrong)}/{len(results)}", *said]), not all(known.values())


def matrix(folder, wanted="", pair=""):
    """Every pair in every mode: (mode, pair, words, whether that is bad)."""
    for mode in model.modes():
        if wanted not in str(mode):
            continue
        for client, Client, server, serve in pairs(mode):
            name = f"{client} -> {server}"
            if pair not in name:
                continue
            keys = keys_of(mode, folder)
            try:
                with serve(mode, keys) as port, contextlib.redirect_stdout(io.StringIO()):  # gurux prints
                    results, _ = outcome(Client, mode, port, keys)
            except AssertionError as failure:
                results = {"server": reason(failure)}
            words, is_bad = judged(client, server, mode, results)
            print(f"  {name:16} {mode!s:45} {words}", flush=True)
            yield str(mode), name, words, is_bad


def markdown(lines):
    """The matrix as a README has it: a mode a line, a pair a column."""
    names = sorted({name for _, name, _, _ in lines})
    cells = {(mode, name): words for mode, name, words, _ in lines}
    yield f"| Mode | {' | '.join(names)} |"
    yield "|---" * (len(names) + 1) + "|"
    for mode in dict.fromkeys(mode for mode, _, _, _ in lines):
        yield f"| {mode} | {' | '.join(brief(cells.get((mode, name), '')) for name in names)} |"


def brief(words):
    """`✓` needs no count; a reason needs no message of the peer's."""
    mark, *reasons = words.split("; ")
    good = mark.startswith("✓")
    return "✓" if good else "; ".join([mark, *(one.split(" (")[0] for one in reasons)]).replace("|", "/")


def timed(Client, mode, port, keys):
    """From nothing to the last row, decoded, and the end of the session: a process of its own with us, none with a peer."""
    with contextlib.redirect_stdout(io.StringIO()):
        client = Client(mode, port, keys)
        begin = time.perf_counter()
        if Client is not Ours:  # its every call opens and closes
            client.connect()
        rows = client.rows()
        client.close()
        took = time.perf_counter() - begin
    assert len(rows) == model.ROWS
    return took


def profile_times(folder):
    """The whole profile from one server: ours at most as long as gurux's, best of a few turns."""
    Gurux = clients()["gurux"]
    bad = []
    for mode in TIMED:
        keys = keys_of(mode, folder)
        with simulator(mode, keys) as port:
            turns = [(timed(Ours, mode, port, keys), timed(Gurux, mode, port, keys)) for _ in range(ROUNDS)]
        ours, theirs = (min(times) for times in zip(*turns))
        line = f"{model.ROWS} rows, {mode}: {ours:.3f} s, gurux-dlms {theirs:.3f} s"
        print(f"  {line}", flush=True)
        bad += [line] * (ours > theirs)
    return bad


def dlms(wanted="", pair="", table=None):
    """DLMS: our client and our meter against other people's in every mode, faults by name, a profile against the clock."""
    assert not (why := usable()), why
    with key_files() as folder:
        lines = list(matrix(folder, wanted, pair))
        bad = [" ".join(line[:3]) for line in lines if line[3]]
        if not (wanted or pair):
            bad += faults(folder, clients()) + profile_times(folder)
    if table:
        pathlib.Path(table).write_text("\n".join(markdown(lines)) + "\n")
    assert not bad, "\n".join(["not as it should be:", *bad])


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--mode", default="", help="only modes whose name has this in it")
    arguments.add_argument("--pair", default="", help="only pairs whose name has this in it, such as `ours -> pydlms`")
    arguments.add_argument("--table", help="write the matrix to this file, in Markdown")
    arguments = arguments.parse_args()
    dlms(arguments.mode, arguments.pair, arguments.table)


if __name__ == "__main__":
    main()
