//! What the fuzz targets do with their bytes: ordinary functions, which `cargo test` runs on random bytes too.

use std::string::String;
use std::vec::Vec;

use ccm_core::{Instant, Machine, Step, Writer};

use crate::p1::{Envelope, SubMeters};
use crate::{
    Check, Client, Decoder, Event, Handler, Identification, Policy, Profile, Quirks, Records, Request,
    Response, Server, Value,
};

/// Any bytes through the tokenizer, in pieces as the first byte says: whole and in pieces the events are the same.
pub fn tokenizer(bytes: &[u8]) {
    let Some((head, bytes)) = bytes.split_first() else { return };
    for profile in [Profile::IEC, Profile::P1, Profile::PUSH] {
        let whole = events(profile, bytes, bytes.len().max(1));
        assert_eq!(whole, events(profile, bytes, usize::from(head % 16) + 1));
    }
}

/// All events, in words.
fn events(profile: Profile, bytes: &[u8], piece: usize) -> Vec<String> {
    let mut decoder = Decoder::new(profile);
    let mut events = Vec::new();
    for mut piece in bytes.chunks(piece) {
        while let Some(event) = decoder.decode(&mut piece) {
            events.push(std::format!("{event:?}"));
        }
        assert!(piece.is_empty(), "bytes are left over");
    }
    while let Some(event) = decoder.finish() {
        events.push(std::format!("{event:?}"));
        assert!(events.len() <= 4 * bytes.len() + 8, "silence never ends");
    }
    events
}

/// Any bytes as P1: plain telegrams with their sub-meters and profiles, and encrypted ones.
pub fn p1(bytes: &[u8]) {
    let mut decoder = Decoder::new(Profile::P1);
    let (mut meters, mut records) = (SubMeters::<4>::new(), Records::<4>::new());
    let mut input = bytes;
    while let Some(event) = decoder.decode(&mut input) {
        let Event::Value(value) = event else { continue };
        look(&value);
        meters.value(&value);
        let _ = records.value(&value).map(|record| (record.decimal(0), record.time));
    }
    assert!(meters.iter().count() <= 4);
    let mut buffer = [0; 512];
    let mut envelope = Envelope::new(&mut buffer);
    let mut input = bytes;
    while !input.is_empty() {
        let taken = envelope.push(input);
        input = input.get(taken..).unwrap_or_default();
        if envelope.is_whole() {
            envelope.clear();
        }
    }
}

/// Everything that can be asked of a value.
fn look(value: &Value<'_>) {
    let _ = (value.code(), value.decimal(), value.unit(), value.time());
    let shown = value.decimal().map(|decimal| std::format!("{decimal}"));
    assert!(shown.is_none_or(|shown| shown.len() <= 24));
}

/// Any bytes as an answer: the client ends, whatever it asked.
pub fn client(bytes: &[u8]) {
    let requests = [
        Request::SignOn { table: b'?', address: b"" },
        Request::Listen { baud: None },
        Request::Command(crate::Command::read(5, b"1.8.0", b"")),
        Request::Command(crate::Command::write(5, b"1.8.0", b"1")),
    ];
    for request in requests {
        let mut buffer = [0; 64];
        let mut client = Client::new(Policy::DEFAULT, (), &mut buffer);
        if client.start(Instant::ZERO, request).is_ok() {
            run(&mut client, bytes);
            assert!(!matches!(client.outcome(), Err(crate::Error::Unfinished)), "the client does not end");
            check(client.outcome());
        }
    }
}

/// A strict client takes no wrong checksum.
fn check(outcome: Result<Response<'_>, crate::Error>) {
    if let Ok(Response::Data { check, .. }) = outcome {
        assert!(check == Check::None || check.is_right());
    }
}

/// Any bytes towards a meter, and as a message.
pub fn server(bytes: &[u8]) {
    for (_, quirks) in Quirks::NAMED.iter().filter(|(_, quirks)| quirks.push.is_none()) {
        let (mut input, mut output) = ([0; 64], [0; 64]);
        run(&mut Server::new(Silent, *quirks, &mut input, &mut output), bytes);
    }
    let Some(request) = Request::parse(bytes) else { return };
    let mut buffer = [0; 600];
    let mut writer = Writer::new(&mut buffer);
    if request.emit(&mut writer).is_ok() {
        assert_eq!(Request::parse(writer.written()), Some(request));
    }
}

/// The first byte of each piece says how long it is; the rest of the time nothing happens.
fn run(machine: &mut impl Machine, mut bytes: &[u8]) {
    let mut now = Instant::ZERO;
    for _ in 0..2000 {
        match machine.poll(now) {
            Step::Send(sent) => assert!(!sent.is_empty()),
            Step::SetLine(_) => {}
            Step::Done => return,
            Step::Wait(until) => match bytes.split_first() {
                Some((head, rest)) => {
                    let (piece, left) = rest.split_at(usize::from(head & 0x3F).min(rest.len()));
                    bytes = left;
                    offer(machine, now, piece);
                }
                None => match until {
                    Some(until) => now = until.max(now),
                    None => return,
                },
            },
        }
    }
}

fn offer(machine: &mut impl Machine, now: Instant, mut piece: &[u8]) {
    while !piece.is_empty() {
        let taken = machine.receive(now, piece);
        assert!(taken <= piece.len());
        piece = piece.get(taken..).unwrap_or_default();
        if taken == 0 || !matches!(machine.poll(now), Step::Wait(_)) {
            return;
        }
    }
}

/// A meter with two lines.
struct Silent;

impl Handler for Silent {
    fn identification(&self) -> Identification<'_> {
        Identification { flag: *b"CCM", speed: b'5', escapes: b"\\2", model: b"FUZZ" }
    }

    fn line(&mut self, _table: u8, index: u32, out: &mut Writer<'_>) -> bool {
        index < 2 && out.slice(b"1.8.0(1)").is_ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    /// Bytes that make telegrams likelier than chance does.
    fn likely() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![
            6 => prop::sample::select(b"()*/!\r\n0123456789.:-&kWhABCSI\x01\x02\x03\x04\x06\x15".to_vec()),
            1 => any::<u8>(),
        ];
        prop::collection::vec(byte, 0..600)
    }

    proptest! {
        #[test]
        fn no_bytes_break_anything(bytes in likely()) {
            super::tokenizer(&bytes);
            super::p1(&bytes);
            super::client(&bytes);
            super::server(&bytes);
        }

        #[test]
        fn messages_are_read_back_as_they_were_said(
            code in "[PWRE]", kind in 0_u8..10, address in "[0-9.:*-]{0,16}", value in "[ -'*-~]{0,40}",
        ) {
            let code = crate::Code::from_letter(code.as_bytes()[0]);
            let data =
                crate::Data::Set { address: address.as_bytes(), value: value.as_bytes(), second: None };
            let request = super::Request::Command(crate::Command { code, kind, data });
            let mut buffer = [0; 80];
            let mut writer = ccm_core::Writer::new(&mut buffer);
            request.emit(&mut writer).unwrap();
            prop_assert_eq!(super::Request::parse(writer.written()), Some(request));
        }
    }
}
