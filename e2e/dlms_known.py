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
    Known(ANY, "pydlms", lambda mode: mode.auth == "hls-gmac" and mode.suite, (ANY,),
          "the simulator proves itself with SC 10 of suite 0 whatever the suite"),
    Known("gurux", ANY, lambda mode: mode.envelope == "general-ciphering", (ANY,), "not in its interface"),
    Known("gurux", ANY, lambda mode: mode.auth == "hls-ecdsa" and mode.suite == 2, (ANY,), "takes no P-384 key to sign with"),
    Known("gurux", "pydlms", lambda mode: "ded" in mode.envelope, (ANY,),
          "pass 3 under the global key is answered under the dedicated one, which it does not take"),
    Known("gurux", ANY, lambda mode: mode.short_names and mode.auth.startswith("hls"), (ANY,), "no HLS with short names"),
    Known("gurux", ANY, short_names, ("SET in blocks", "ACTION", "profile", "by entry", "by range"),
          "blocks of short names end in errors of its own, a method's parameter is not sent"),
    Known("gurux", ANY, lambda mode: mode.block_window and mode.ciphered, ("SET in blocks",),
          "ciphers a SET in general blocks so that the meter drops it, and reports none"),
)


def excuse(client, server, mode, check):
    """Why a check of this pair in this mode may fail, if it may."""
    for known in KNOWN:
        fits = known.client in (ANY, client) and known.server in (ANY, server) and known.modes(mode)
        if fits and (ANY in known.checks or check in known.checks):
            return known.words
    return None
