//! Servers that have lost the link, or hold another one.

use ccm_core::Line;
use ccm_core::testing::{Link, Script as Recorded};
use ccm_dlms::hdlc::{Address, Control, Frame, Hdlc};
use ccm_dlms::script::{Session, Settings};
use ccm_dlms::{Client, LinkError};

use super::bench::*;

const CLIENT_ADDRESS: Address = Address::client(16);
const SERVER_ADDRESS: Address = Address::client(1);

fn frame(control: u8, information: &[u8]) -> Vec<u8> {
    let frame = Frame {
        destination: CLIENT_ADDRESS,
        source: SERVER_ADDRESS,
        control: Control::from_byte(control),
        segmented: false,
        information,
    };
    let mut bytes = vec![0; 512];
    let length = frame.emit(&mut bytes).unwrap();
    bytes.truncate(length);
    bytes
}

fn controls(requests: &[Vec<u8>]) -> Vec<u8> {
    requests.iter().map(|bytes| Frame::parse(&bytes[1..bytes.len() - 1]).unwrap().control.byte()).collect()
}

#[test]
fn a_server_that_lost_the_link_before_the_aarq_is_linked_anew() {
    let accepted = [&[0xE6, 0xE7, 0][..], &aare(0, false)].concat();
    let agreed = || frame(0x73, &[]);
    let (snrm, disc, aarq) = (0x93, 0x53, 0x10);
    // After DM the server has no link; after FRMR it may still think that it has one.
    let disconnected = vec![frame(0x1F, &[]), agreed()];
    let rejected = vec![frame(0x97, &[0x10, 0, 1]), agreed(), agreed()];
    for (lost, expected) in
        [(disconnected, &[snrm, aarq, snrm, aarq][..]), (rejected, &[snrm, aarq, disc, snrm, aarq])]
    {
        let answers = [vec![agreed()], lost, vec![frame(0x30, &accepted)]].concat();
        let mut peer = Recorded::new(answers);
        let mut link = Link::new(Line::new(9600));
        let mut buffer = [0; 1024];
        let mut client = Client::new(Hdlc::new(CLIENT_ADDRESS, SERVER_ADDRESS), &mut buffer);
        let mut session = Session::plain(Settings::PUBLIC);
        run(&mut session.open(&[]), &mut client, (&mut link, &mut peer)).unwrap();
        assert!(session.is_open());
        assert_eq!(controls(&peer.requests), expected);
    }
}

#[test]
fn a_server_that_always_loses_the_link_is_given_up() {
    let answers = core::iter::repeat_n([frame(0x73, &[]), frame(0x1F, &[])], 4).flatten();
    let mut peer = Recorded::new(answers);
    let mut link = Link::new(Line::new(9600));
    let mut buffer = [0; 1024];
    let mut client = Client::new(Hdlc::new(CLIENT_ADDRESS, SERVER_ADDRESS), &mut buffer);
    let mut session = Session::plain(Settings::PUBLIC);
    let error = run(&mut session.open(&[]), &mut client, (&mut link, &mut peer)).unwrap_err();
    assert_eq!(error, LinkError::Disconnected.into());
    assert!(peer.requests.len() < 8);
}
