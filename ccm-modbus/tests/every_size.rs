//! Client and server in virtual time: every function at its smallest and its largest, over everything that carries it.
//! With `--nocapture` it prints the frames, for dissectors.

#![allow(clippy::unwrap_used, clippy::cast_possible_truncation, reason = "a test fails by panicking")]

mod common;

use ccm_core::testing::Link;
use ccm_core::{Duration, Line};
use ccm_modbus::{
    Ascii, Client, Coils, Echo, Extended, FileRange, FileReads, FileWrites, Framing, ReadDeviceId, Registers,
    Request, Response, Rtu, Server, SubFunction, Tcp,
};
use common::everything::{Everything, UNIT};
use common::hear;

const LINE: Line = Line::new(9600);

fn registers(quantity: usize) -> Registers<'static> {
    let values: Vec<u16> = (0..quantity as u16).collect();
    Registers::pack(&values, vec![0; quantity * 2].leak()).unwrap()
}

fn coils(quantity: usize) -> Coils<'static> {
    let states: Vec<bool> = (0..quantity).map(|coil| coil % 3 == 0).collect();
    Coils::pack(&states, vec![0; quantity.div_ceil(8)].leak()).unwrap()
}

fn reads(ranges: &[FileRange]) -> Request<'static> {
    Request::ReadFileRecord(FileReads::pack(ranges, vec![0; 245].leak()).unwrap())
}

fn writes(quantity: usize) -> Request<'static> {
    let group = (4, 10, registers(quantity));
    Request::WriteFileRecord(FileWrites::pack(&[group], vec![0; 251].leak()).unwrap())
}

/// Each request with the length of its PDU and of its reply's. The device has 2000 coils and registers.
fn sizes() -> Vec<(Request<'static>, usize, usize)> {
    let range = |length| FileRange { file: 4, record: 0, length };
    let read_write = |read_quantity, quantity| Request::ReadWriteMultipleRegisters {
        read_start: 0,
        read_quantity,
        write_start: 500,
        registers: registers(quantity),
    };
    let query = |data| Request::Diagnostics { sub_function: SubFunction::ReturnQueryData, data };
    let identify = |kind, object| Request::ReadDeviceIdentification { kind, object };
    vec![
        (Request::ReadCoils { start: 0, quantity: 1 }, 5, 3),
        (Request::ReadCoils { start: 0, quantity: 2000 }, 5, 252),
        (Request::ReadDiscreteInputs { start: 0, quantity: 1 }, 5, 3),
        (Request::ReadDiscreteInputs { start: 0, quantity: 2000 }, 5, 252),
        (Request::ReadHoldingRegisters { start: 0, quantity: 1 }, 5, 4),
        (Request::ReadHoldingRegisters { start: 0, quantity: 125 }, 5, 252),
        (Request::ReadInputRegisters { start: 0, quantity: 1 }, 5, 4),
        (Request::ReadInputRegisters { start: 0, quantity: 125 }, 5, 252),
        (Request::WriteSingleCoil { address: 0, on: true }, 5, 5),
        (Request::WriteSingleRegister { address: 1999, value: 0xFFFF }, 5, 5),
        (Request::ReadExceptionStatus, 1, 2),
        (query(&[0xA5, 0x37]), 5, 5),
        (query(&[0xA5; 250]), 253, 253),
        (Request::GetCommEventCounter, 1, 5),
        (Request::GetCommEventLog, 1, 8 + 2 * 14 + 1),
        (Request::WriteMultipleCoils { start: 0, coils: coils(1) }, 7, 5),
        (Request::WriteMultipleCoils { start: 0, coils: coils(1968) }, 252, 5),
        (Request::WriteMultipleRegisters { start: 0, registers: registers(1) }, 8, 5),
        (Request::WriteMultipleRegisters { start: 0, registers: registers(123) }, 252, 5),
        (Request::ReportServerId, 1, 8),
        (reads(&[range(1)]), 9, 6),
        (reads(&[range(121)]), 9, 246),
        (reads(&[range(1); 35]), 247, 142),
        (writes(1), 11, 11),
        (writes(122), 253, 253),
        (Request::MaskWriteRegister { address: 0, and_mask: 0xF2, or_mask: 0x25 }, 7, 7),
        (read_write(1, 1), 12, 4),
        (read_write(125, 121), 252, 252),
        (Request::ReadFifoQueue { address: 0x04DE }, 3, 67),
        (identify(ReadDeviceId::Basic, 0), 4, 7 + 2 + 5 + 2 + 4 + 2 + 3),
        (identify(ReadDeviceId::Individual, 4), 4, 253),
        (Request::EncapsulatedInterface { interface: 13, data: &[] }, 2, 2),
        (Request::EncapsulatedInterface { interface: 13, data: &[7; 251] }, 253, 253),
        (Request::Other { code: 65, data: &[] }, 1, 1),
        (Request::Other { code: 65, data: &[7; 252] }, 253, 253),
        (Request::GetCommEventLog, 1, 8 + 64),
    ]
}

fn device() -> Extended<Everything> {
    let mut device = Everything::new();
    device.device.registers = (0..2000).collect();
    device.device.coils = (0..2000).map(|coil| coil % 2 == 0).collect();
    device.queue = (0..31).collect();
    device.objects.insert(4, vec![b'x'; 244]);
    Extended::new(device)
}

fn print(way: &str, direction: char, frame: &[u8]) {
    let hex: String = frame.iter().map(|byte| format!("{byte:02x}")).collect();
    println!("frame {way} {direction} {hex}");
}

/// The kind of framing says what is added to a PDU on the wire.
fn check<F: Framing>(way: &str, client: F, server: F, on_wire: fn(usize) -> usize) {
    let (mut asks, mut answers) = ([0; 1030], [0; 1030]);
    let mut client = Client::new(client, &mut asks);
    let mut server = Server::new(server, UNIT, device(), &mut answers);
    let mut link = Link::new(LINE);
    for (request, sent, answered) in sizes() {
        client.start(link.now(), UNIT, request).unwrap();
        let mut now = link.now();
        let mut peer = |frame: &[u8]| {
            assert_eq!(frame.len(), on_wire(sent), "{request:?}");
            now = now + Duration::from_secs(3);
            let replies = hear(&mut server, now, frame);
            print(way, 'I', frame);
            replies.iter().for_each(|reply| print(way, 'O', reply));
            replies.into_iter().map(|reply| (Duration::from_millis(5), reply)).collect()
        };
        link.run(&mut client, &mut peer, Duration::from_secs(9));
        let reply = client.outcome().unwrap();
        assert_eq!(reply.pdu().len(), answered, "{request:?}");
        assert_eq!(reply.response().unwrap().function(), Some(request.function()));
        assert!(reply.response().is_ok_and(|response| response != Response::Broadcast));
        link.pass(Duration::from_secs(9));
    }
}

#[test]
fn every_function_passes_over_rtu_at_its_smallest_and_its_largest() {
    check("rtu", Rtu::new(LINE).with_echo(Echo::Off), Rtu::new(LINE), |pdu| pdu + 3);
}

#[test]
fn every_function_passes_over_ascii_at_its_smallest_and_its_largest() {
    check("ascii", Ascii::new(LINE).with_echo(Echo::Off), Ascii::new(LINE), |pdu| 2 * (pdu + 2) + 3);
}

#[test]
fn every_function_passes_over_tcp_at_its_smallest_and_its_largest() {
    check("tcp", Tcp::new(), Tcp::new(), |pdu| pdu + 7);
}

#[test]
fn every_function_passes_over_rtu_over_tcp_at_its_smallest_and_its_largest() {
    check("rtu-over-tcp", Rtu::over_tcp(LINE), Rtu::over_tcp(LINE), |pdu| pdu + 3);
}
