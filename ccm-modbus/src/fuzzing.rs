//! What the fuzz targets do with their bytes: ordinary functions, which `cargo test` runs on random bytes too.

use ccm_core::{Duration, Instant, Line, Machine, Step, Writer};

use crate::gateway::{Adu, Gateway, Settings, Verdict, mbap};
use crate::tracker::{Event, Tracker};
use crate::{
    Ascii, Client, Coils, CoilsMut, Error, Exception, Extended, FileRange, Framing, Handler, Pipeline,
    Registers, RegistersMut, Reply, Request, Response, Rtu, Server, Services, Tcp,
};

/// Any bytes as a request: it must not panic, and what it parses must come out again as it came.
pub fn request(bytes: &[u8]) {
    let Ok(request) = Request::parse(pdu(bytes)) else { return };
    let mut buffer = [0; 253];
    let mut writer = Writer::new(&mut buffer);
    assert!(request.emit(&mut writer).is_ok(), "{request:?} was parsed and cannot be emitted");
    assert_eq!(Request::parse(writer.written()), Ok(request));
    match request {
        Request::ReadFileRecord(reads) => assert!(reads.iter().count() <= 40),
        Request::WriteFileRecord(writes) => assert!(writes.iter().count() <= 40),
        _ => {}
    }
}

/// Any bytes as a response: the same; and as the answer to each function, it must be that one's.
pub fn response(bytes: &[u8]) {
    let bytes = pdu(bytes);
    for request in requests() {
        if let Ok(reply) = Reply::to(&request, bytes) {
            assert_eq!(reply.pdu().first(), Some(&request.function().code()));
            let _ = (reply.registers(), reply.coils(), reply.response());
        }
    }
    let Ok(Ok(response)) = Response::parse(bytes) else { return };
    let mut buffer = [0; 260];
    let mut writer = Writer::new(&mut buffer);
    assert!(response.emit(&mut writer).is_ok(), "{response:?} was parsed and cannot be emitted");
    assert_eq!(Response::parse(writer.written()), Ok(Ok(response)));
    match response {
        Response::ReadFileRecord(records) => assert!(records.iter().count() <= 126),
        Response::ReadDeviceIdentification(found) => assert!(found.objects.iter().count() <= 126),
        _ => {}
    }
}

/// As many bytes as a frame can hold.
fn pdu(bytes: &[u8]) -> &[u8] {
    bytes.get(..253).unwrap_or(bytes)
}

/// A request of each shape that a reply can have.
fn requests() -> [Request<'static>; 8] {
    [
        Request::ReadCoils { start: 0, quantity: 11 },
        READ,
        Request::WriteSingleCoil { address: 1, on: true },
        Request::MaskWriteRegister { address: 1, and_mask: 2, or_mask: 3 },
        Request::GetCommEventLog,
        Request::ReadFifoQueue { address: 0 },
        Request::ReadDeviceIdentification { kind: crate::ReadDeviceId::Basic, object: 0 },
        Request::Other { code: 65, data: &[] },
    ]
}

const READ: Request<'static> = Request::ReadHoldingRegisters { start: 5, quantity: 2 };

/// Any bytes on a serial line after a request: the client ends, and what it takes for the reply is as long as was asked.
pub fn serial_stream(bytes: &[u8]) {
    client(Rtu::new(Line::new(9600)), bytes);
    client(Rtu::over_tcp(Line::new(9600)), bytes);
    client(Ascii::new(Line::new(9600)), bytes);
}

/// The same on a connection, for one transaction and for several.
pub fn mbap_stream(bytes: &[u8]) {
    client(Tcp::new(), bytes);
    let mut buffers = [[0; 260]; 3];
    let mut pipeline = Pipeline::new(&mut buffers);
    let tickets = [1, 2, 3].map(|unit| pipeline.start(Instant::ZERO, unit, READ));
    run(&mut pipeline, bytes);
    for ticket in tickets.into_iter().flatten() {
        assert_ne!(pipeline.outcome(ticket).err(), Some(Error::Unfinished));
    }
}

fn client<F: Framing>(framing: F, bytes: &[u8]) {
    let mut buffer = [0; 1030];
    let mut client = Client::new(framing, &mut buffer);
    let (choice, bytes) = bytes.split_first().map_or((0, bytes), |(choice, bytes)| (*choice, bytes));
    let Some(request) = requests().get(usize::from(choice % 8)).copied() else { return };
    // One exchange after the other: what the first leaves behind is the second's to get over.
    for (half, start) in
        [bytes.get(..bytes.len() / 2), bytes.get(bytes.len() / 2..)].into_iter().flatten().zip([0, 70_000])
    {
        if client.start(Instant::from_millis(start), 1, request).is_err() {
            return;
        }
        run_from(&mut client, Instant::from_millis(start), half);
        let outcome = client.outcome();
        assert_ne!(outcome.err(), Some(Error::Unfinished));
        let registers = outcome.ok().and_then(|reply| reply.registers());
        assert!(registers.is_none_or(|registers| registers.len() == 2));
    }
}

/// Any bytes on the line towards a server: it goes on, and each request has one answer at most.
pub fn server(bytes: &[u8]) {
    let mut buffer = [0; 1030];
    run(&mut Server::new(Rtu::new(Line::new(9600)), 1, Extended::new(Zeros), &mut buffer), bytes);
    run(&mut Server::new(Rtu::over_tcp(Line::new(9600)), 1, Extended::new(Zeros), &mut buffer), bytes);
    run(&mut Server::new(Ascii::new(Line::new(9600)), 1, Extended::new(Zeros), &mut buffer), bytes);
    run(&mut Server::new(Tcp::new(), 1, Extended::new(Zeros), &mut buffer), bytes);
}

/// Any bytes from a client of a gateway, while its port answers or does not: no request is answered twice, and none that
/// was accepted is left without an answer.
pub fn gateway(bytes: &[u8]) {
    let mut gateway = Gateway::<1, 2, 4, 2>::new(Settings::new());
    assert!(gateway.route(1, 200, 0).is_ok());
    gateway.port_up(0);
    let (mut rest, mut open, mut now) = (bytes, 0_usize, Instant::ZERO);
    loop {
        let (transaction, frame, length) = match mbap::split(rest) {
            Ok(mbap::Split::Request { transaction, frame, length }) => (transaction, frame, length),
            Ok(mbap::Split::Skip(length)) => {
                rest = rest.get(length..).unwrap_or_default();
                continue;
            }
            _ => break,
        };
        rest = rest.get(length..).unwrap_or_default();
        let request = Adu { client: usize::from(transaction % 2), transaction, frame };
        open += usize::from(gateway.request(now, request) == Verdict::Queued);
        now = now + Duration::from_millis(u64::from(transaction % 512));
        if transaction % 3 > 0 && gateway.ask(now, 0).is_some() {
            let good: Result<&[u8], Error> = Ok(&[3, 2, 0, 7]);
            gateway.settle(now, 0, if transaction % 3 == 1 { good } else { Err(Error::Timeout) });
        }
        open = drain(&mut gateway, open);
    }
    gateway.expire(now + Duration::from_secs(3600));
    gateway.port_down(0);
    assert_eq!(drain(&mut gateway, open), 0, "a request was left without an answer");
}

/// Takes the answers there are; gives how many requests are still open.
fn drain(gateway: &mut Gateway<1, 2, 4, 2>, mut open: usize) -> usize {
    while gateway.reply().is_some() {
        assert!(open > 0, "an answer to nothing");
        open -= 1;
    }
    open
}

fn run(machine: &mut impl Machine, bytes: &[u8]) {
    run_from(machine, Instant::ZERO, bytes);
}

/// Any bytes on a line that is listened to: each is told of once, as part of a frame or as noise.
pub fn tracker(mut bytes: &[u8]) {
    let mut buffer = [0; 300];
    let mut tracker = Tracker::new(Line::new(9600), &mut buffer);
    let (mut now, mut heard, mut told) = (Instant::ZERO, 0, 0);
    let length = |event: Event<'_>| match event {
        Event::Frame(sighting) => sighting.bytes.len(),
        Event::Noise { bytes, .. } => bytes.len(),
        Event::Unanswered { .. } => 0,
    };
    while let Some((head, rest)) = bytes.split_first() {
        let (piece, left) = rest.split_at(usize::from(head & 0x1F).min(rest.len()));
        bytes = left;
        tracker.hear(now, piece, |event| told += length(event));
        heard += piece.len();
        now = now + Duration::from_millis(u64::from(head >> 5) * 40);
    }
    while let Some(event) = tracker.finish(now) {
        told += length(event);
    }
    assert_eq!(told, heard);
}

/// The first byte of each piece says how long it is and how long the line is silent after it.
fn run_from(machine: &mut impl Machine, mut now: Instant, mut bytes: &[u8]) {
    let mut sent = 0;
    while let Some((head, rest)) = bytes.split_first() {
        let (piece, left) = rest.split_at(usize::from(head & 0x1F).min(rest.len()));
        bytes = left;
        deliver(machine, now, piece, &mut sent);
        now = now + Duration::from_millis(u64::from(head >> 5));
    }
    // The line is silent, the request leaves, nobody answers, the time is over.
    for seconds in [10, 20, 40, 60] {
        settle(machine, now + Duration::from_secs(seconds), &mut sent);
    }
    assert!(sent <= 2000, "the machine sends without an end");
}

fn deliver(machine: &mut impl Machine, now: Instant, mut piece: &[u8], sent: &mut usize) {
    for _ in 0..64 {
        settle(machine, now, sent);
        if piece.is_empty() {
            return;
        }
        let taken = machine.receive(now, piece);
        piece = piece.get(taken..).unwrap_or_default();
    }
}

fn settle(machine: &mut impl Machine, now: Instant, sent: &mut usize) {
    for _ in 0..16 {
        match machine.poll(now) {
            Step::Send(bytes) => {
                assert!(!bytes.is_empty() && bytes.len() <= 513);
                *sent += 1;
            }
            Step::SetLine(_) => {}
            Step::Wait(_) | Step::Done => return,
        }
    }
}

/// A device that has every address and forgets what is written.
struct Zeros;

impl Handler for Zeros {
    fn read_coils(&mut self, _start: u16, coils: &mut CoilsMut<'_>) -> Result<(), Exception> {
        coils.extend(core::iter::repeat(false));
        Ok(())
    }

    fn read_holding_registers(
        &mut self,
        _start: u16,
        registers: &mut RegistersMut<'_>,
    ) -> Result<(), Exception> {
        registers.extend(core::iter::repeat(0));
        Ok(())
    }

    fn write_coils(&mut self, _start: u16, _coils: Coils<'_>) -> Result<(), Exception> {
        Ok(())
    }

    fn write_holding_registers(&mut self, _start: u16, _registers: Registers<'_>) -> Result<(), Exception> {
        Ok(())
    }
}

impl Services for Zeros {
    fn read_exception_status(&mut self) -> Result<u8, Exception> {
        Ok(0)
    }

    fn report_server_id(&mut self, id: &mut Writer<'_>) -> Result<(), Exception> {
        id.u8(0xFF).map_err(|_| Exception::ServerDeviceFailure)
    }

    fn read_file(&mut self, _range: FileRange, registers: &mut RegistersMut<'_>) -> Result<(), Exception> {
        registers.extend(core::iter::repeat(0));
        Ok(())
    }

    fn can_write_file(&mut self, _range: FileRange) -> Result<(), Exception> {
        Ok(())
    }

    fn write_file(&mut self, _range: FileRange, _registers: Registers<'_>) -> Result<(), Exception> {
        Ok(())
    }

    fn read_fifo_queue(&mut self, address: u16, queue: &mut RegistersMut<'_>) -> Result<(), Exception> {
        queue.extend(0..address % 32);
        Ok(())
    }

    fn object(&self, id: u8) -> Option<&[u8]> {
        (id < 3 || id.is_multiple_of(50))
            .then_some(&[b'x'; 244])
            .and_then(|value| value.get(..usize::from(id)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_bytes_break_request(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            super::request(&bytes);
        }

        #[test]
        fn no_bytes_break_response(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            super::response(&bytes);
        }

        #[test]
        fn no_bytes_break_serial_stream(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            super::serial_stream(&bytes);
        }

        #[test]
        fn no_bytes_break_mbap_stream(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            super::mbap_stream(&bytes);
        }

        #[test]
        fn no_bytes_break_server(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            super::server(&bytes);
        }

        #[test]
        fn no_bytes_break_tracker(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            super::tracker(&bytes);
        }

        #[test]
        fn no_bytes_break_gateway(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            super::gateway(&bytes);
        }
    }
}
