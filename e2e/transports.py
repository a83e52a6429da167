"""UDP, TLS with certificates on both sides, and RTU frames over TCP: pymodbus and openssl against the program.

Run by itself it is pymodbus as a server: transports.py udp|tls|rtu-over-tcp PORT [FOLDER with certificates]
"""

import asyncio
import contextlib
import pathlib
import ssl
import subprocess
import sys
import tempfile

from harness import PROGRAM, PYTHON, ccmaster, free_port, lines, process, values, wait_for
from peers import COILS, REGISTERS

IMAGE = "holding = [{ address = 0, values = [10, 20, 30] }]\ncoils = [{ address = 0, values = [1, 0, 1] }]\n"
REQUEST = bytes.fromhex("000100000006110300000001")
ROLE = "1.3.6.1.4.1.50316.802.1=ASN1:UTF8String:"
WAYS = ("udp", "tls", "rtu-over-tcp")


def transports():
    """UDP, TLS with certificates on both sides and RTU over TCP, by pymodbus and openssl."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        certificates(folder)
        for way in WAYS:
            with their_server(way, folder) as place:
                our_client(place)
            print(f"  {way}: our client, pymodbus as server")
            with our_server(way, folder) as port:
                their_client(way, port, folder)
            print(f"  {way}: our server, pymodbus as client")
        who_is_refused(folder)
        roles(folder)


def certificates(folder):
    """A house and a stranger, each an authority; whom the house vouches for; one key of the old kind."""
    (folder / "req.conf").write_text("[req]\ndistinguished_name = name\n[name]\n")
    for authority in ("house", "stranger"):
        certificate(folder, authority, "-addext", "basicConstraints=critical,CA:TRUE")
    name = ["-addext", "subjectAltName=IP:127.0.0.1,DNS:meter.example"]
    vouched(folder, "server", "house", *name, "-addext", "extendedKeyUsage=serverAuth", kind="rsa:2048")
    client = ["-addext", "extendedKeyUsage=clientAuth"]
    vouched(folder, "nobody", "house", *client)
    vouched(folder, "burglar", "stranger", *client)
    for role in ("operator", "viewer"):
        vouched(folder, role, "house", *client, "-addext", ROLE + role)


def vouched(folder, name, authority, *options, kind="ec"):
    by = ["-CA", folder / f"{authority}.pem", "-CAkey", folder / f"{authority}.key"]
    certificate(folder, name, *by, "-addext", "basicConstraints=CA:FALSE", *options, kind=kind)


def certificate(folder, name, *options, kind="ec"):
    curve = ["-pkeyopt", "ec_paramgen_curve:P-256"] if kind == "ec" else []
    files = ["-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem"]
    command = ["openssl", "req", "-x509", "-config", folder / "req.conf", "-newkey", kind, *curve, "-nodes", "-days", "2"]
    subprocess.run([*command, "-subj", f"/CN={name}", *files, *options], check=True, capture_output=True)


def shows(folder, name, authority="house"):
    """The options of somebody who trusts an authority and shows the certificate of `name`."""
    return ["--ca", folder / f"{authority}.pem", "--cert", folder / f"{name}.pem", "--key", folder / f"{name}.key"]


@contextlib.contextmanager
def their_server(way, folder):
    port = free_port()
    place = [f"--{way}", f"127.0.0.1:{port}", *(shows(folder, "operator") if way == "tls" else []), "--unit", 1]
    with process(PYTHON, __file__, way, port, folder, ready="ready", stderr=subprocess.DEVNULL):
        wait_for(lambda: values(*place, "--holding", 0) == [[1]], 10, f"pymodbus over {way}")
        yield [*place, "--timeout", "2s"]


def our_client(place):
    assert values(*place, "--holding", 0, "--input", 7, "--count", 100 - 7)[1] == list(range(8, 101))
    assert values(*place, "--coil", 0, "--discrete", 1, "--count", 4) == [[1, 0, 1, 0], [0, 1, 0, 1]]
    [refused] = lines("modbus", "read", *place, "--holding", 99, "--count", 2)
    assert (refused["error"], refused["exception"]) == ("exception", 2), refused
    for assignment in (["--holding", "3=777"], ["--holding", "3=1,65535"], ["--coil", "9=1"]):
        assert lines("modbus", "write", *place, *assignment)[0]["ok"], assignment
    assert values(*place, "--holding", 3, "--coil", 9, "--count", 2) == [[1, 65535], [1, 1]]


@contextlib.contextmanager
def our_server(way, folder, *more):
    port = free_port()
    image = folder / "image.toml"
    image.write_text(IMAGE)
    place = [f"--{way}", f"127.0.0.1:{port}", *(shows(folder, "server") if way == "tls" else [])]
    command = [PROGRAM, "-q", "modbus", "serve", *place, "--unit", 17, "--image", image, *more]
    with process(*command, ready="serving"):
        yield port


def client(way, port, folder, name):
    from pymodbus import FramerType
    from pymodbus.client import ModbusTcpClient, ModbusTlsClient, ModbusUdpClient

    if way == "udp":
        return ModbusUdpClient("127.0.0.1", port=port)
    if way == "rtu-over-tcp":
        return ModbusTcpClient("127.0.0.1", port=port, framer=FramerType.RTU)
    return ModbusTlsClient("127.0.0.1", port=port, sslctx=context(ssl.PROTOCOL_TLS_CLIENT, folder, name), retries=0)


def context(side, folder, name):
    found = ssl.SSLContext(side)
    # pymodbus does not say whom it wants to reach; the certificate is verified all the same.
    found.check_hostname = False
    found.verify_mode = ssl.CERT_REQUIRED
    found.load_verify_locations(folder / "house.pem")
    found.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    return found


def their_client(way, port, folder):
    one, two = client(way, port, folder, "operator"), client(way, port, folder, "nobody")
    assert one.connect() and two.connect()
    assert one.read_holding_registers(0, count=3, device_id=17).registers == [10, 20, 30]
    assert two.read_coils(0, count=3, device_id=17).bits[:3] == [True, False, True]
    assert not one.write_registers(1, [21, 31], device_id=17).isError()
    assert not one.write_coil(1, True, device_id=17).isError()
    assert two.read_holding_registers(0, count=3, device_id=17).registers == [10, 21, 31]
    assert two.read_holding_registers(60, count=1, device_id=17).exception_code == 2
    one.close()
    two.close()


def who_is_refused(folder):
    """Both sides: whoever shows nothing, or what nobody trusted vouches for, gets no Modbus."""
    with our_server("tls", folder) as port:
        for version, alert in (("-tls1_3", "certificate required"), ("-tls1_2", "alert"), ("-tls1_1", "alert")):
            command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-quiet", version]
            command += ["-CAfile", folder / "house.pem", "-cipher", "ALL:@SECLEVEL=0"]
            done = subprocess.run(command, input=REQUEST, capture_output=True, timeout=20)
            assert done.returncode and not done.stdout and alert in done.stderr.decode(), (version, done)
        print("  openssl s_client without a certificate, and with TLS 1.1: refused")
        for name, authority in (("burglar", "house"), ("nobody", "stranger")):
            read = ["modbus", "read", "--tls", f"127.0.0.1:{port}", *shows(folder, name, authority)]
            done = ccmaster(*read, "--unit", 17, "--holding", 0)
            assert done.returncode == 1 and not done.stdout, done
            print(f"  {done.stderr.strip()[:110]}")
        read = ["modbus", "read", *shows(folder, "operator"), "--unit", 17, "--holding", 0, "--tls"]
        assert ccmaster(*read, f"127.0.0.1:{port}", "--server-name", "meter.example").returncode == 0
        assert "not valid for name" in ccmaster(*read, f"127.0.0.1:{port}", "--server-name", "other.example").stderr


def roles(folder):
    """What a role may do, by pymodbus."""
    with our_server("tls", folder, "--role", "operator=write", "--role", "viewer=read") as port:
        for name, reads, writes in (("operator", 0, 0), ("viewer", 0, 1), ("nobody", 1, 1)):
            who = client("tls", port, folder, name)
            assert who.connect()
            assert who.read_holding_registers(0, count=1, device_id=17).exception_code == reads, name
            assert who.write_register(0, 10, device_id=17).exception_code == writes, name
            assert who.write_coils(0, [True], device_id=17).exception_code == writes, name
            who.close()
    print("  roles: operator writes, viewer reads, nobody gets exception 1")


async def serve(way, port, folder):
    from pymodbus import FramerType
    from pymodbus.server import StartAsyncTcpServer, StartAsyncTlsServer, StartAsyncUdpServer
    from pymodbus.simulator import DataType, SimData, SimDevice

    coils = [SimData(0, values=COILS, datatype=DataType.BITS)]
    registers = [SimData(0, values=REGISTERS, datatype=DataType.REGISTERS)]
    device = SimDevice(1, simdata=(coils, coils, registers, registers))
    address = ("127.0.0.1", port)
    print("ready", flush=True)
    if way == "udp":
        await StartAsyncUdpServer(device, address=address)
    elif way == "tls":
        await StartAsyncTlsServer(device, address=address, sslctx=context(ssl.PROTOCOL_TLS_SERVER, folder, "server"))
    else:
        await StartAsyncTcpServer(device, address=address, framer=FramerType.RTU)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2]), pathlib.Path(sys.argv[3])))
