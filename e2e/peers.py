"""Servers of other people: each holds register n = n + 1 at holding and input addresses 0 to 99, coil n = n is even.

Run by itself it is one of them: peers.py pymodbus|modbus-tk tcp PORT | rtu PATH
"""

import asyncio
import sys
import time

REGISTERS = [n + 1 for n in range(100)]
COILS = [n % 2 == 0 for n in range(100)]


async def pymodbus(link, where):
    from pymodbus import FramerType
    from pymodbus.server import StartAsyncSerialServer, StartAsyncTcpServer
    from pymodbus.simulator import DataType, SimData, SimDevice

    coils = [SimData(0, values=COILS, datatype=DataType.BITS)]
    registers = [SimData(0, values=REGISTERS, datatype=DataType.REGISTERS)]
    device = SimDevice(1, simdata=(coils, coils, registers, registers))
    print("ready", flush=True)
    if link == "tcp":
        await StartAsyncTcpServer(device, address=("127.0.0.1", int(where)))
    else:
        await StartAsyncSerialServer(device, port=where, framer=FramerType.RTU, baudrate=9600)


def modbus_tk(link, where):
    import serial
    from modbus_tk import defines, modbus_rtu, modbus_tcp

    if link == "tcp":
        server = modbus_tcp.TcpServer(address="127.0.0.1", port=int(where))
    else:
        server = modbus_rtu.RtuServer(serial.Serial(where, 9600))
    server.start()
    slave = server.add_slave(1)
    for name, kind, data in (
        ("holding", defines.HOLDING_REGISTERS, REGISTERS),
        ("input", defines.ANALOG_INPUTS, REGISTERS),
        ("coils", defines.COILS, [int(state) for state in COILS]),
        ("discrete", defines.DISCRETE_INPUTS, [int(state) for state in COILS]),
    ):
        slave.add_block(name, kind, 0, 100)
        slave.set_values(name, 0, data)
    print("ready", flush=True)
    while True:
        time.sleep(60)


if __name__ == "__main__":
    peer, link, where = sys.argv[1:]
    if peer == "pymodbus":
        asyncio.run(pymodbus(link, where))
    else:
        modbus_tk(link, where)
