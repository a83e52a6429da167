//! Messages of the standard, of real meters and of recorded dialogues: each gives the fields that it has, and each is
//! written as it came.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

use std::{fs, path::Path};

use ccm_core::Writer;
use ccm_dlms::message::*;

/// The APDUs of a vector: hexadecimal digits, one from the next by an empty line.
fn vector(name: &str) -> Vec<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/vectors/message-{name}.hex"));
    let text = fs::read_to_string(path).unwrap();
    let lines: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
    lines.join("\n").split("\n\n").map(|apdu| bytes(&apdu.replace('\n', ""))).collect()
}

fn bytes(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn kept(bytes: Vec<u8>) -> &'static [u8] {
    bytes.leak()
}

fn only(name: &str) -> &'static [u8] {
    kept(vector(name).remove(0))
}

fn written(emit: impl FnOnce(&mut Writer<'_>) -> Result<(), ccm_core::Full>) -> Vec<u8> {
    let mut buffer = vec![0; 70_000];
    let mut writer = Writer::new(&mut buffer);
    emit(&mut writer).unwrap();
    writer.written().to_vec()
}

fn initiate_request(aarq: &Aarq<'static>) -> InitiateRequest<'static> {
    InitiateRequest::parse(aarq.user_information.unwrap().0).unwrap()
}

fn initiate_response(aare: &Aare<'static>) -> InitiateResponse {
    InitiateResponse::parse(aare.user_information.unwrap().0).unwrap()
}

#[test]
fn every_message_is_written_as_it_came() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let mut seen = 0;
    for entry in fs::read_dir(directory).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        let Some(name) = file.strip_prefix("message-").and_then(|name| name.strip_suffix(".hex")) else {
            continue;
        };
        for bytes in vector(name) {
            let apdu = Apdu::parse(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(apdu.tag(), bytes[0]);
            // Kaifa's date-time has a tag too many, which we do not write.
            if name != "push-kaifa-ma304" {
                assert_eq!(written(|writer| apdu.emit(writer)), bytes, "{name}");
            }
            seen += 1;
        }
    }
    assert_eq!(seen, 89);
}

#[test]
fn an_association_without_security_is_asked_for() {
    for (name, conformance, size) in
        [("gb-aarq-none", [0, 0x7E, 0x1F], 1200), ("aarq-iframe", [0, 0x1E, 0x1D], 65_535)]
    {
        let aarq = Aarq::parse(only(name)).unwrap();
        let expected = InitiateRequest::new(Conformance::from_bytes(conformance), size);
        assert_eq!(initiate_request(&aarq), expected);
        let information = kept(written(|writer| expected.emit(writer)));
        assert_eq!(aarq, Aarq::new(ContextName::LogicalName, information));
        assert_eq!(aarq.application_context_name.number(), Some(1));
    }
}

#[test]
fn an_association_with_a_password_or_a_challenge_is_asked_for() {
    for (name, mechanism, value) in [
        ("gb-aarq-lls", MechanismName::Low, b"12345678"),
        ("gb-aarq-hls-gmac", MechanismName::HighGmac, b"K56iVagY"),
    ] {
        let aarq = Aarq::parse(only(name)).unwrap();
        let plain = Aarq::new(ContextName::LogicalName, aarq.user_information.unwrap().0);
        assert_eq!(aarq, plain.with_authentication(mechanism, value));
        assert!(!format!("{aarq:?}").contains("12345678"));
    }
}

#[test]
fn an_association_is_granted() {
    for (name, conformance, size) in
        [("gb-aare-ok", [0, 0x50, 0x1F], 500), ("aare-iframe", [0, 0x1E, 0x1D], 1224)]
    {
        let aare = Aare::parse(only(name)).unwrap();
        assert_eq!(aare.result, AssociationResult::Accepted);
        assert_eq!(aare.diagnostic, Diagnostic::User(UserDiagnostic::Null));
        assert!(aare.is_accepted() && !aare.awaits_third_pass());
        let expected = InitiateResponse::new(Conformance::from_bytes(conformance), size, 7);
        assert_eq!(initiate_response(&aare), expected);
    }
}

#[test]
fn an_association_awaits_the_third_pass() {
    let aare = Aare::parse(only("gb-aare-hls")).unwrap();
    assert!(aare.is_accepted() && aare.awaits_third_pass());
    assert_eq!(aare.diagnostic.to_string(), "authentication-required (14)");
    assert_eq!(aare.mechanism_name, Some(MechanismName::HighGmac));
    assert_eq!(aare.responding_authentication_value, Some(Hidden(b"P6wRJ21F")));
}

#[test]
fn an_association_is_refused() {
    let context = Aare::parse(only("gb-aare-context-refused")).unwrap();
    assert_eq!(context.result, AssociationResult::RejectedPermanent);
    assert_eq!(context.diagnostic.to_string(), "application-context-name-not-supported (2)");

    let version = Aare::parse(only("gb-aare-version-too-low")).unwrap();
    assert!(!version.is_accepted());
    assert_eq!(version.diagnostic.to_string(), "no-reason-given (1)");
    let error = ConfirmedServiceError::parse(version.user_information.unwrap().0).unwrap();
    assert_eq!(error.service, ConfirmedService::Initiate);
    assert_eq!((error.error.class_name(), error.error.name()), ("initiate", "dlms-version-too-low"));
}

#[test]
fn a_dedicated_key_is_in_the_initiate_request() {
    let [ciphered, plain] = vector("gb-glo-initiate-request").try_into().unwrap();
    assert!(matches!(Apdu::parse(&ciphered), Ok(Apdu::Ciphered(Ciphered { tag: 0x21, .. }))));
    let request = InitiateRequest::parse(&plain).unwrap();
    let key = bytes("00112233445566778899aabbccddeeff");
    assert_eq!(request.dedicated_key, Some(Hidden(&key)));
    assert_eq!(request.client_max_receive_pdu_size, 1200);
    assert!(request.response_allowed);
}

#[test]
fn a_ciphered_get_request_is_told_by_its_tag_and_read_when_plain() {
    for name in ["gb-glo-get-auth-enc", "suite2-glo-get"] {
        let [ciphered, plain] = vector(name).try_into().unwrap();
        let content = &ciphered[1..];
        assert_eq!(Apdu::parse(&ciphered), Ok(Apdu::Ciphered(Ciphered { tag: 0xC8, content })));
        let attribute =
            AttributeDescriptor { class_id: 8, instance_id: [0, 0, 1, 0, 0, 255], attribute_id: 2 };
        let service = GetRequest::Normal(AttributeAccess::whole(attribute));
        let invoke_id_and_priority = InvokeIdAndPriority(0);
        assert_eq!(Invoked::parse(&plain), Ok(Invoked { invoke_id_and_priority, service }));
    }
}

#[test]
fn a_profile_is_selected_by_range() {
    let apdu = only("get-range-descriptor");
    let request = Invoked::<GetRequest<'_>>::parse(apdu).unwrap();
    assert_eq!(request.invoke_id_and_priority, InvokeIdAndPriority::confirmed(1));
    let GetRequest::Normal(AttributeAccess { attribute, access: Some(access) }) = request.service else {
        panic!("{request:?}");
    };
    assert_eq!(attribute.class_id, 7);
    assert_eq!(attribute.instance_id, [1, 0, 99, 1, 0, 255]);
    assert_eq!(attribute.attribute_id, 2);

    let range = RangeDescriptor::parse(&access).unwrap();
    let from = bytes("090c07e10a010700000000ffc480");
    let to = bytes("090c07e10a010701000000ffc480");
    let clock =
        CaptureObject { class_id: 8, logical_name: [0, 0, 1, 0, 0, 255], attribute_index: 2, data_index: 0 };
    let expected = RangeDescriptor {
        restricting_object: clock,
        from_value: Encoded(&from),
        to_value: Encoded(&to),
        selected_values: List::new(&[]),
    };
    assert_eq!(range, expected);

    let mut scratch = [0; 50];
    assert_eq!(expected.emit(&mut scratch), Ok(access));
    assert!(expected.emit(&mut [0; 49]).is_err());
}

#[test]
fn a_value_is_given() {
    let response = Invoked::<GetResponse<'_>>::parse(only("fcs-ends-in-7e")).unwrap();
    let data = Encoded(&[9, 6, 1, 0, 0x20, 0x20, 0, 0xFF]);
    assert_eq!(response.service, GetResponse::Normal(GetDataResult::Data(data)));
}

#[test]
fn pushes_of_real_meters_have_their_numbers_and_times() {
    for (name, apdu, invoke_id, date_time, body) in [
        ("push-salzburg-plain", 0, 0x0017_FA98, Some("07e60b0c0610360000ffc400"), 0x02),
        ("push-netz-noe-enc-only", 1, 0x8006_870E, Some("07e5091b01092f0f00ff8880"), 0x02),
        ("push-kaifa-ma304", 0, 0x4000_0000, Some("07e1090f05052128ff800000"), 0x02),
        ("push-aidon-1phase", 0, 0x4000_0000, None, 0x01),
        ("udp-general-glo", 1, 0x0000_01DB, None, 0x09),
    ] {
        let bytes = vector(name).remove(apdu);
        let notification = DataNotification::parse(&bytes).unwrap();
        let hex = |time: &[u8; 12]| time.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(notification.long_invoke_id_and_priority.0, invoke_id, "{name}");
        assert_eq!(notification.date_time.map(hex).as_deref(), date_time, "{name}");
        assert_eq!(notification.body.0[0], body, "{name}");
    }
}

#[test]
fn blocks_of_a_real_push_become_one_ciphered_apdu() {
    let mut buffer = [0; 600];
    let mut receiver = BlockReceiver::new(&mut buffer);
    let mut progress = Vec::new();
    for (bytes, (last_block, number, length)) in
        vector("push-lg-e450-gbt-gcm").iter().zip([(false, 1, 119), (false, 2, 122), (true, 3, 31)])
    {
        let block = GeneralBlockTransfer::parse(bytes).unwrap();
        assert!(block.streaming);
        assert_eq!((block.last_block, block.window, block.block_number_ack), (last_block, 0, 0));
        assert_eq!((block.block_number, block.block_data.len()), (number, length));
        progress.push(receiver.receive(&block).unwrap());
    }
    assert_eq!(progress, [Progress::More, Progress::More, Progress::Complete]);
    assert_eq!(receiver.bytes().len(), 272);
    assert!(matches!(Apdu::parse(receiver.bytes()), Ok(Apdu::Ciphered(Ciphered { tag: 0xDB, .. }))));
}

#[test]
fn a_long_value_is_written_in_blocks_that_are_acknowledged_one_by_one() {
    let mut buffer = [0; 5004];
    let mut assembly = Assembly::new(&mut buffer);
    let apdus = vector("conv-set-blocks");
    for (asked, answered) in apdus.chunks_exact(2).map(|pair| (&pair[0], &pair[1])) {
        let (block, first) = match Invoked::parse(asked).unwrap().service {
            SetRequest::WithFirstDataBlock { block, .. } => (block, true),
            SetRequest::WithDataBlock(block) => (block, false),
            other => panic!("{other:?}"),
        };
        assert_eq!(first, block.block_number == 1);
        assembly.append(block.block_number, block.raw_data).unwrap();
        let (block_number, result) = (block.block_number, DataAccessResult::Success);
        let expected = match block.last_block {
            true => SetResponse::LastDataBlock { result, block_number },
            false => SetResponse::DataBlock { block_number },
        };
        assert_eq!(Invoked::<SetResponse<'_>>::parse(answered).unwrap().service, expected);
    }
    assert_eq!(assembly.last_block_number(), Some(21));
    let value = assembly.bytes();
    assert_eq!(value.len(), 5004);
    assert_eq!(value[..4], [9, 0x82, 0x13, 0x88]);
    assert!(value[4..].iter().enumerate().all(|(at, byte)| usize::from(*byte) == at % 256));
}

#[test]
fn a_ciphered_dialogue_is_opened_and_closed() {
    let apdus = vector("conv-wrapper-gmac");
    let aarq = Aarq::parse(&apdus[0]).unwrap();
    assert_eq!(aarq.application_context_name, ContextName::LogicalNameCiphered);
    assert_eq!(aarq.calling_ap_title, Some(&bytes("4d4d4d0000000001")[..]));
    assert_eq!(aarq.user_information.unwrap().0[0], 0x21);
    let aare = Aare::parse(&apdus[1]).unwrap();
    assert!(aare.awaits_third_pass());
    assert_eq!(aare.responding_ap_title, Some(&bytes("4d4d4d0000bc614e")[..]));
    assert_eq!(aare.responding_authentication_value.unwrap().0.len(), 16);
    assert_eq!(aare.user_information.unwrap().0[0], 0x28);
    let tags: Vec<_> = apdus[2..8].iter().map(|apdu| Apdu::parse(apdu).unwrap().tag()).collect();
    assert_eq!(tags, [0xCB, 0xCF, 0xDB, 0xDB, 0xDB, 0xDB]);
    let request = ReleaseRequest::parse(&apdus[8]).unwrap();
    assert_eq!((request.reason, request.user_information), (Some(ReleaseRequestReason::Normal), None));
    let response = ReleaseResponse::parse(&apdus[9]).unwrap();
    assert_eq!(response.reason, Some(ReleaseResponseReason::Normal));
    assert_eq!(response.user_information.unwrap().0[0], 0x28);
}
