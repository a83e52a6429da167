"""Clients of other people, each as its own documentation opens it: unit 1, holding registers, and no retries unless it is named so.

Run by itself it is one of them and prints what each read brought, null for an error:
clients.py pymodbus|pymodbus-3-retries|modbus-tk|umodbus|minimalmodbus PATH TIMEOUT_MS COUNT START...
"""

import functools
import json
import sys

import serial


def pymodbus(path, timeout, count, retries=0):
    from pymodbus.client import ModbusSerialClient

    client = ModbusSerialClient(path, baudrate=9600, timeout=timeout, retries=retries)
    client.connect()

    def read(start):
        response = client.read_holding_registers(start, count=count, device_id=1)
        return None if response.isError() else response.registers

    return read


def modbus_tk(path, timeout, count):
    from modbus_tk import defines, modbus_rtu

    master = modbus_rtu.RtuMaster(serial.Serial(path, 9600))
    master.set_timeout(timeout)
    return lambda start: list(master.execute(1, defines.READ_HOLDING_REGISTERS, start, count))


def umodbus(path, timeout, count):
    from umodbus.client.serial import rtu

    port = serial.Serial(path, 9600, timeout=timeout)
    return lambda start: rtu.send_message(rtu.read_holding_registers(1, start, count), port)


def minimalmodbus(path, timeout, count):
    from minimalmodbus import Instrument

    instrument = Instrument(path, 1)
    instrument.serial.baudrate, instrument.serial.timeout = 9600, timeout
    return lambda start: instrument.read_registers(start, count)


def attempt(read, start):
    try:
        return read(start)
    except Exception:  # each has its own family of errors
        return None


CLIENTS = {
    "pymodbus": pymodbus,
    "pymodbus-3-retries": functools.partial(pymodbus, retries=3),
    "modbus-tk": modbus_tk,
    "umodbus": umodbus,
    "minimalmodbus": minimalmodbus,
}

if __name__ == "__main__":
    name, path, *numbers = sys.argv[1:]
    milliseconds, count, *starts = map(int, numbers)
    read = CLIENTS[name](path, milliseconds / 1000, count)
    print(json.dumps([attempt(read, start) for start in starts]))
