//! Bytes as messages.

use std::vec::Vec;

use ccm_core::crypto::{Key, Software};
use ccm_core::{Reader, Writer};

use crate::message::cosem::{
    AssociationLn, AssociationSn, Cell, ImageTransfer, Layout, ProfileGeneric, PushBody, PushSetup, Rows,
    SapAssignment, ScalerUnit, SecuritySetup, Service,
};
use crate::message::data::{Data, DateTime, Event, Events, Value};
use crate::message::{
    Apdu, BlockError, BlockReceiver, BlockSender, GeneralBlockTransfer, GetDataResult, GetResponse,
    InitiateRequest, Invoked,
};
use crate::security::{
    Agreement, AuthenticationKey, Challenges, Context, InvocationCounter, KeyUse, Keys, Mechanism,
    Protection, Suite, SystemTitle, glance,
};

/// Any bytes as an APDU: what is read is written and read again as the same. As a protected one: nothing is believed
/// that nobody with the key has sent. As blocks: those in order make an APDU, whatever else comes between.
pub fn apdu(bytes: &[u8]) {
    if let Ok(apdu) = Apdu::parse(bytes) {
        survives(&apdu, bytes);
        if let Apdu::GetResponse(Invoked {
            service: GetResponse::Normal(GetDataResult::Data(value)), ..
        }) = apdu
        {
            data(value.0);
        }
    }
    protected(bytes);
    blocks(bytes);
    lost_blocks(bytes);
}

fn survives(apdu: &Apdu<'_>, bytes: &[u8]) {
    assert_eq!(Some(&apdu.tag()), bytes.first());
    // The lengths that one writes in four bytes take two here; a conformance of three bytes takes four.
    let mut buffer = std::vec![0; bytes.len() + 16];
    let mut writer = Writer::new(&mut buffer);
    assert!(apdu.emit(&mut writer).is_ok(), "{apdu:?} was parsed and cannot be emitted");
    assert_eq!(Apdu::parse(writer.written()).as_ref(), Ok(apdu));
}

/// No tag of twelve bytes fits by chance.
fn protected(bytes: &[u8]) {
    let _ = glance(bytes);
    let Some(mut context) = context() else { return };
    let mut copy = bytes.to_vec();
    if let Ok(incoming) = context.unprotect(&Software, &mut copy) {
        assert!(incoming.envelope.is_none() && incoming.apdu.len() <= 7, "it was believed");
    }
    let mut copy = bytes.to_vec();
    assert!(context.unprotect_general(&Software, &Agreement::default(), &mut copy).is_err());
    assert_eq!(context.last_received(KeyUse::Global), None);
    context.require(Protection::NONE);
    let mut copy = bytes.to_vec();
    if let Ok(incoming) = context.unprotect(&Software, &mut copy) {
        assert!(!incoming.protection.authenticated, "a tag was forged");
    }
}

fn context() -> Option<Context<Key>> {
    let keys = Keys::new(Key::Aes128([7; 16]), AuthenticationKey::short([9; 16]));
    let (own, counter) = (SystemTitle::new(*b"CCMcccc1"), InvocationCounter::volatile(1));
    let mut context = Context::new(Suite::Zero, own, keys, counter).ok()?;
    context.set_peer(SystemTitle::new(*b"CCMssss1"));
    Some(context)
}

/// Each block is a control byte, a number, a length and so many bytes.
fn blocks(mut bytes: &[u8]) {
    let mut buffer = [0; 64];
    let mut receiver = BlockReceiver::new(&mut buffer);
    let mut kept = Vec::new();
    while let [control, number, length, rest @ ..] = bytes {
        let (block_data, rest) = rest.split_at(usize::from(length % 32).min(rest.len()));
        bytes = rest;
        let block = GeneralBlockTransfer {
            last_block: control & 0x80 != 0,
            streaming: control & 0x40 != 0,
            window: control & 0x3F,
            block_number: u16::from(*number) % 8,
            block_number_ack: 0,
            block_data,
        };
        if block.block_number == 1 {
            kept.clear();
        }
        match receiver.receive(&block) {
            Ok(_) => kept.extend_from_slice(block_data),
            Err(BlockError::Number { .. }) if block.window > 0 => {}
            Err(_) => kept.clear(),
        }
        assert_eq!(receiver.bytes(), kept);
    }
}

/// Each byte loses a block, or an acknowledgement, or neither; in the end all has come.
fn lost_blocks(bytes: &[u8]) {
    let apdu: [u8; 40] = core::array::from_fn(|at| u8::try_from(at).unwrap_or_default());
    let (window, size) = match bytes {
        [window, size, ..] => (window % 7 + 1, usize::from(size % 12) + 1),
        _ => return,
    };
    let mut buffer = [0; 40];
    let (Ok(mut sender), mut receiver) =
        (BlockSender::new(&apdu, size, window), BlockReceiver::new(&mut buffer))
    else {
        return;
    };
    let mut losses = bytes.iter().copied().chain(core::iter::repeat(0));
    for _ in 0..bytes.len() + 50 {
        while let Some(block) = sender.next_block() {
            if losses.next().is_none_or(|loss| loss & 1 == 0) {
                let _ = receiver.receive(&GeneralBlockTransfer { window, ..block });
            }
        }
        let ack = GeneralBlockTransfer {
            last_block: true,
            streaming: false,
            window,
            block_number: 1,
            block_number_ack: receiver.acknowledged(),
            block_data: &[],
        };
        if losses.next().is_none_or(|loss| loss & 2 == 0) {
            assert!(sender.acknowledge(&ack).is_ok());
        }
        if sender.is_acknowledged() {
            assert_eq!(receiver.bytes(), apdu);
            return;
        }
    }
    assert!(window == 0, "blocks are lost for ever");
}

/// Any bytes as the content of the four APDUs of ACSE, as their user information, and as what proves who one is.
pub fn acse(bytes: &[u8]) {
    for tag in 0x60..=0x63 {
        let [high, low] = u16::try_from(bytes.len()).unwrap_or_default().to_be_bytes();
        let whole = [&[tag, 0x82, high, low], bytes].concat();
        if let Ok(apdu) = Apdu::parse(&whole) {
            survives(&apdu, &whole);
            inside(&apdu);
        }
    }
    for tag in [0x01, 0x08, 0x0E] {
        let whole = [&[tag], bytes].concat();
        if let Ok(apdu) = Apdu::parse(&whole) {
            survives(&apdu, &whole);
        }
    }
    challenge(bytes);
}

/// What an association carries: never more than was there, and no more than a refusal without a result of 0.
fn inside(apdu: &Apdu<'_>) {
    match apdu {
        Apdu::Aarq(aarq) => {
            let _ = aarq.user_information.map(|information| InitiateRequest::parse(information.0));
        }
        Apdu::Aare(aare) => {
            assert!(aare.is_accepted() || !aare.awaits_third_pass());
            let _ = aare.user_information.map(|information| Apdu::parse(information.0));
        }
        _ => {}
    }
}

/// Nobody answers a challenge who does not know the key.
fn challenge(bytes: &[u8]) {
    let (challenge, answer) = bytes.split_at(bytes.len().min(16));
    let Ok(challenges) = Challenges::new(b"our challenge", challenge) else { return };
    let Some(mut context) = context() else { return };
    let mut own = [0; 17];
    let mut gmac = Mechanism::Gmac(&mut context);
    assert_eq!(gmac.answer(&Software, &challenges, &mut own), Ok(17));
    assert!(gmac.check(&Software, &challenges, answer).is_err());
    assert!(gmac.check(&Software, &challenges, &own).is_err(), "the own answer came back");
}

/// Any bytes as data: they have an end, the two ways to find it agree, and what is read is written and read again as
/// the same. As the body of a push, as rows and as every attribute that has a type.
pub fn data(bytes: &[u8]) {
    walk(bytes);
    for layout in [Layout::Detect, Layout::Kaifa] {
        let mut readings = 0;
        for reading in PushBody::new(bytes, layout) {
            let _ = reading.map(|reading| reading.decimal());
            readings += 1;
        }
        assert!(readings <= limit(bytes));
    }
    let Ok(whole) = Data::parse(bytes) else { return };
    rows(whole);
    attributes(whole);
}

/// How many events there may be: two for a byte, and what compact arrays may add.
const fn limit(bytes: &[u8]) -> usize {
    18 * (bytes.len() + 1)
}

fn walk(bytes: &[u8]) {
    let mut events = Events::new(bytes);
    let mut written = std::vec![0; 64 * 1024];
    let mut writer = Writer::new(&mut written);
    let (mut seen, mut fits) = (Vec::new(), true);
    for event in &mut events {
        assert!(seen.len() <= limit(bytes), "the data have no end");
        let Ok(event) = event else { return };
        if let Event::Value(value) = event {
            look(value);
        }
        fits = fits && event.emit(&mut writer).is_ok();
        seen.push(event);
    }
    let mut reader = Reader::new(bytes);
    assert!(Data::take(&mut reader).is_ok(), "what could be read cannot be passed over");
    assert_eq!(reader.rest(), events.rest());
    if fits {
        let again: Result<Vec<_>, _> = Events::new(writer.written()).collect();
        assert_eq!(again.as_ref(), Ok(&seen));
    }
}

/// Everything that can be asked of a value.
fn look(value: Value<'_>) {
    let _ = (value.integer(), value.delta(), value.text(), value.date(), value.time(), value.logical_name());
    assert!(value.rounded().is_none_or(|number| std::format!("{number}").len() <= 24));
    if let Value::BitString(bits) = value {
        assert!(bits.iter().count() <= bits.bytes().len() * 8);
    }
    if let Some(time) = value.date_time() {
        look_at_time(time);
    }
}

fn look_at_time(time: DateTime) {
    let _ = (time.is_plausible(), time.local_seconds(), std::format!("{time}"));
    if let (Ok(before), Some(Ok(after))) = (time.unix_seconds(), time.plus(900).map(DateTime::unix_seconds)) {
        assert_eq!(after - before, 900);
    }
}

fn rows(buffer: Data<'_>) {
    let mut cells = [Cell::Value(Value::Null); 4];
    let Ok(mut rows) = Rows::new(buffer, &mut cells, Some(0), 900) else { return };
    let mut left = rows.left();
    while let Ok(Some(row)) = rows.next_row() {
        assert_eq!(row.len(), 4);
        let _ = rows.time();
        left = left.saturating_sub(1);
        assert_eq!(rows.left(), left);
    }
}

fn attributes(whole: Data<'_>) {
    let _ = (whole.check(), ScalerUnit::parse(whole), Service::parse(whole));
    let _ = ProfileGeneric::clock_column(whole);
    let _ = ProfileGeneric::capture_objects(whole).map(|objects| objects.take(10).count());
    for object in AssociationLn::object_list(whole).into_iter().flatten().take(10).flatten() {
        for attribute in object.attributes().into_iter().flatten().take(10).flatten() {
            let _ = attribute.selectors().take(10).count();
        }
        let _ = object.methods().map(|methods| methods.take(10).count());
    }
    let _ = AssociationSn::object_list(whole).map(|objects| objects.take(10).count());
    let _ = ImageTransfer::images(whole).map(|images| images.take(10).count());
    let _ = PushSetup::push_object_list(whole).map(|objects| objects.take(10).count());
    let _ = PushSetup::communication_window(whole).map(|windows| windows.take(10).count());
    let _ = SapAssignment::list(whole).map(|list| list.take(10).count());
    let _ = SecuritySetup::certificates(whole).map(|list| list.take(10).count());
}
