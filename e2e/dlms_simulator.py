"""The simulator of pydlms-client, in one mode, with the meter of dlms_model: MODE as JSON, says `ready PORT`."""

import json
import pathlib
import sys
import threading

import dlms_model as model
from dlms_pydlms import general_aad
from pydlms import DlmsData, Mechanism, SecurityContext
from pydlms.apdu.xdlms import Conformance
from pydlms.security.suites import SecurityPolicy
from pydlms.simulator import ClientProfile, MeterSimulator, serve

POLICIES = {"auth": SecurityPolicy.AUTHENTICATED, "enc": SecurityPolicy.ENCRYPTED}
NUMBERS = {"u16": DlmsData.uint16, "u32": DlmsData.uint32}


def scaler_unit(scaler, unit):
    return DlmsData.structure([DlmsData.int8(scaler), DlmsData.enum(unit)])


def capture_object(target):
    kind, code, attribute = target
    return DlmsData.structure(
        [DlmsData.uint16(kind), DlmsData.octet_string(model.octets(code)), DlmsData.int8(attribute), DlmsData.uint16(0)]
    )


def profile_row(index):
    time, status, energy, export = model.row(index)
    return DlmsData.structure([
        DlmsData.octet_string(model.date_time(time)), DlmsData.uint8(status), DlmsData.uint32(energy), DlmsData.uint32(export),
    ])


def add(meter, target, attributes):
    kind, code, _ = target
    base_name = 0x1000 + 0x100 * model.OBJECTS.index(target)
    meter.add_object(kind, code, {1: DlmsData.octet_string(model.octets(code)), **attributes}, base_name=base_name)


def add_breaker(meter):
    state = {2: DlmsData.boolean(True), 3: DlmsData.enum(1), 4: DlmsData.enum(4)}
    add(meter, model.BREAKER, state)
    kind, code, _ = model.BREAKER
    stored = next(attributes for (one, name), attributes in meter.objects.items() if one == kind and str(name) == code)

    def switch(on):
        stored[2], stored[3] = DlmsData.boolean(on), DlmsData.enum(int(on))

    meter.add_method(kind, code, 1, lambda *_: switch(False))
    meter.add_method(kind, code, 2, lambda *_: switch(True))


def fill(meter, rows):
    for target, text in model.TEXTS.items():
        add(meter, target, {2: DlmsData.octet_string(text)})
    for target, (kind, value, scaler, unit) in model.REGISTERS.items():
        add(meter, target, {2: NUMBERS[kind](value), 3: scaler_unit(scaler, unit)})
    add(meter, model.STATUS, {2: DlmsData.uint8(0)})
    add(meter, model.CLOCK, {2: DlmsData.octet_string(model.date_time(model.FIRST)), 3: DlmsData.int16(model.DEVIATION)})
    columns = DlmsData.array([capture_object(one) for one in model.COLUMNS])
    add(meter, model.PROFILE, {
        2: DlmsData.array([profile_row(index) for index in range(rows)]), 3: columns, 4: DlmsData.uint32(900),
        5: DlmsData.enum(1), 6: capture_object(model.CLOCK), 7: DlmsData.uint32(rows), 8: DlmsData.uint32(rows),
    })
    add_breaker(meter)


def policy(mode):
    return POLICIES.get(mode.protection, SecurityPolicy.AUTHENTICATED_ENCRYPTED)


def client_profile(mode, keys):
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    secret = model.PASSWORD.encode() if mode.auth in ("lls", "hls", "hls-md5", "hls-sha1", "hls-sha256") else None
    public = load_pem_public_key((keys / "client-public.pem").read_bytes()) if mode.auth == "hls-ecdsa" else None
    return ClientProfile(Mechanism(model.MECHANISMS[mode.auth]), secret, mode.ciphered, public)


def main():
    options = json.loads(sys.argv[1])
    rows, keys = options.pop("rows"), pathlib.Path(options.pop("keys"))
    mode = model.Mode(**options)
    meter = MeterSimulator(model.SERVER_TITLE)
    if mode.titled:
        meter.encryption_key, meter.authentication_key = mode.keys
        # From the meter's end: the title of the one who has the context is called the client's.
        meter.security = SecurityContext(
            *mode.keys, model.SERVER_TITLE, suite=mode.suite, policy=policy(mode), general_aad=general_aad(mode)
        )
    if mode.auth == "hls-ecdsa":
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        meter.signing_key = load_pem_private_key((keys / "server.pem").read_bytes(), None)
    if mode.short_names:  # unsaid, it serves them all the same
        meter.conformance |= Conformance.READ | Conformance.WRITE | Conformance.PARAMETERIZED_ACCESS
    if mode.block_window:
        meter.conformance |= Conformance.GENERAL_BLOCK_TRANSFER
        meter.gbt_window = mode.block_window
    meter.clients = {mode.client: client_profile(mode, keys)}
    fill(meter, rows)
    server = serve(meter, hdlc=mode.framing == "hdlc", hdlc_window=mode.window)
    print("ready", server.server_address[1], flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
