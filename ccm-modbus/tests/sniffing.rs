//! The tracker hears what the crate's own client and server say to each other: every function, both directions.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

use ccm_core::{Duration, Instant, Line, Machine, Step, Writer};
use ccm_modbus::monitor::Monitor;
use ccm_modbus::tracker::{Event, Role, Tracker};
use ccm_modbus::{
    Client, Coils, CoilsMut, Echo, Error, Exception, Extended, FileRange, FileReads, FileWrites, Function,
    Handler, ReadDeviceId, Registers, RegistersMut, Request, Rtu, Server, Services, SubFunction,
};

const LINE: Line = Line::new(9600);
const UNIT: u8 = 17;

/// Has everything and forgets what is written.
struct Device;

impl Handler for Device {
    fn read_coils(&mut self, _start: u16, coils: &mut CoilsMut<'_>) -> Result<(), Exception> {
        coils.extend(core::iter::repeat_n(true, coils.len()));
        Ok(())
    }

    fn read_discrete_inputs(&mut self, start: u16, inputs: &mut CoilsMut<'_>) -> Result<(), Exception> {
        self.read_coils(start, inputs)
    }

    fn read_holding_registers(
        &mut self,
        start: u16,
        registers: &mut RegistersMut<'_>,
    ) -> Result<(), Exception> {
        if start == 999 {
            return Err(Exception::IllegalDataAddress);
        }
        registers.extend((start..).take(registers.len()));
        Ok(())
    }

    fn read_input_registers(
        &mut self,
        start: u16,
        registers: &mut RegistersMut<'_>,
    ) -> Result<(), Exception> {
        self.read_holding_registers(start, registers)
    }

    fn write_coils(&mut self, _start: u16, _coils: Coils<'_>) -> Result<(), Exception> {
        Ok(())
    }

    fn write_holding_registers(&mut self, _start: u16, _registers: Registers<'_>) -> Result<(), Exception> {
        Ok(())
    }
}

impl Services for Device {
    fn read_exception_status(&mut self) -> Result<u8, Exception> {
        Ok(0x55)
    }

    fn report_server_id(&mut self, id: &mut Writer<'_>) -> Result<(), Exception> {
        id.slice(b"device\xFF").map_err(|_| Exception::ServerDeviceFailure)
    }

    fn read_file(&mut self, range: FileRange, registers: &mut RegistersMut<'_>) -> Result<(), Exception> {
        registers.extend((range.record..).take(registers.len()));
        Ok(())
    }

    fn can_write_file(&mut self, _range: FileRange) -> Result<(), Exception> {
        Ok(())
    }

    fn write_file(&mut self, _range: FileRange, _registers: Registers<'_>) -> Result<(), Exception> {
        Ok(())
    }

    fn read_fifo_queue(&mut self, _address: u16, queue: &mut RegistersMut<'_>) -> Result<(), Exception> {
        queue.push(7);
        queue.push(8);
        Ok(())
    }

    fn object(&self, id: u8) -> Option<&[u8]> {
        [&b"maker"[..], b"product", b"1.0"].get(usize::from(id)).copied()
    }

    fn encapsulated_interface(
        &mut self,
        _interface: u8,
        data: &[u8],
        reply: &mut Writer<'_>,
    ) -> Result<(), Exception> {
        reply.slice(data).map_err(|_| Exception::ServerDeviceFailure)
    }

    fn own_function(&mut self, _code: u8, _data: &[u8], reply: &mut Writer<'_>) -> Result<(), Exception> {
        reply.slice(b"own").map_err(|_| Exception::ServerDeviceFailure)
    }
}

/// Lets client and server speak until the client has its answer; gives the frames with the time at which each ended.
fn exchange(
    client: &mut Client<'_, Rtu>,
    server: &mut impl Machine,
    now: &mut Instant,
    request: Request<'_>,
) -> Vec<(Instant, Vec<u8>)> {
    client.start(*now, UNIT, request).unwrap();
    let mut said = Vec::new();
    for _ in 0..100 {
        while let Some(frame) = spoken(client, *now) {
            *now = *now + LINE.characters(u32::try_from(frame.len()).unwrap());
            server.poll(*now);
            server.receive(*now, &frame);
            said.push((*now, frame));
        }
        while let Some(frame) = spoken(server, *now) {
            *now = *now + LINE.characters(u32::try_from(frame.len()).unwrap());
            client.poll(*now);
            client.receive(*now, &frame);
            said.push((*now, frame));
        }
        if client.outcome() != Err(Error::Unfinished) {
            break;
        }
        *now = *now + Duration::from_millis(1);
    }
    said
}

fn spoken(machine: &mut impl Machine, now: Instant) -> Option<Vec<u8>> {
    match machine.poll(now) {
        Step::Send(bytes) => Some(bytes.to_vec()),
        _ => None,
    }
}

/// Hands a dialogue to the tracker; gives unit, role and PDU of what it saw.
fn track(said: &[(Instant, Vec<u8>)], in_lumps: bool) -> Vec<(Role, Vec<u8>)> {
    let mut buffer = [0; 512];
    let mut tracker = Tracker::new(LINE, &mut buffer);
    let mut monitor = Monitor::<1>::new(LINE, Instant::ZERO);
    let mut seen = Vec::new();
    let mut note = |event: Event<'_>| {
        monitor.record(&event);
        match event {
            Event::Frame(sighting) => {
                assert_eq!(sighting.frame.unit, UNIT);
                seen.push((sighting.role, sighting.bytes.to_vec()));
            }
            other => panic!("{other:?}"),
        }
    };
    let mut end = Instant::ZERO;
    for (at, frame) in said {
        for (byte, before) in frame.iter().zip((0..u32::try_from(frame.len()).unwrap()).rev()) {
            let moment = if in_lumps { *at } else { *at - LINE.characters(before) };
            tracker.hear(moment, &[*byte], &mut note);
        }
        end = *at;
    }
    tracker.hear(end + Duration::from_secs(1), &[], &mut note);
    assert_eq!(monitor.totals().messages, u32::try_from(said.len()).unwrap());
    seen
}

fn requests<'a>(bytes: &'a mut [[u8; 32]; 5]) -> Vec<Request<'a>> {
    let [coils, registers, both, reads, writes] = bytes;
    let range = FileRange { file: 4, record: 1, length: 2 };
    let mut raw = [0; 4];
    let record = Registers::pack(&[1, 2], &mut raw).unwrap();
    vec![
        Request::ReadCoils { start: 0, quantity: 17 },
        Request::ReadDiscreteInputs { start: 0x300, quantity: 24 },
        Request::ReadHoldingRegisters { start: 5, quantity: 2 },
        Request::ReadHoldingRegisters { start: 999, quantity: 2 },
        Request::ReadInputRegisters { start: 5, quantity: 125 },
        Request::WriteSingleCoil { address: 3, on: true },
        Request::WriteSingleRegister { address: 3, value: 9 },
        Request::ReadExceptionStatus,
        Request::Diagnostics { sub_function: SubFunction::ReturnQueryData, data: &[1, 2] },
        Request::Diagnostics { sub_function: SubFunction::ReturnQueryData, data: &[1, 2, 3, 4, 5, 6] },
        Request::Diagnostics { sub_function: SubFunction::ReturnBusMessageCount, data: &[0, 0] },
        Request::GetCommEventCounter,
        Request::GetCommEventLog,
        Request::WriteMultipleCoils { start: 0, coils: Coils::pack(&[true; 10], coils).unwrap() },
        Request::WriteMultipleRegisters {
            start: 0,
            registers: Registers::pack(&[1, 2, 3], registers).unwrap(),
        },
        Request::ReportServerId,
        Request::ReadFileRecord(FileReads::pack(&[range], reads).unwrap()),
        Request::WriteFileRecord(FileWrites::pack(&[(4, 1, record)], writes).unwrap()),
        Request::MaskWriteRegister { address: 3, and_mask: 0xF0, or_mask: 2 },
        Request::ReadWriteMultipleRegisters {
            read_start: 0,
            read_quantity: 2,
            write_start: 4,
            registers: Registers::pack(&[7], both).unwrap(),
        },
        Request::ReadFifoQueue { address: 4 },
        Request::ReadDeviceIdentification { kind: ReadDeviceId::Basic, object: 0 },
        Request::EncapsulatedInterface { interface: 13, data: &[1, 2, 3] },
        Request::Other { code: 0x65, data: &[1, 2] },
    ]
}

#[test]
fn every_function_of_client_and_server_is_told_apart_in_both_directions() {
    let mut bytes = [[0; 32]; 5];
    let requests = requests(&mut bytes);
    for function in Function::ALL {
        assert!(requests.iter().any(|request| request.function() == *function), "{function} is not tried");
    }
    let (mut ours, mut theirs) = ([0; 520], [0; 520]);
    let rtu = || Rtu::new(LINE).with_echo(Echo::Off);
    let mut client = Client::new(rtu(), &mut ours);
    let mut server = Server::new(rtu(), UNIT, Extended::new(Device), &mut theirs);
    let (mut now, mut said) = (Instant::from_millis(10), Vec::new());
    for request in &requests {
        said.extend(exchange(&mut client, &mut server, &mut now, *request));
    }
    assert_eq!(said.len(), 2 * requests.len(), "each is asked once and answered once");
    for in_lumps in [false, true] {
        let seen = track(&said, in_lumps);
        assert_eq!(seen.len(), said.len());
        for (index, ((role, frame), (_, spoken))) in seen.iter().zip(&said).enumerate() {
            assert_eq!(frame, spoken, "{:?}", requests[index / 2]);
            let is_request = matches!(role, Role::Request);
            let is_reply = matches!(role, Role::Reply { after: Some(after) } if after.as_millis() < 20);
            let is_right = if index % 2 == 0 { is_request } else { is_reply };
            assert!(is_right, "{role:?} {:?}", requests[index / 2]);
        }
    }
}
