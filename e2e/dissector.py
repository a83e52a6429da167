"""Every function's request and reply, as small and as large as can be, as our client and server have them on the wire: what
tshark makes of them."""

import os
import re
import subprocess
import tempfile

from harness import ROOT

PORT = 1502


def dissector():
    """tshark finds no malformed frame of ours, and no wrong checksum, for any function."""
    command = ["cargo", "test", "--quiet", "-p", "ccm-modbus", "--test", "every_size", "--", "--nocapture", "--test-threads=1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-1500:]
    frames = re.findall(r"frame (\S+) ([IO]) (\w+)\n", done.stdout)
    for way, protocol in (("tcp", "mbtcp"), ("rtu", "mbrtu")):
        count(way, protocol, [(direction, data) for kind, direction, data in frames if kind == way])


def count(way, protocol, frames):
    with tempfile.TemporaryDirectory() as folder:
        text, capture = os.path.join(folder, "frames.txt"), os.path.join(folder, "frames.pcap")
        with open(text, "w") as file:
            for direction, data in frames:
                file.write(f"{direction}\n0000 {bytes.fromhex(data).hex(' ')}\n\n")
        # What comes in is a request, to our port.
        subprocess.run(["text2pcap", "-q", "-D", "-T", f"40000,{PORT}", text, capture], check=True, capture_output=True)
        options = ["-d", f"tcp.port=={PORT},{protocol}", "-o", f"{protocol}.tcp.port:{PORT}"]
        if protocol == "mbrtu":
            options += ["-o", "mbrtu.crc_verification:TRUE"]
        shown = lambda wanted: tshark(capture, options, wanted)
        dissected, codes = shown("modbus"), set(shown("modbus.func_code"))
        malformed, checksums = shown("_ws.malformed"), shown("mbrtu.crc16.incorrect")
    # A function code and nothing else between unit and checksum is too little for tshark to call it Modbus.
    short = sum(len(data) < 10 for _, data in frames)
    print(f"  {way}: {len(frames)} frames of {len(codes)} functions, {len(dissected)} dissected, {len(malformed)} malformed,"
          f" {len(checksums)} wrong checksums; {short} of 4 bytes are too short for it")
    assert len(dissected) == len(frames) - short > 0 and not malformed and not checksums, (malformed, checksums)


def tshark(capture, options, wanted):
    """The function codes of the frames that a filter finds."""
    command = ["tshark", "-r", capture, *options, "-Y", wanted, "-T", "fields", "-e", "modbus.func_code"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.split("\n")[:-1]
