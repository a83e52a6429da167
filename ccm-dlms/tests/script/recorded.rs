//! Recorded dialogues are repeated byte by byte.

use ccm_core::Line;
use ccm_core::crypto::Software;
use ccm_core::testing::{Link, Script as Recorded};
use ccm_dlms::Client;
use ccm_dlms::hdlc::{Address, Frame, Hdlc};
use ccm_dlms::message::cosem::{Cell, Rows};
use ccm_dlms::message::data::{Data, Value};
use ccm_dlms::message::{AttributeAccess, CaptureObject, Conformance, Encoded, List, RangeDescriptor};
use ccm_dlms::script::{Authentication, Release, Session, Settings};
use ccm_dlms::security::{Outgoing, SystemTitle};
use ccm_dlms::wrapper::Wrapper;

use super::bench::*;
use super::common::conversation;

/// What the recorded client proposes, and its one invoke-id.
fn recorded<K>() -> Settings<'static, K> {
    Settings {
        conformance: Conformance::from_bytes([0x40, 0x1E, 0x5D]),
        fixed_invoke_id: Some(1),
        release: Release::Never,
        ..Settings::PUBLIC
    }
}

fn said(name: &str, by_client: bool) -> Vec<Vec<u8>> {
    conversation(name)
        .into_iter()
        .filter(|(client, _)| *client == by_client)
        .map(|(_, bytes)| bytes)
        .collect()
}

fn hdlc(buffer: &mut [u8]) -> Client<'_, Hdlc> {
    Client::new(Hdlc::new(Address::client(16), Address::client(1)), buffer)
}

#[test]
fn a_recorded_reading_over_hdlc_is_repeated_byte_by_byte() {
    let name = "conv-hdlc-none";
    let mut peer = Recorded::new(said(name, false));
    let mut link = Link::new(Line::new(9600));
    let mut buffer = vec![0; 70_000];
    let mut client = hdlc(&mut buffer);
    let mut session = Session::plain(recorded());
    let mut value = [0; 4096];

    run(&mut session.open(&[]), &mut client, (&mut link, &mut peer)).unwrap();
    assert!(session.agreed().unwrap().conformance.contains(Conformance::GET));
    let energy = attribute(3, [1, 0, 1, 8, 0, 255], 2);
    let mut get = session.get(energy, &mut value);
    run(&mut get, &mut client, (&mut link, &mut peer)).unwrap();
    assert_eq!(Data::parse(get.value()).unwrap().value(), Ok(Value::DoubleLongUnsigned(12_345_678)));
    let scaler = attribute(3, [1, 0, 32, 7, 0, 255], 3);
    run(&mut session.get(scaler, &mut value), &mut client, (&mut link, &mut peer)).unwrap();
    let columns = attribute(7, [1, 0, 99, 1, 0, 255], 3);
    run(&mut session.get(columns, &mut value), &mut client, (&mut link, &mut peer)).unwrap();

    let mut selection = [0; 64];
    let from = [9, 12, 0x07, 0xEA, 1, 3, 0xFF, 0, 0, 0, 0, 0, 0, 0];
    let to = [9, 12, 0x07, 0xEA, 1, 3, 0xFF, 5, 0x3B, 0, 0, 0, 0, 0];
    let requests = said(name, true);
    let range = RangeDescriptor {
        restricting_object: CaptureObject {
            class_id: 8,
            logical_name: [0, 0, 1, 0, 0, 255],
            attribute_index: 2,
            data_index: 0,
        },
        from_value: Encoded(&from),
        to_value: Encoded(&to),
        selected_values: List::new(&[]),
    };
    let access = Some(range.emit(&mut selection).unwrap());
    let mut get =
        session.get(AttributeAccess { access, ..attribute(7, [1, 0, 99, 1, 0, 255], 2) }, &mut value);
    run(&mut get, &mut client, (&mut link, &mut peer)).unwrap();
    let mut cells = [Cell::Value(Value::Null); 4];
    let mut rows = Rows::new(Data::parse(get.value()).unwrap(), &mut cells, Some(0), 900).unwrap();
    let mut count = 0;
    while rows.next_row().unwrap().is_some() {
        count += 1;
    }
    assert_eq!(count, 24);
    run(&mut session.close(), &mut client, (&mut link, &mut peer)).unwrap();
    assert!(!session.is_open());
    assert_eq!(peer.requests, requests);
}

#[test]
fn a_recorded_association_by_gmac_is_repeated_byte_by_byte() {
    let name = "conv-wrapper-gmac";
    let requests = said(name, true);
    let mut peer = Recorded::new(said(name, false));
    let mut link = Link::new(Line::new(9600));
    let mut buffer = vec![0; 70_000];
    let mut client = Client::new(Wrapper::tcp(1, 1), &mut buffer);
    let at = requests[0].windows(3).position(|window| window == [0x12, 0x80, 0x10]).unwrap() + 3;
    let challenge = requests[0][at..at + 16].to_vec();
    let settings = Settings { authentication: Authentication::Gmac, release: Release::Plain, ..recorded() };
    let title = SystemTitle::new([0x4D, 0x4D, 0x4D, 0, 0, 0, 0, 1]);
    let mut session =
        Session::new(&Software, settings).with_security(context(title, 0x6B02_9C08), Some(Outgoing::GLOBAL));
    let mut value = [0; 256];
    run(&mut session.open(&challenge), &mut client, (&mut link, &mut peer)).unwrap();
    session.set_outgoing(Some(Outgoing::GENERAL));
    for (class, name) in [(3, [1, 0, 1, 8, 0, 255]), (8, [0, 0, 1, 0, 0, 255])] {
        let mut get = session.get(attribute(class, name, 2), &mut value);
        run(&mut get, &mut client, (&mut link, &mut peer)).unwrap();
        assert!(!get.value().is_empty());
    }
    run(&mut session.close(), &mut client, (&mut link, &mut peer)).unwrap();
    assert_eq!(peer.requests, requests);
}

#[test]
fn a_recorded_writing_in_blocks_is_repeated() {
    let name = "conv-set-blocks";
    let requests = said(name, true);
    let mut peer = Recorded::new(said(name, false));
    let mut link = Link::new(Line::new(9600));
    let mut buffer = vec![0; 70_000];
    let mut client = hdlc(&mut buffer);
    let mut session = Session::plain(recorded());
    let mut data = vec![9, 0x82, 0x13, 0x88];
    data.extend((0..5000_u32).map(|at| u8::try_from(at % 256).unwrap()));
    let object = attribute(1, [0, 0, 96, 50, 0, 255], 2);
    let mut value = vec![0; 6000];
    run(&mut session.open(&[]), &mut client, (&mut link, &mut peer)).unwrap();
    run(&mut session.set(object, &data, &mut []), &mut client, (&mut link, &mut peer)).unwrap();
    let mut get = session.get(object, &mut value);
    run(&mut get, &mut client, (&mut link, &mut peer)).unwrap();
    assert_eq!(get.value(), data);
    run(&mut session.close(), &mut client, (&mut link, &mut peer)).unwrap();
    let carried = |frames: &[Vec<u8>]| -> Vec<u8> {
        frames
            .iter()
            .flat_map(|bytes| Frame::parse(&bytes[1..bytes.len() - 1]).unwrap().information.to_vec())
            .collect()
    };
    assert_eq!(peer.requests.len(), requests.len());
    assert_eq!(carried(&peer.requests), carried(&requests));
}
