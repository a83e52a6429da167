//! Encodes a read of holding registers and decodes its reply of 125 registers, with this stack and with others'.
//!
//! Each function is measured alone: `valgrind --tool=callgrind --toggle-collect=NAME`. Usage: instructions NAME

use std::hint::black_box;

const UNIT: u8 = 17;
const QUANTITY: u16 = 125;

fn main() {
    let reply = reply();
    let name = std::env::args().nth(1).unwrap_or_default();
    let result = match name.as_str() {
        "encode_ccm" => encode_ccm(black_box(5)),
        "encode_rmodbus" => encode_rmodbus(black_box(5)),
        "encode_modbus_core" => encode_modbus_core(black_box(5)),
        "decode_ccm" => decode_ccm(black_box(&reply)),
        "decode_rmodbus" => decode_rmodbus(black_box(&reply)),
        "decode_modbus_core" => decode_modbus_core(black_box(&reply)),
        "call_ccm" => call_ccm(black_box(&reply)),
        "call_tokio_modbus" => tokio_modbus_call(&reply),
        _ => panic!("there is no function {name:?}"),
    };
    println!("{name}: {result}");
}

fn reply() -> Vec<u8> {
    let mut frame = vec![UNIT, 3, 250];
    frame.extend((0..QUANTITY).flat_map(u16::to_be_bytes));
    let crc = crc16(&frame);
    frame.extend(crc.to_le_bytes());
    frame
}

fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0xFFFF, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xA001 } else { crc >> 1 })
    })
}

#[unsafe(no_mangle)]
#[inline(never)]
fn encode_ccm(start: u16) -> usize {
    let mut buffer = [0; 256];
    let request = ccm_modbus::Request::ReadHoldingRegisters { start, quantity: QUANTITY };
    let length = ccm_modbus::rtu::emit(UNIT, &request, &mut buffer).unwrap();
    black_box(&buffer);
    length
}

#[unsafe(no_mangle)]
#[inline(never)]
fn decode_ccm(reply: &[u8]) -> usize {
    let frame = ccm_modbus::rtu::parse(reply).unwrap();
    let response = ccm_modbus::Response::parse(frame.pdu).unwrap().unwrap();
    response.registers().unwrap().iter().map(usize::from).sum()
}

/// A whole exchange: silence, request, reply in one piece, outcome.
#[unsafe(no_mangle)]
#[inline(never)]
fn call_ccm(reply: &[u8]) -> usize {
    use ccm_core::{Instant, Line, Machine, Step};
    let mut buffer = [0; 256];
    let mut client = ccm_modbus::Client::new(ccm_modbus::Rtu::new(Line::new(9600)), &mut buffer);
    let request = ccm_modbus::Request::ReadHoldingRegisters { start: 5, quantity: QUANTITY };
    client.start(Instant::ZERO, UNIT, request).unwrap();
    let mut now = Instant::ZERO;
    loop {
        match client.poll(now) {
            Step::Send(bytes) => drop(black_box(bytes)),
            Step::Wait(Some(until)) if until > Instant::from_millis(100) => drop(client.receive(now, reply)),
            Step::Wait(until) => now = until.unwrap(),
            Step::SetLine(_) => {}
            Step::Done => break,
        }
    }
    client.outcome().unwrap().registers().unwrap().iter().map(usize::from).sum()
}

#[unsafe(no_mangle)]
#[inline(never)]
fn encode_rmodbus(start: u16) -> usize {
    let mut buffer = Vec::with_capacity(256);
    let mut request = rmodbus::client::ModbusRequest::new(UNIT, rmodbus::ModbusProto::Rtu);
    request.generate_get_holdings(start, QUANTITY, &mut buffer).unwrap();
    black_box(&buffer).len()
}

#[unsafe(no_mangle)]
#[inline(never)]
fn decode_rmodbus(reply: &[u8]) -> usize {
    let mut request = rmodbus::client::ModbusRequest::new(UNIT, rmodbus::ModbusProto::Rtu);
    request.func = rmodbus::consts::ModbusFunction::GetHoldings;
    request.count = QUANTITY;
    let values = request.parse_slice(reply).unwrap();
    values.chunks_exact(2).map(|pair| usize::from(u16::from_be_bytes([pair[0], pair[1]]))).sum()
}

#[unsafe(no_mangle)]
#[inline(never)]
fn encode_modbus_core(start: u16) -> usize {
    use modbus_core::rtu::{Header, RequestAdu, client};
    let mut buffer = [0; 256];
    let pdu = modbus_core::RequestPdu(modbus_core::Request::ReadHoldingRegisters(start, QUANTITY));
    let length = client::encode_request(RequestAdu { hdr: Header { slave: UNIT }, pdu }, &mut buffer).unwrap();
    black_box(&buffer);
    length
}

#[unsafe(no_mangle)]
#[inline(never)]
fn decode_modbus_core(reply: &[u8]) -> usize {
    let adu = modbus_core::rtu::client::decode_response(reply).unwrap().unwrap();
    let Ok(modbus_core::Response::ReadHoldingRegisters(data)) = adu.pdu.0 else { panic!("another response") };
    (0..data.len()).filter_map(|index| data.get(index)).map(usize::from).sum()
}

/// A reader that has the reply and a writer that takes everything.
struct Loop {
    reply: Vec<u8>,
    read: usize,
}

impl tokio::io::AsyncRead for Loop {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        buffer: &mut tokio::io::ReadBuf<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        buffer.put_slice(&self.reply[self.read..]);
        self.read = self.reply.len();
        std::task::Poll::Ready(Ok(()))
    }
}

impl tokio::io::AsyncWrite for Loop {
    fn poll_write(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        std::task::Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: std::pin::Pin<&mut Self>, _: &mut std::task::Context<'_>) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: std::pin::Pin<&mut Self>, _: &mut std::task::Context<'_>) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }
}

fn tokio_modbus_call(reply: &[u8]) -> usize {
    let line = Loop { reply: reply.to_vec(), read: 0 };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let context = tokio_modbus::client::rtu::attach_slave(line, tokio_modbus::Slave(UNIT));
    call_tokio_modbus(&runtime, context)
}

#[unsafe(no_mangle)]
#[inline(never)]
fn call_tokio_modbus(runtime: &tokio::runtime::Runtime, mut context: tokio_modbus::client::Context) -> usize {
    use tokio_modbus::prelude::Reader;
    let values = runtime.block_on(context.read_holding_registers(5, QUANTITY)).unwrap().unwrap();
    values.into_iter().map(usize::from).sum()
}
