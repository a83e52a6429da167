"""A meter with a fault, read by our client and by a peer: each fault has its own name, gives no value, or is lived through."""

import contextlib
import io

import dlms_model as model
from dlms_ours import Ours, Refused, our_meter
from dlms_peers import expect_rows, keys_of, reason

PLAIN, SECURE = model.Mode("hdlc"), model.Mode("hdlc", "hls-gmac", "both")
LIVED = None  # the profile comes whole and right all the same

# A fault, how the meter is talked to, and which errors our client may name.
FAULTS = (
    ("bad-tag", SECURE, {"wrong-tag"}),
    ("stale-counter", SECURE, {"replay"}),
    ("missing-protection", SECURE, {"policy"}),
    ("broadcast-bit", SECURE, {"broadcast"}),
    ("truncated-block", PLAIN, {"block", "truncated", "data", "message"}),
    ("block-jump", PLAIN, {"block"}),
    ("wrong-invoke-id", PLAIN, {"invoke-id"}),
    ("silence", PLAIN, {"timeout"}),
    ("bad-fcs", PLAIN, LIVED),
    ("lost-frame", PLAIN, LIVED),
    ("doubled-frame", PLAIN, LIVED),
    ("one-byte-address", PLAIN, LIVED),
    ("two-byte-address", PLAIN, LIVED),
    ("four-byte-address", PLAIN, LIVED),
    ("no-llc", PLAIN, LIVED),
    ("empty-ua", PLAIN, LIVED),
    ("small-pdu", PLAIN, LIVED),
    ("general-envelope", SECURE, LIVED),
)


WRONG_KEY = {"wrong-tag", "wrong-key", "service-error"}  # the last is the meter's word for what it cannot decipher
ROWS = 60  # where every third frame costs a time-out


class Impatient(Ours):
    """Waits no longer than a meter on loopback takes."""

    def lines(self, *wanted):
        return super().lines("--timeout", "300ms", "--retries", 5, *wanted)


class WrongKey(Ours):
    """Has another key than the meter."""

    def environment(self):
        return {**super().environment(), "CCMASTER_DLMS_EK": bytes(16).hex()}


def met(Client, mode, keys, *more, rows=model.ROWS):
    """What came of the profile: nothing wrong, or the error."""
    with our_meter(mode, keys, *more, rows=rows) as port, contextlib.redirect_stdout(io.StringIO()):
        client = Client(mode, port, keys)
        try:
            client.connect()
            expect_rows(client.rows(), range(rows))
        except Exception as failure:  # a peer's is whatever it likes
            return failure
        finally:
            with contextlib.suppress(Exception):
                client.close()
    return None


def named(failure):
    return str(failure).split(":")[0] if isinstance(failure, Refused) else None


def judged(name, failure, allowed):
    good = failure is None if allowed is LIVED else named(failure) in allowed
    return f"{name:20} {'✓' if good else '✗'} {shown(failure)}", good


def faults(folder, peers):
    """Every fault; gives the lines that are wrong. What peers make of the forged ones is said, and judges nobody."""
    bad = []
    for fault, mode, allowed in FAULTS:
        keys, more = keys_of(mode, folder), ("--fault", fault)
        rows = ROWS if allowed is LIVED else model.ROWS
        line, good = judged(fault, met(Impatient, mode, keys, *more, rows=rows), allowed)
        said = peers.items() if mode is SECURE and allowed else ()
        print("  " + "; ".join([line, *(f"{name}: {shown(met(Peer, mode, keys, *more))}" for name, Peer in said)]), flush=True)
        bad += [line] * (not good)
    line, good = judged("wrong key", met(WrongKey, SECURE, keys_of(SECURE, folder)), WRONG_KEY)
    print(f"  {line}", flush=True)
    return bad + [line] * (not good)


def shown(failure):
    return "all rows" if failure is None else reason(failure)
