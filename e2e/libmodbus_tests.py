"""libmodbus's own unit tests (BSD licence), fetched as Debian's source and never kept: their client against our server,
their server, with its registers that answer wrongly, against our client."""

import contextlib
import pathlib
import re
import subprocess
import tempfile
import time

import spoiler
from harness import CACHE, PROGRAM, free_port, lines, process, serial_line, values

FOLDER = CACHE / "libmodbus"

# What their client expects to find: unit-test.h of libmodbus 3.1.6.
IMAGE = """
coils = [{ address = 0x130, values = [%s] }]
discrete = [{ address = 0x1C4, values = [%s] }]
holding = [{ address = 0x160, values = [%s] }]
input = [{ address = 0x108, values = [10] }]
server_id = %s
""" % (
    ", ".join(["0"] * 0x25),
    ", ".join(str(byte >> bit & 1) for byte in (0xAC, 0xDB, 0x35) for bit in range(8)).rsplit(", ", 2)[0],
    ", ".join(["0"] * 0x20),
    list(b"\xb4\xffLMB3.1.6"),
)


def fetch():
    """The source package, by the machine's own list of sources."""
    found = sorted(FOLDER.glob("libmodbus-*/tests"))
    if found:
        return found[0]
    (FOLDER / "lists" / "partial").mkdir(parents=True, exist_ok=True)
    listed = FOLDER / "source.sources"
    debian = pathlib.Path("/etc/apt/sources.list.d/debian.sources")
    if debian.exists():
        listed.write_text(re.sub(r"(?m)^Types: deb$", "Types: deb-src", debian.read_text()))
    else:
        listed = FOLDER / "source.list"
        listed.write_text(re.sub(r"(?m)^deb ", "deb-src ", pathlib.Path("/etc/apt/sources.list").read_text()))
    options = [f"Dir::Etc::sourcelist={listed}", "Dir::Etc::sourceparts=-", f"Dir::State::lists={FOLDER / 'lists'}"]
    apt = ["apt-get", "-qq", *(part for option in options for part in ("-o", option))]
    for command in ([*apt, "update"], [*apt, "source", "--download-only", "libmodbus"]):
        if subprocess.run(command, cwd=FOLDER, stderr=subprocess.DEVNULL).returncode:
            subprocess.run(command, cwd=FOLDER, check=True)  # once more, and aloud
    [archive] = FOLDER.glob("libmodbus_*.orig.tar.*")
    subprocess.run(["tar", "-xf", archive], cwd=FOLDER, check=True)
    return next(FOLDER.glob("libmodbus-*/tests"))


def build(name, device, port):
    """One of the two programs, for these places: the client without its floats, which fail on its own library."""
    tests = fetch()
    header = (tests / "unit-test.h.in").read_text()
    header = re.sub(r"@\w+@", "1", header)
    source = (tests / f"{name}.c").read_text().replace("1502", str(port))
    source = re.sub(r'"/dev/ttyUSB\d"', f'"{device}"', source)
    if name == "unit-test-client":
        begin, end = source.index("    /** FLOAT **/"), source.index('    printf("\\nAt this point')
        source = source[:begin] + source[end:]
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "unit-test.h").write_text(header)
        (folder / f"{name}.c").write_text(source)
        program = FOLDER / f"{name}-{port}"
        command = ["gcc", "-w", "-I/usr/include/modbus", f"-I{folder}", "-o", program, folder / f"{name}.c", "-lmodbus"]
        subprocess.run(command, check=True)
    return program


def their_client():
    for link in ("tcp", "rtu"):
        done = run_their_client(link)
        # The relay sends bytes 5 ms apart where their client bears 7: a busy machine is nobody's fault.
        for _ in range(4):
            if re.search(r"7ms > 5ms\): (?!OK)", done.stdout):
                print("  the relay was late; once more")
                done = run_their_client(link)
        passed, failed = done.stdout.count("OK\n"), done.stdout.count("FAILED") + done.stdout.count("assertion error")
        assert done.returncode == 0 and "ALL TESTS PASS" in done.stdout and not failed, done.stdout[-1500:]
        print(f"  their client over {link}: {passed} checks passed, {failed} failed; left out: floats, which fail on their own library")


def run_their_client(link):
    with contextlib.ExitStack() as stack:
        device, port = between(link, stack)
        client = build("unit-test-client", device, port)
        return subprocess.run([client, link], capture_output=True, text=True, timeout=120)


def between(link, stack):
    """Our server behind a relay that spoils what their client wants spoilt; gives the client's serial port and TCP port."""
    image = stack.enter_context(tempfile.NamedTemporaryFile("w", suffix=".toml"))
    image.write(IMAGE)
    image.flush()
    serve = [PROGRAM, "-q", "modbus", "serve", "--image", image.name]
    if link == "tcp":
        # Over TCP their client wants an answer from unit 18, and from 0 and 255, which any server is.
        port = free_port()
        stack.enter_context(process(*serve, "--tcp", f"127.0.0.1:{port}", "--unit", 18, ready="serving"))
        return "none", spoiler.over_tcp(port)
    client, relayed = stack.enter_context(serial_line())
    near, far = stack.enter_context(serial_line())
    stack.enter_context(process(*serve, "--rtu", far, "--baud", 115200, "--unit", 17, ready="serving"))
    spoiler.over_rtu(relayed, near)
    return client, 0


def their_server():
    for link in ("tcp", "rtu"):
        for test in (spoilt, short, slow, names_itself):
            with serial_line() as (near, far):
                port = free_port()
                place = ["--tcp", f"127.0.0.1:{port}"] if link == "tcp" else ["--rtu", near, "--baud", 115200]
                with process(build("unit-test-server", far, port), link, stderr=subprocess.DEVNULL):
                    if link == "rtu":
                        values(*place, "--unit", 17, "--input", 0x108, "--timeout", "2s")  # it has opened its port by then
                    else:
                        time.sleep(0.3)  # it serves one connection only, so it cannot be asked whether it listens
                    test(link, [*place, "--unit", 17])
            print(f"  their server over {link}: {test.__doc__}")


def spoilt(link, place):
    """a busy exception, a wrong transaction or unit, an answer that comes too late"""
    reads = ["--holding", 0x160, "--holding", 0x170, "--holding", 0x171, "--holding", 0x172, "--holding", 0x160, "--input", 0x108]
    found = lines("modbus", "read", *place, *reads, "--timeout", "300ms")
    results = [entry.get("values", entry.get("error")) for entry in found]
    assert results[0] == [0] and results[1] == "exception" and found[1]["exception"] == 6, found
    assert results[2] in ("frame", "timeout"), "the reply of another unit or transaction is no value"
    assert results[3] in ("frame", "timeout") and results[4:] == [[0], [10]], f"the late answer is not the next one's: {found}"


def short(link, place):
    """one register where two were asked"""
    [found] = values(*place, "--holding", 0x160, "--count", 2, "--timeout", "1s")
    assert found in ("frame", "timeout"), "one register where two were asked is no value"


def slow(link, place):
    """an answer after half a second, and one byte by byte (over TCP only)"""
    reads = ["--holding", 0x172] + (["--holding", 0x173] if link == "tcp" else [])
    if link == "tcp":
        place = [*place[:-1], 255]  # whatever it is asked, it answers that as unit 255
    assert values(*place, *reads, "--timeout", "2s") == [[0]] * (len(reads) // 2)


def names_itself(link, place):
    """its server ID, as it has no identification"""
    [name] = lines("modbus", "id", *place, "--timeout", "2s")
    assert name["name"] == "server_id" and bytes.fromhex(name["hex"])[1:5] == b"\xffLMB", name


def main():
    their_client()
    their_server()
