//! This stack, as a host has it: with its feature `std`.

use std::hint::black_box;

use ccm_core::{Duration, Instant, Line, Machine, Step, Writer};
use ccm_modbus::{
    Client, Exception, Handler, Registers, RegistersMut, Reply, Request, Response, Rtu, Server, rtu,
};

use crate::{Bench, QUANTITY, START, UNIT};

pub fn run(name: &str, bench: &Bench) {
    match name {
        "encode_ccm" => bench.encode(|buffer| encode_ccm(black_box(QUANTITY), buffer)),
        "decode_ccm" => bench.sum(|reply| decode_ccm(black_box(QUANTITY), reply)),
        "decode_ccm_response" => bench.sum(decode_ccm_response),
        "call_ccm" => call(bench),
        "serve_ccm" => serve(bench),
        "serve_ccm_pieces" => serve_pieces(bench),
        _ => panic!("there is no function {name:?}"),
    }
}

#[unsafe(no_mangle)]
#[inline(never)]
fn encode_ccm(quantity: u16, buffer: &mut [u8]) -> usize {
    rtu::emit(UNIT, &Request::ReadHoldingRegisters { start: START, quantity }, buffer).unwrap()
}

/// Matches the reply with its request, too.
#[unsafe(no_mangle)]
#[inline(never)]
fn decode_ccm(quantity: u16, reply: &[u8]) -> usize {
    let frame = rtu::parse(reply).unwrap();
    assert_eq!(frame.unit, UNIT);
    let request = Request::ReadHoldingRegisters { start: START, quantity };
    sum(Reply::to(&request, frame.pdu).unwrap().registers().unwrap())
}

#[unsafe(no_mangle)]
#[inline(never)]
fn decode_ccm_response(reply: &[u8]) -> usize {
    let frame = rtu::parse(reply).unwrap();
    assert_eq!(frame.unit, UNIT);
    sum(Response::parse(frame.pdu).unwrap().unwrap().registers().unwrap())
}

fn call(bench: &Bench) {
    let mut buffer = [0; 264];
    let mut client = Client::new(Rtu::new(Line::new(9600)), &mut buffer);
    let mut now = Instant::ZERO;
    bench.sum(|reply| {
        now = now + Duration::from_secs(1);
        call_ccm(&mut client, now, reply)
    });
}

/// A whole exchange: silence, request, reply in one piece, outcome.
#[unsafe(no_mangle)]
#[inline(never)]
fn call_ccm(client: &mut Client<'_, Rtu>, mut now: Instant, reply: &[u8]) -> usize {
    client.start(now, UNIT, Request::ReadHoldingRegisters { start: START, quantity: QUANTITY }).unwrap();
    let mut is_sent = false;
    loop {
        match client.poll(now) {
            Step::Send(bytes) => {
                black_box(bytes);
                is_sent = true;
            }
            Step::Wait(_) if is_sent => {
                client.receive(now, reply);
            }
            Step::Wait(until) => now = until.unwrap(),
            Step::SetLine(_) => {}
            Step::Done => break,
        }
    }
    sum(client.outcome().unwrap().registers().unwrap())
}

fn sum(registers: Registers<'_>) -> usize {
    registers.iter().map(usize::from).sum()
}

struct Table<'a>(&'a [u16]);

impl Handler for Table<'_> {
    fn read_holding_registers(
        &mut self,
        start: u16,
        registers: &mut RegistersMut<'_>,
    ) -> Result<(), Exception> {
        registers.extend(self.range(start, registers.len())?.iter().copied());
        Ok(())
    }
}

impl Table<'_> {
    fn range(&self, start: u16, length: usize) -> Result<&[u16], Exception> {
        let values = self.0.get(usize::from(start)..).and_then(|values| values.get(..length));
        values.ok_or(Exception::IllegalDataAddress)
    }
}

fn serve(bench: &Bench) {
    let mut buffer = [0; 512];
    let mut server = Server::new(Rtu::new(Line::new(9600)), UNIT, Table(&bench.values), &mut buffer);
    let mut now = Instant::ZERO;
    exchange(&mut server, now, &bench.request, |reply| assert_eq!(reply, bench.reply));
    bench.serve(|request| {
        now = now + Duration::from_secs(1);
        serve_ccm(&mut server, now, request)
    });
}

/// Hears a request in one piece, waits for the silence behind it, and sends the reply.
#[unsafe(no_mangle)]
#[inline(never)]
fn serve_ccm(server: &mut Server<'_, Rtu, Table<'_>>, now: Instant, request: &[u8]) -> usize {
    exchange(server, now, request, |reply| {
        black_box(reply);
    })
}

#[inline(always)]
fn exchange(
    server: &mut Server<'_, Rtu, Table<'_>>,
    mut now: Instant,
    request: &[u8],
    send: impl Fn(&[u8]),
) -> usize {
    server.receive(now, request);
    let mut length = 0;
    loop {
        match server.poll(now) {
            Step::Send(bytes) => {
                length = bytes.len();
                send(bytes);
            }
            Step::Wait(Some(until)) => now = until,
            _ => return length,
        }
    }
}

fn serve_pieces(bench: &Bench) {
    let mut buffer = [0; 256];
    let table = Table(&bench.values);
    bench.serve(|request| serve_ccm_pieces(&table, request, &mut buffer));
    assert_eq!(&buffer[..bench.reply.len()], bench.reply);
}

/// The same without the machine: no silence, no line, no other function. What replies is written with the request's
/// emitter, as a function of one's own: nothing else of the crate's public items puts a checksum behind a reply.
#[unsafe(no_mangle)]
#[inline(never)]
fn serve_ccm_pieces(table: &Table<'_>, request: &[u8], buffer: &mut [u8]) -> usize {
    let frame = rtu::parse(request).unwrap();
    let Request::ReadHoldingRegisters { start, quantity } = Request::parse(frame.pdu).unwrap() else {
        return 0;
    };
    let (mut bytes, mut pdu) = ([0; 250], [0; 253]);
    let registers = Registers::pack(table.range(start, quantity.into()).unwrap(), &mut bytes).unwrap();
    let mut writer = Writer::new(&mut pdu);
    Response::ReadHoldingRegisters(registers).emit(&mut writer).unwrap();
    let [code, data @ ..] = writer.written() else { return 0 };
    rtu::emit(frame.unit, &Request::Other { code: *code, data }, buffer).unwrap()
}
