"""Every function that pymodbus has, by its client against our server and by ours against its server, over TCP and a line.

Run by itself it is pymodbus as a server: functions.py tcp PORT | rtu PATH
"""

import asyncio
import contextlib
import sys
import tempfile
import time

from harness import PROGRAM, PYTHON, free_port, lines, process, serial_line, values, wait_for_port
from peers import COILS, REGISTERS

IMAGE = """
holding = [{ address = 0, values = [10, 20, 30, 40] }]
exception_status = 0x6D
server_id = [0x2A, 0xFF, 0x31]
fifo = [{ address = 0x04DE, values = [440, 4740] }]
file = [{ number = 4, records = [10, 11, 12, 13] }]
[id]
vendor_name = "Maker"
product_code = "EM-3"
revision = "1.0"
product_name = "%s"
0x80 = "%s"
""" % ("p" * 200, "o" * 100)


def functions():
    """Functions 7, 8, 11, 12, 17, 20 to 24 and 43 both ways, by pymodbus; its client reads no queue over RTU."""
    for link in ("tcp", "rtu"):
        with our_server(link) as place:
            print(f"  {link}: pymodbus's client, {their_client(link, place)} functions of our server")
        with their_server(link) as place:
            print(f"  {link}: pymodbus's server, {our_client(place)} functions by our client")


@contextlib.contextmanager
def our_server(link):
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as image, contextlib.ExitStack() as stack:
        image.write(IMAGE)
        image.flush()
        near, far = (None, free_port()) if link == "tcp" else stack.enter_context(serial_line())
        place = ["--tcp", f"127.0.0.1:{far}"] if link == "tcp" else ["--rtu", far]
        command = [PROGRAM, "-q", "modbus", "serve", *place, "--unit", 17, "--image", image.name]
        stack.enter_context(process(*command, ready="serving"))
        yield near or far


def their_client(link, place):
    from pymodbus.client import ModbusSerialClient, ModbusTcpClient
    from pymodbus.pdu.file_message import FileRecord

    client = ModbusTcpClient("127.0.0.1", port=place) if link == "tcp" else ModbusSerialClient(place, baudrate=9600)
    assert client.connect()
    found = {}

    def ask(code, method, *arguments, **named):
        reply = getattr(client, method)(*arguments, device_id=17, **named)
        assert not reply.isError(), (method, reply)
        found[code] = reply
        return reply

    assert ask(7, "read_exception_status").status == 0x6D
    assert ask(8, "diag_query_data", b"\xa5\x37").message == b"\xa5\x37"
    for sub in ("diagnostic_register", "bus_message_count", "bus_comm_error_count", "bus_exception_error_count", "device_message_count", "device_no_response_count", "device_nak_count", "device_busy_count", "bus_char_overrun_count"):
        ask(8, f"diag_read_{sub}")
    ask(8, "diag_clear_counters")
    ask(8, "diag_restart_communication", True)
    assert ask(11, "diag_get_comm_event_counter").status is not None
    assert ask(12, "diag_get_comm_event_log").events
    assert ask(17, "report_device_id").identifier[:1] == b"\x2a"
    # Its lengths are in bytes.
    [record] = ask(20, "read_file_record", [FileRecord(file_number=4, record_number=1, record_length=4)]).records
    assert record.record_data == bytes((0, 11, 0, 12)), record
    ask(21, "write_file_record", [FileRecord(file_number=4, record_number=1, record_data=b"\0\x63")])
    assert ask(20, "read_file_record", [FileRecord(file_number=4, record_number=1, record_length=2)]).records[0].record_data == b"\0\x63"
    ask(22, "mask_write_register", address=0, and_mask=0x0F, or_mask=0x20)
    assert ask(23, "readwrite_registers", read_address=0, read_count=2, write_address=1, values=[7]).registers == [10 & 0x0F | 0x20, 7]
    if link == "tcp":  # over RTU it takes the reply for two bytes shorter than it is
        assert ask(24, "read_fifo_queue", address=0x04DE).values == [440, 4740]
    first = ask(43, "read_device_information", read_code=3, object_id=0)
    rest = ask(43, "read_device_information", read_code=3, object_id=first.next_object_id)
    objects = {**first.information, **rest.information}
    assert objects == {0: b"Maker", 1: b"EM-3", 2: b"1.0", 4: b"p" * 200, 0x80: b"o" * 100}, objects
    client.close()
    return len(found)


@contextlib.contextmanager
def their_server(link):
    with contextlib.ExitStack() as stack:
        near, far = (None, free_port()) if link == "tcp" else stack.enter_context(serial_line())
        stack.enter_context(process(PYTHON, __file__, link, far, ready="ready", stderr=sys.stderr))
        if link == "tcp":
            wait_for_port(far)
            yield ["--tcp", f"127.0.0.1:{far}", "--unit", 1, "--timeout", "2s"]
        else:
            time.sleep(0.5)
            yield ["--rtu", near, "--unit", 1, "--timeout", "2s"]


def our_client(place):
    found = {}

    def raw(request, starts="", exception=None):
        [answer] = lines("modbus", "raw", *place, request)
        assert answer.get("exception") == exception and answer.get("reply", "").startswith(starts), (request, answer)
        found[answer["function"]] = answer

    raw("07", "07")
    raw("08 0000 A537", "080000a537")
    raw("08 000B 0000", "08000b")
    raw("08 000A 0000", "08000a")
    raw("0B", "0b")
    raw("0C", "0c")
    raw("11", "11")
    raw("14 07 06 0001 0000 000A", "141615")  # it has the same 20 bytes in every file
    raw("15 09 06 0001 0000 0001 0063", "15")
    raw("16 0003 0000 0007", "16000300000007")
    raw("17 0000 0002 0004 0001 02 0009", "170400010002")
    raw("18 0000", "18")
    named = {entry["name"]: entry["value"] for entry in lines("modbus", "id", *place)}
    assert named["vendor_name"] == "Maker" and named["revision"] == "1.0", named
    assert values(*place, "--holding", 3, "--count", 2) == [[7, 9]]
    return len({*found, 43})


async def serve(link, where):
    from pymodbus import FramerType, ModbusDeviceIdentification
    from pymodbus.server import StartAsyncSerialServer, StartAsyncTcpServer
    from pymodbus.simulator import DataType, SimData, SimDevice

    identity = ModbusDeviceIdentification(info_name={"VendorName": "Maker", "ProductCode": "EM-3", "MajorMinorRevision": "1.0"})
    coils = [SimData(0, values=COILS, datatype=DataType.BITS)]
    registers = [SimData(0, values=REGISTERS, datatype=DataType.REGISTERS)]
    device = SimDevice(1, simdata=(coils, coils, registers, registers))
    print("ready", flush=True)
    if link == "tcp":
        await StartAsyncTcpServer(device, address=("127.0.0.1", int(where)), identity=identity)
    else:
        await StartAsyncSerialServer(device, identity=identity, port=where, framer=FramerType.RTU, baudrate=9600)


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:]))
