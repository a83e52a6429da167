//! Recorded conversations from the meter's end: what the server of then said, ours says too.

use std::collections::VecDeque;
use std::fs;

use ccm_core::crypto::{Key, Software};
use ccm_core::{Instant, Machine, Step, Writer};
use ccm_dlms::hdlc::{Address, Parameters, Station};
use ccm_dlms::message::data::{Data, Value};
use ccm_dlms::message::{
    Aare, ActionResult, AttributeAccess, Conformance, DataAccessResult, Hidden, InitiateResponse,
    MethodDescriptor,
};
use ccm_dlms::security::{AuthenticationKey, Context, InvocationCounter, Keys, Suite, SystemTitle};
use ccm_dlms::wrapper::Service;
use ccm_dlms::{Association, Authentication, Buffers, Caller, Part, Server, Serving, Store};

fn unhex(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        hex.chars().filter_map(|c| c.to_digit(16)).map(|d| u8::try_from(d).unwrap()).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn conversation(name: &str) -> Vec<(bool, Vec<u8>)> {
    let path = format!("{}/tests/vectors/{name}.hex", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(path).unwrap();
    let lines = text.lines().filter_map(|line| line.split_once(' ').filter(|(who, _)| *who != "#"));
    lines.map(|(who, hex)| (who == "C", unhex(hex))).collect()
}

/// The objects of the meter that was recorded.
struct Then {
    written: Vec<u8>,
    /// Values in the order in which they were read.
    read: VecDeque<Vec<u8>>,
    challenge: Vec<u8>,
}

impl Store for Then {
    fn get(
        &mut self,
        _: &Caller,
        access: &AttributeAccess<'_>,
        part: u32,
        out: &mut Writer<'_>,
    ) -> Result<Part, DataAccessResult> {
        if let Some(value) = self.read.pop_front() {
            out.slice(&value)?;
            return Ok(Part::Last);
        }
        let attribute = access.attribute;
        match (attribute.class_id, attribute.instance_id, attribute.attribute_id) {
            (3, [1, 0, 1, 8, 0, 255], 2) => Value::DoubleLongUnsigned(0x00BC_614E).emit(out)?,
            (3, [1, 0, 32, 7, 0, 255], 3) => out.slice(&[2, 2, 0x0F, 0xFF, 0x16, 0x23])?,
            (7, [1, 0, 99, 1, 0, 255], 3) => out.slice(&unhex(COLUMNS))?,
            (7, [1, 0, 99, 1, 0, 255], 2) => return row(part, out),
            (1, [0, 0, 96, 50, 0, 255], 2) => out.slice(&self.written)?,
            _ => return Err(DataAccessResult::ObjectUndefined),
        }
        Ok(Part::Last)
    }

    fn set(&mut self, _: &Caller, _: &AttributeAccess<'_>, value: Data<'_>) -> Result<(), DataAccessResult> {
        self.written = value.encoded().unwrap().to_vec();
        Ok(())
    }

    fn invoke(
        &mut self,
        _: &Caller,
        _: &MethodDescriptor,
        _: Option<Data<'_>>,
        _: &mut Writer<'_>,
    ) -> Result<(), ActionResult> {
        Ok(())
    }

    fn challenge(&mut self, challenge: &mut [u8]) {
        challenge.copy_from_slice(&self.challenge);
    }
}

/// The six hours that were asked for.
fn row(part: u32, out: &mut Writer<'_>) -> Result<Part, DataAccessResult> {
    let Some(row) = part.checked_sub(1) else {
        out.slice(&[1, 24])?;
        return Ok(Part::More);
    };
    let [.., low] = row.to_be_bytes();
    let time = [7, 0xEA, 1, 3, 6, low / 4, low % 4 * 15, 0, 0, 0xFF, 0xC4, 0];
    out.slice(&[2, 4])?;
    Value::OctetString(&time).emit(out)?;
    Value::Unsigned(0xC0 + low / 2 * 2).emit(out)?;
    Value::DoubleLongUnsigned(0x0928 + 7 * row).emit(out)?;
    Value::DoubleLongUnsigned(0x0240 + 3 * row).emit(out)?;
    Ok(if row < 23 { Part::More } else { Part::Last })
}

const COLUMNS: &str = "0104020412000809060000010000ff0f02120000020412000109060000600a01ff0f02120000\
                       020412000309060100010800ff0f02120000020412000309060100020800ff0f02120000";

/// Lets the server hear what the client said, and compares all that it says.
fn replay<L: Serving>(server: &mut Server<'_, L, Software, Then>, messages: &[(bool, Vec<u8>)]) {
    let mut sent: VecDeque<Vec<u8>> = VecDeque::new();
    for (index, (client, bytes)) in messages.iter().enumerate() {
        if !client {
            assert_eq!(sent.pop_front().as_ref(), Some(bytes), "message {index}");
            continue;
        }
        let mut rest = &bytes[..];
        loop {
            match server.poll(Instant::ZERO) {
                Step::Send(bytes) => sent.push_back(bytes.to_vec()),
                Step::Wait(_) if rest.is_empty() => break,
                Step::Wait(_) => rest = &rest[server.receive(Instant::ZERO, rest)..],
                step => panic!("{step:?}"),
            }
        }
    }
    assert!(sent.is_empty());
}

fn hdlc(name: &str, max_receive_pdu_size: u16) {
    let (mut frames, mut request, mut pieces) = (vec![0; 8400], vec![0; 8192], vec![0; 8192]);
    let mut public = Association::public();
    public.conformance = Conformance::from_bytes([0x40, 0x1E, 0x1D]);
    let mut associations = [public];
    let station = Station::new(Address::client(1), &mut frames).with_parameters(Parameters::DEFAULT).unwrap();
    let store = Then { written: vec![], read: VecDeque::new(), challenge: vec![] };
    let buffers = Buffers { request: &mut request, pieces: &mut pieces };
    let mut server = Server::new(station, Software, store, &mut associations, buffers)
        .with_max_receive_pdu_size(max_receive_pdu_size);
    replay(&mut server, &conversation(name));
}

#[test]
fn a_conversation_over_hdlc_is_answered_as_then() {
    hdlc("conv-hdlc-none", 1024);
}

#[test]
fn a_value_set_in_blocks_is_answered_as_then() {
    hdlc("conv-set-blocks", 256);
}

fn ascending<const N: usize>(first: u8) -> [u8; N] {
    core::array::from_fn(|index| first + u8::try_from(index).unwrap())
}

fn context(own: [u8; 8], peer: [u8; 8]) -> Context<Key> {
    let keys = Keys::new(Key::Aes128(ascending(0)), AuthenticationKey::short(ascending(0xD0)));
    let counter = InvocationCounter::volatile(1);
    let mut context = Context::new(Suite::Zero, SystemTitle::new(own), keys, counter).unwrap();
    context.set_peer(SystemTitle::new(peer));
    context
}

#[test]
fn a_conversation_with_gmac_is_answered_as_then_byte_by_byte() {
    let messages = conversation("conv-wrapper-gmac");
    let (server_title, client_title) = (*b"MMM\0\0\xBC\x61\x4E", *b"MMM\0\0\0\0\x01");
    // What the recorded answers say, as its client read it.
    let mut client = context(client_title, server_title);
    let mut opened = |apdu: &[u8]| {
        let mut apdu = apdu.to_vec();
        client.unprotect(&Software, &mut apdu).unwrap().apdu.to_vec()
    };
    let aare = Aare::parse(&messages[1].1[8..]).unwrap();
    let Hidden(challenge) = aare.responding_authentication_value.unwrap();
    let Hidden(information) = aare.user_information.unwrap();
    let agreed = InitiateResponse::parse(&opened(information)).unwrap();
    let read = [5, 7].map(|index: usize| opened(&messages[index].1[8..])[4..].to_vec());

    let (mut own, mut request, mut pieces) = (vec![0; 2048], vec![0; 2048], vec![0; 256]);
    let security = context(server_title, client_title);
    let mut association = Association::new(1, Authentication::Gmac).with_security(security, None);
    association.conformance = agreed.negotiated_conformance;
    let mut associations = [association];
    let store = Then { written: vec![], read: VecDeque::from(read), challenge: challenge.to_vec() };
    let buffers = Buffers { request: &mut request, pieces: &mut pieces };
    let mut server = Server::new(Service::new(&mut own), Software, store, &mut associations, buffers)
        .with_max_receive_pdu_size(agreed.server_max_receive_pdu_size);
    replay(&mut server, &messages);
}
