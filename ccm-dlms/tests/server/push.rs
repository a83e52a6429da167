//! What the meter sends unasked.

use ccm_core::crypto::Software;
use ccm_core::{Instant, Machine, Step};
use ccm_dlms::hdlc::{Assembler, Frame, Station};
use ccm_dlms::message::data::Value;
use ccm_dlms::message::{DataNotification, Encoded, LongInvokeIdAndPriority};
use ccm_dlms::security::Outgoing;
use ccm_dlms::wrapper::{self, Service};
use ccm_dlms::{Authentication, Buffers, Meter, Server, Serving};

use super::bench::{CLIENT_TITLE, METER_TITLE, address, context, emit, protected, random, registers};

/// The frames that a push of a meter on this link makes; and the notification in clear.
fn pushed<L: Serving>(link: L, how: Option<Outgoing>) -> (Vec<Vec<u8>>, Vec<u8>) {
    let (mut registers, mut scratch) = (registers(), [0; 64]);
    let (mut request, mut pieces) = ([0; 512], [0; 64]);
    let mut associations = [protected(1, Authentication::None)];
    associations[0].security.as_mut().unwrap().set_peer(CLIENT_TITLE);
    let meter = Meter::new(&mut registers, &mut scratch, random);
    let buffers = Buffers { request: &mut request, pieces: &mut pieces };
    let mut server = Server::new(link, Software, meter, &mut associations, buffers);
    let body = emit(|out| Value::OctetString(&[0x11; 300]).emit(out));
    let notification = DataNotification {
        long_invoke_id_and_priority: LongInvokeIdAndPriority(7),
        date_time: None,
        body: Encoded(&body),
    };
    assert!(server.push((1, 1), how, &notification));
    assert!(!server.push((1, 1), how, &notification), "one after the other");
    let mut frames = Vec::new();
    while let Step::Send(frame) = server.poll(Instant::ZERO) {
        frames.push(frame.to_vec());
    }
    assert!(server.push((1, 1), how, &notification));
    (frames, emit(|out| notification.emit(out)))
}

#[test]
fn a_push_over_hdlc_comes_in_segments_that_nobody_acknowledges() {
    let mut buffer = [0; 1024];
    let (frames, clear) = pushed(Station::new(address(), &mut buffer), Some(Outgoing::GENERAL));
    let controls: Vec<_> = frames.iter().map(|frame| frame[6]).collect();
    assert_eq!(controls, [0x03, 0x03, 0x13]);
    let mut whole = [0; 1024];
    let mut assembler = Assembler::new(&mut whole);
    let mut apdu = None;
    for frame in &frames {
        let frame = Frame::parse(&frame[1..frame.len() - 1]).unwrap();
        apdu = assembler.take(&frame).unwrap().map(|push| push.apdu.to_vec());
    }
    let mut apdu = apdu.unwrap();
    let mut reader = context(CLIENT_TITLE, 1);
    reader.set_peer(METER_TITLE);
    assert_eq!(reader.unprotect(&Software, &mut apdu).unwrap().apdu, clear);
}

#[test]
fn a_push_over_the_wrapper_is_one_frame() {
    let mut buffer = [0; 1024];
    let (frames, clear) = pushed(Service::new(&mut buffer), None);
    let frame = wrapper::Frame::parse(&frames[0]).unwrap();
    assert_eq!((frames.len(), frame.source, frame.destination, frame.apdu), (1, 1, 1, &clear[..]));
}
