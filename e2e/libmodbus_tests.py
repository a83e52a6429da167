"""libmodbus's own unit tests (BSD licence), fetched as Debian's source and never kept: their client against our server,
their server, with its registers that answer wrongly, against our client."""

import pathlib
import re
import subprocess
import tempfile

from harness import CACHE, PROGRAM, free_port, lines, process, serial_line, values, wait_for_port

FOLDER = CACHE / "libmodbus"

# What their client expects to find: unit-test.h of libmodbus 3.1.6.
IMAGE = """
coils = [{ address = 0x130, values = [%s] }]
discrete = [{ address = 0x1C4, values = [%s] }]
holding = [{ address = 0x160, values = [%s] }]
input = [{ address = 0x108, values = [10] }]
""" % (
    ", ".join(["0"] * 0x25),
    ", ".join(str(byte >> bit & 1) for byte in (0xAC, 0xDB, 0x35) for bit in range(8)).rsplit(", ", 2)[0],
    ", ".join(["0"] * 0x20),
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
    """One of the two programs, for these places. The client runs the sections whose functions our server has."""
    tests = fetch()
    header = (tests / "unit-test.h.in").read_text()
    header = re.sub(r"@\w+@", "1", header)
    source = (tests / f"{name}.c").read_text().replace("1502", str(port))
    source = re.sub(r'"/dev/ttyUSB\d"', f'"{device}"', source)
    if name == "unit-test-client":
        # Its floats fail on its own library; function 17 and the tests after it wait for ours.
        begin, end = source.index("    /** FLOAT **/"), source.index('    printf("\\nAt this point')
        source = source[:begin] + source[end:]
        source = source.replace('    printf("\\nTEST SLAVE REPLY:\\n");', "    success = TRUE; goto close;")
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
        with serial_line() as (near, far), tempfile.NamedTemporaryFile("w", suffix=".toml") as image:
            image.write(IMAGE)
            image.flush()
            port = free_port()
            place = ["--tcp", f"127.0.0.1:{port}"] if link == "tcp" else ["--rtu", far, "--baud", 115200]
            serve = [PROGRAM, "modbus", "serve", *place, "--unit", 17, "--image", image.name]
            with process(*serve, ready="serving"):
                done = subprocess.run([build("unit-test-client", near, port), link], capture_output=True, text=True, timeout=120)
        passed = done.stdout.count("OK")
        assert done.returncode == 0 and "assertion error" not in done.stdout, done.stdout[-1500:]
        print(f"  their client over {link}: {passed} checks")


def their_server():
    for link in ("tcp", "rtu"):
        with serial_line() as (near, far):
            port = free_port()
            place = ["--tcp", f"127.0.0.1:{port}"] if link == "tcp" else ["--rtu", near, "--baud", 115200]
            with process(build("unit-test-server", far, port), link, stderr=subprocess.DEVNULL):
                if link == "rtu":
                    values(*place, "--unit", 17, "--input", 0x108, "--timeout", "2s")  # it has opened its port by then
                torture(link, [*place, "--unit", 17])
        print(f"  their server over {link}: a busy exception, a wrong transaction or unit, a slow answer")


def torture(link, place):
    if link == "tcp":
        import time
        time.sleep(0.3)  # it serves one connection only, so it cannot be asked whether it listens
    reads = ["--holding", 0x160, "--holding", 0x170, "--holding", 0x171, "--holding", 0x172, "--holding", 0x160, "--input", 0x108]
    found = lines("modbus", "read", *place, *reads, "--timeout", "300ms")
    results = [entry.get("values", entry.get("error")) for entry in found]
    assert results[0] == [0] and results[1] == "exception" and found[1]["exception"] == 6, found
    assert results[2] in ("frame", "timeout"), "the reply of another unit or transaction is no value"
    assert results[3] in ("frame", "timeout") and results[4:] == [[0], [10]], f"the late answer is not the next one's: {found}"


def main():
    their_client()
    their_server()
