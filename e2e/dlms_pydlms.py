"""pydlms-client as a client of a meter: its public interface in the words of the tests."""

import dlms_model as model
from pydlms import DlmsClient, DlmsData, GeneralAad, Mechanism, SecurityContext
from pydlms.apdu.xdlms import entry_descriptor, range_descriptor
from pydlms.hdlc.connection import HdlcParameters
from pydlms.obis import ObisCode
from pydlms.security.suites import SecurityPolicy

POLICIES = {
    "auth": SecurityPolicy.AUTHENTICATED, "enc": SecurityPolicy.ENCRYPTED, "both": SecurityPolicy.AUTHENTICATED_ENCRYPTED,
    "none": SecurityPolicy.NONE,
}
ENVELOPES = {"ded": "glo", "general-ded": "general-glo"}


def key(path, private):
    from cryptography.hazmat.primitives import serialization

    data = path.read_bytes()
    return serialization.load_pem_private_key(data, None) if private else serialization.load_pem_public_key(data)


def security(mode):
    """Keys for what is ciphered, and for mechanism 5; the other mechanisms take the title alone."""
    if not mode.ciphered and mode.auth != "hls-gmac":
        return None
    return SecurityContext(
        *mode.keys, model.CLIENT_TITLE, suite=mode.suite, policy=POLICIES[mode.protection], invocation_counter=model.first_counter(),
        general_aad=general_aad(mode),
    )


def general_aad(mode):
    """General-ciphering authenticates its header too (IEC 62056-5-3); unsaid, pydlms leaves that out."""
    return GeneralAad.WITH_HEADER if mode.envelope == "general-ciphering" else GeneralAad.SC_AK


def settings(mode, keys):
    chosen = {"mechanism": Mechanism(model.MECHANISMS[mode.auth]), "logical_names": not mode.short_names}
    if mode.auth in ("lls", "hls", "hls-md5", "hls-sha1", "hls-sha256"):
        chosen["password"] = model.PASSWORD.encode()
    if mode.auth == "hls-ecdsa":
        chosen |= {"signing_key": key(keys / "client.pem", True), "server_public_key": key(keys / "server-public.pem", False)}
    if mode.titled:
        chosen |= {"client_system_title": model.CLIENT_TITLE, "security": security(mode)}
    if mode.ciphered:
        chosen |= {"protection": ENVELOPES.get(mode.envelope, mode.envelope), "use_dedicated_key": "ded" in mode.envelope}
    elif mode.titled:
        chosen |= {"ciphered_context": False, "require_protected_responses": False}
    if mode.block_window:
        chosen |= {"propose_gbt": True, "gbt_window": mode.block_window}
    return chosen


class Pydlms:
    """One session. What `get` brings is plain: numbers, octets, lists."""

    name = "pydlms-client 0.1.0"

    def __init__(self, mode, port, keys):
        parameters = HdlcParameters(window_tx=mode.window) if mode.framing == "hdlc" else None
        self.client = DlmsClient.tcp(
            "127.0.0.1", port, client_sap=mode.client, server_logical=1, server_physical=mode.physical,
            hdlc=mode.framing == "hdlc", timeout=5, hdlc_parameters=parameters, **settings(mode, keys),
        )

    def connect(self):
        self.client.connect()

    def close(self):
        self.client.close()

    def get(self, kind, code, attribute):
        return self.client.get(code, kind, attribute).to_python()

    def get_list(self, targets):
        found = self.client.get_many([(code, kind, attribute) for kind, code, attribute in targets])
        return [one.to_python() for one in found]

    def set(self, target, data):
        kind, code, attribute = target
        self.client.set(code, kind, attribute, DlmsData.octet_string(data))

    def action(self, target, method):
        kind, code, _ = target
        self.client.action(code, kind, method, DlmsData.int8(0))

    def objects(self):
        return {(one.class_id, str(one.logical_name)) for one in self.client.get_association_view()}

    def rows(self, selection=None):
        kind, code, attribute = model.PROFILE
        return self.client.get(code, kind, attribute, selection).to_python()

    def rows_by_entry(self, first, last):
        return self.rows(entry_descriptor(first, last))

    def rows_by_range(self, begin, end):
        kind, code, attribute = model.CLOCK
        ends = [DlmsData.octet_string(model.date_time(one)) for one in (begin, end)]
        return self.rows(range_descriptor(*ends, restricting_object=(kind, ObisCode(*model.octets(code)), attribute)))

    @staticmethod
    def refuses(mode):
        """Why this client cannot do a mode, by its own interface."""
        return None
