"""gurux-dlms as a client of a meter: its public interface in the words of the tests. The socket is ours, as it has none."""

import contextlib
import socket

import dlms_model as model
from gurux_dlms import GXByteBuffer, GXDateTime, GXDLMSClient, GXReplyData
from gurux_dlms.enums import Authentication, Conformance, DataType, InterfaceType, ObjectType, Security
from gurux_dlms.objects import GXDLMSCaptureObject
from gurux_dlms.objects.enums import SecuritySuite
from gurux_dlms.secure import GXDLMSSecureClient

PROTECTIONS = {
    "auth": Security.AUTHENTICATION, "enc": Security.ENCRYPTION, "both": Security.AUTHENTICATION_ENCRYPTION, "none": Security.NONE,
}


def plain(value):
    """Numbers, octets and lists of what gurux makes of them."""
    if isinstance(value, (bytearray, bytes)):
        return bytes(value)
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, GXDateTime):
        return value.value
    return value


class Gurux:
    """One session."""

    name = "gurux-dlms 1.0.203"

    def __init__(self, mode, port, keys):
        interface = InterfaceType.HDLC if mode.framing == "hdlc" else InterfaceType.WRAPPER
        server = GXDLMSClient.getServerAddress(1, mode.physical) if mode.physical is not None else 1
        password = model.PASSWORD if mode.auth in ("lls", "hls", "hls-md5", "hls-sha1", "hls-sha256") else None
        authentication = Authentication(model.MECHANISMS[mode.auth])
        self.client = GXDLMSSecureClient(not mode.short_names, mode.client, server, authentication, password, interface)
        self.mode, self.port, self.keys, self.socket = mode, port, keys, None
        self.known = {}
        self.secure()

    def secure(self):
        mode, ciphering = self.mode, self.client.ciphering
        if mode.window > 1:
            self.client.hdlcSettings.windowSizeTX = self.client.hdlcSettings.windowSizeRX = mode.window
        if mode.block_window:
            self.client.proposedConformance |= Conformance.GENERAL_BLOCK_TRANSFER
            self.client.setGbtWindowSize(mode.block_window)
        if not mode.titled:
            return
        ciphering.systemTitle = model.CLIENT_TITLE
        ciphering.securitySuite = SecuritySuite(mode.suite)
        ciphering.blockCipherKey, ciphering.authenticationKey = mode.keys
        ciphering.security = PROTECTIONS[mode.protection]
        ciphering.invocationCounter = model.first_counter()
        if mode.envelope.startswith("general"):
            self.client.proposedConformance |= Conformance.GENERAL_PROTECTION
        elif mode.ciphered:
            self.client.proposedConformance &= ~Conformance.GENERAL_PROTECTION
        if "ded" in mode.envelope:
            ciphering.dedicatedKey = model.DEDICATED[: mode.key_length]
        if mode.auth == "hls-ecdsa":
            self.sign()

    def sign(self):
        from gurux_dlms.asn import GXPkcs8

        own = GXPkcs8.fromPem((self.keys / "client.pem").read_text())
        theirs = GXPkcs8.fromPem((self.keys / "server.pem").read_text())  # it takes no public key alone
        self.client.ciphering.signingKeyPair = (theirs.publicKey, own.privateKey)

    def connect(self):
        self.socket = socket.create_connection(("127.0.0.1", self.port), 5)
        self.socket.settimeout(5)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        request = self.client.snrmRequest()
        if request:
            self.client.parseUAResponse(self.exchange(request).data)
        self.client.parseAareResponse(self.exchange(self.client.aarqRequest()).data)
        if self.client.isAuthenticationRequired:
            answer = self.exchange(self.client.getApplicationAssociationRequest())
            self.client.parseApplicationAssociationResponse(answer.data)
        if self.mode.short_names:
            self.objects()

    def close(self):
        if self.socket is None:
            return
        with contextlib.suppress(OSError, TimeoutError), self.socket:
            for make in (self.client.releaseRequest, self.client.disconnectRequest):  # making one sets the numbers back
                if request := make():
                    self.exchange(request)

    def exchange(self, frames):
        """Every frame of a request and what the last one brings, to its last block."""
        reply = GXReplyData()
        for frame in frames if isinstance(frames, list) else [frames]:
            reply = GXReplyData()
            self.one(frame, reply)
        while reply.isMoreData():
            self.one(None if reply.isStreaming() else self.client.receiverReady(reply), reply)
        return reply

    def one(self, frame, reply):
        if frame:
            self.socket.sendall(bytes(frame))
        heard, notify = GXByteBuffer(), GXReplyData()
        reply.error = 0
        while True:
            piece = self.socket.recv(65536)
            if not piece:
                raise ConnectionError("closed by the server")
            heard.set(piece)
            if self.client.getData(heard, reply, notify):
                break
        if reply.error:
            raise RuntimeError(f"{reply.getErrorMessage()} ({reply.error})")

    def thing(self, kind, code):
        if (kind, code) not in self.known:
            made = GXDLMSClient.createObject(ObjectType(kind))
            made.logicalName = code
            self.known[kind, code] = made
        return self.known[kind, code]

    def get(self, kind, code, attribute):
        return plain(self.exchange(self.client.read(self.thing(kind, code), attribute)).value)

    def get_list(self, targets):
        values = []
        for request in self.client.readList([(self.thing(kind, code), attribute) for kind, code, attribute in targets]):
            values += self.exchange(request).value
        return plain(values)

    def set(self, target, data):
        kind, code, attribute = target
        thing = self.thing(kind, code)
        thing.setDataType(attribute, DataType.OCTET_STRING)
        thing.value = data
        self.exchange(self.client.write(thing, attribute))

    def action(self, target, method):
        self.exchange(self.client.method(self.thing(*target[:2]), method, 0, DataType.INT8))

    def objects(self):
        answer = self.exchange(self.client.getObjectsRequest())
        found = self.client.parseObjects(answer.data, True, False)
        self.known |= {(int(one.objectType), one.logicalName): one for one in found}
        return {(int(one.objectType), one.logicalName) for one in found}

    def profile(self):
        profile = self.thing(*model.PROFILE[:2])
        if not profile.captureObjects:
            for kind, code, attribute in model.COLUMNS:
                profile.captureObjects.append((self.thing(kind, code), GXDLMSCaptureObject(attribute, 0)))
        return profile

    def rows(self):
        return self.get(*model.PROFILE)

    def rows_by_entry(self, first, last):
        return plain(self.exchange(self.client.readRowsByEntry(self.profile(), first, last - first + 1)).value)

    def rows_by_range(self, begin, end):
        return plain(self.exchange(self.client.readRowsByRange(self.profile(), GXDateTime(begin), GXDateTime(end))).value)

    @staticmethod
    def refuses(mode):
        if mode.envelope == "general-ciphering":
            return "not in its interface"
        return None
