"""A relay between a client and a server that spoils the replies to reads of certain holding registers, as libmodbus's own
test server does with its own: its client then finds in ours what it is made for.

0x170 busy · 0x171 another transaction or unit · 0x172 half a second late · 0x173 5 ms before each byte · two registers: one
"""

import contextlib
import os
import select
import socket
import threading
import time

from slave import crc


class Tcp:
    """Modbus TCP: the PDU behind seven bytes."""

    START = 7

    @staticmethod
    def sealed(head, pdu):
        return head[:4] + (len(pdu) + 1).to_bytes(2) + head[6:7] + pdu

    @staticmethod
    def strange(head):
        return bytes((head[0] ^ 0xFF, head[1])) + head[2:]


class Rtu:
    """Modbus RTU: the PDU between unit and checksum."""

    START = 1

    @staticmethod
    def sealed(head, pdu):
        return head + pdu + crc(head + pdu)

    @staticmethod
    def strange(head):
        return bytes((head[0] + 1,))


def pdu(frame, kind):
    return frame[kind.START :] if kind is Tcp else frame[kind.START : -2]


class Relay:
    """Passes requests on, one more register or one less, and spoils the replies that it remembers."""

    def __init__(self, kind, client, server):
        self.kind, self.client, self.server, self.spoilt = kind, client, server, None

    def request(self, frame):
        asked = pdu(frame, self.kind)
        self.spoilt = None
        if len(asked) == 5 and asked[0] == 3:
            self.spoilt = int.from_bytes(asked[1:3])
            if asked[3:] == b"\0\2":
                frame = self.kind.sealed(frame[: self.kind.START], asked[:4] + b"\1")
        self.server.write(frame)

    def reply(self, frame):
        head, answer = frame[: self.kind.START], pdu(frame, self.kind)
        match self.spoilt:
            case 0x170:
                self.client.write(self.kind.sealed(head, b"\x83\x06"))
            case 0x171:
                self.client.write(self.kind.sealed(self.kind.strange(head), answer))
            case 0x172:
                time.sleep(0.5)
                self.client.write(frame)
            case 0x173:
                for byte in frame:
                    time.sleep(0.005)
                    self.client.write(bytes((byte,)))
            case _:
                self.client.write(frame)

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                ready, _, _ = select.select([self.client, self.server], [], [])
                for end in ready:
                    data = end.read()
                    if not data:
                        return
                    self.request(data) if end is self.client else self.reply(data)


class Port:
    """A socket or a serial line; what comes within a moment is one frame."""

    def __init__(self, descriptor):
        self.descriptor = descriptor

    def fileno(self):
        return self.descriptor

    def read(self):
        data = os.read(self.descriptor, 1024)
        while data and select.select([self.descriptor], [], [], 0.002)[0]:
            more = os.read(self.descriptor, 1024)
            if not more:
                break
            data += more
        return data

    def write(self, data):
        os.write(self.descriptor, data)


def over_tcp(server_port):
    """Starts a relay to a server on this machine; gives the port where it takes one client."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        client, _ = listener.accept()
        with listener, client, socket.create_connection(("127.0.0.1", server_port)) as server:
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            Relay(Tcp, Port(client.fileno()), Port(server.fileno())).run()

    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1]


def over_rtu(client_path, server_path):
    """Starts a relay between two serial lines."""
    client, server = (Port(os.open(path, os.O_RDWR | os.O_NOCTTY)) for path in (client_path, server_path))
    threading.Thread(target=Relay(Rtu, client, server).run, daemon=True).start()
