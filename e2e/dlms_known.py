"""Faults and limits of the peers that the DLMS tests run into: (client, server, which modes, which checks, words)."""

import dataclasses
from collections.abc import Callable

ANY = "*"


@dataclasses.dataclass(frozen=True)
class Known:
    client: str
    server: str
    modes: Callable
    checks: tuple
    words: str


def short_names(mode):
    return mode.short_names


KNOWN = (
    Known(ANY, "pydlms", short_names, ("by entry", "by range"), "the simulator takes no selection with short names, and gives all"),
    Known("ours", "pydlms", short_names, ("SET in blocks", "profile"),
          "the simulator's blocks of a long read hold the bare value, not the list of results"),
    Known("pydlms", "ours", short_names, ("SET in blocks", "profile", "by entry", "by range"),
          "takes the blocks of a long read for the bare value"),
    Known(ANY, "pydlms", lambda mode: mode.auth == "hls-gmac" and mode.suite, (ANY,),
          "the simulator proves itself with SC 10 of suite 0 whatever the suite"),
    Known("gurux", ANY, lambda mode: mode.envelope == "general-ciphering", (ANY,), "not in its interface"),
    Known("gurux", ANY, lambda mode: mode.auth == "hls-ecdsa" and mode.suite == 2, (ANY,), "takes no P-384 key to sign with"),
    Known("gurux", "pydlms", lambda mode: "ded" in mode.envelope, (ANY,),
          "pass 3 under the global key is answered under the dedicated one, which it does not take"),
    Known("gurux", ANY, lambda mode: mode.short_names and mode.auth.startswith("hls"), (ANY,),
          "proves itself by a write, whose answer has no place for the meter's proof"),
    Known("gurux", ANY, short_names, ("SET in blocks", "profile", "by entry", "by range"),
          "blocks of short names end in errors of its own: setTotalCount is not there, a position is out of range"),
    Known("gurux", "pydlms", short_names, ("ACTION",), "invokes a method by a write, which the simulator takes for a write and no more"),
    Known("gurux", "ours", lambda mode: mode.window > 1, (ANY,), "takes no windows of more than one frame, which it says it takes"),
    Known("gurux", ANY, lambda mode: mode.block_window and mode.ciphered, ("SET in blocks",),
          "none of its general blocks says that it is the last"),
)


# What is not done or not right on our side. It is printed with ✗, and does not end the run: what is new does.
OPEN = (
    Known("ours", ANY, lambda mode: mode.envelope == "general-ciphering", (ANY,), "our client has no general-ciphering within a session"),
    Known("ours", ANY, short_names, ("ACTION",), "our client does not invoke methods by short name"),
    Known(ANY, "ours", lambda mode: bool(mode.block_window), (ANY,),
          "our meter nests the blocks of a long read in general blocks, and they overlap"),
)


def excuse(client, server, mode, check):
    """Why a check of this pair in this mode may fail by the peer's doing, if it may."""
    return words(KNOWN, client, server, mode, check)


def is_open(client, server, mode, check):
    """What of ours is known to make this check fail."""
    return words(OPEN, client, server, mode, check)


def words(table, client, server, mode, check):
    for known in table:
        fits = known.client in (ANY, client) and known.server in (ANY, server) and known.modes(mode)
        if fits and (ANY in known.checks or check in known.checks):
            return known.words
    return None
