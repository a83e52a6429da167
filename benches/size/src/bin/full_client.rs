//! The whole client machine with every function of the standard, reading every kind of reply.
#![no_std]
#![no_main]

use ccm_core::{Instant, Line, Machine, Step};
use ccm_modbus::{
    Client, Coils, FileRange, FileReads, FileWrites, ReadDeviceId, Registers, Request, RequestError,
    Response, Rtu, SubFunction,
};
use size::{BYTE, FRAME, LENGTH, NOW, OUT, RESULT, received};

#[unsafe(no_mangle)]
#[unsafe(link_section = ".text.start")]
pub extern "C" fn start() {
    const RTU: Rtu = Rtu::new(Line::new(9600));
    let mut client = Client::new(RTU, OUT.take());
    loop {
        let mut scratch = [0; 2];
        let Ok(request) = request(&mut scratch) else { return };
        if client.start(now(), BYTE.read(), request).is_err() {
            return;
        }
        exchange(&mut client);
        if let Some(response) = client.outcome().ok().and_then(|reply| reply.response().ok()) {
            read(response);
        }
    }
}

fn exchange(client: &mut Client<'_, Rtu>) {
    loop {
        match client.poll(now()) {
            Step::Send(bytes) => bytes.iter().for_each(|byte| RESULT.write((*byte).into())),
            Step::SetLine(_) => {}
            Step::Wait(_) => {
                client.receive(now(), &[BYTE.read()]);
            }
            Step::Done => return,
        }
    }
}

/// Any request there is.
fn request(scratch: &mut [u8; 2]) -> Result<Request<'_>, RequestError> {
    let (start, quantity) = (word(), word());
    Ok(match BYTE.read() {
        0x01 => Request::ReadCoils { start, quantity },
        0x02 => Request::ReadDiscreteInputs { start, quantity },
        0x03 => Request::ReadHoldingRegisters { start, quantity },
        0x04 => Request::ReadInputRegisters { start, quantity },
        0x05 => Request::WriteSingleCoil { address: start, on: quantity > 0 },
        0x06 => Request::WriteSingleRegister { address: start, value: quantity },
        0x07 => Request::ReadExceptionStatus,
        0x08 => Request::Diagnostics { sub_function: SubFunction::from_code(start), data: received() },
        0x0B => Request::GetCommEventCounter,
        0x0C => Request::GetCommEventLog,
        0x0F => {
            Request::WriteMultipleCoils { start, coils: Coils::pack(&[start > 9, quantity > 9], scratch)? }
        }
        0x10 => Request::WriteMultipleRegisters { start, registers: Registers::pack(&[quantity], scratch)? },
        0x11 => Request::ReportServerId,
        0x14 => {
            let range = FileRange { file: word(), record: start, length: quantity };
            Request::ReadFileRecord(FileReads::pack(&[range], FRAME.take())?)
        }
        0x15 => {
            let group = (word(), start, Registers::pack(&[quantity], scratch)?);
            Request::WriteFileRecord(FileWrites::pack(&[group], FRAME.take())?)
        }
        0x16 => Request::MaskWriteRegister { address: word(), and_mask: start, or_mask: quantity },
        0x17 => Request::ReadWriteMultipleRegisters {
            read_start: start,
            read_quantity: quantity,
            write_start: word(),
            registers: Registers::pack(&[word()], scratch)?,
        },
        0x18 => Request::ReadFifoQueue { address: start },
        0x2B => Request::ReadDeviceIdentification { kind: ReadDeviceId::Basic, object: BYTE.read() },
        0x2C => Request::EncapsulatedInterface { interface: BYTE.read(), data: received() },
        code => Request::Other { code, data: received() },
    })
}

/// Any reply there is, to its last value.
fn read(response: Response<'_>) {
    match response {
        Response::ReadCoils(coils) | Response::ReadDiscreteInputs(coils) => {
            coils.iter().for_each(|state| RESULT.write(state.into()));
        }
        Response::ReadHoldingRegisters(registers)
        | Response::ReadInputRegisters(registers)
        | Response::ReadWriteMultipleRegisters(registers)
        | Response::ReadFifoQueue(Some(registers)) => values(registers),
        Response::WriteSingleCoil { address, on } => pair(address, on.into()),
        Response::WriteSingleRegister { address: first, value: second }
        | Response::WriteMultipleCoils { start: first, quantity: second }
        | Response::WriteMultipleRegisters { start: first, quantity: second }
        | Response::GetCommEventCounter { status: first, events: second } => pair(first, second),
        Response::MaskWriteRegister { address, and_mask, or_mask } => {
            pair(address, and_mask);
            pair(0, or_mask);
        }
        Response::ReadExceptionStatus { outputs } => pair(0, outputs.into()),
        Response::Diagnostics { sub_function, data } => {
            pair(0, sub_function.code());
            bytes(data);
        }
        Response::GetCommEventLog { status, events, messages, log } => {
            pair(status, events);
            pair(0, messages);
            bytes(log);
        }
        Response::ReportServerId(id) => bytes(id),
        Response::ReadFileRecord(records) => records.iter().flatten().for_each(values),
        Response::WriteFileRecord(writes) => writes.iter().flatten().for_each(|(range, registers)| {
            pair(range.file, range.record);
            values(registers);
        }),
        Response::ReadDeviceIdentification(identification) => {
            pair(identification.conformity.into(), identification.next_object.unwrap_or_default().into());
            identification.objects.iter().flatten().for_each(|(_, value)| bytes(value));
        }
        Response::EncapsulatedInterface { interface: code, data } | Response::Other { code, data } => {
            pair(0, code.into());
            bytes(data);
        }
        Response::ReadFifoQueue(None) | Response::Broadcast => {}
    }
}

#[inline(never)]
fn values(registers: Registers<'_>) {
    registers.iter().for_each(|value| pair(0, value));
}

#[inline(never)]
fn bytes(bytes: &[u8]) {
    bytes.iter().for_each(|byte| pair(0, (*byte).into()));
}

#[inline(never)]
fn pair(first: u16, second: u16) {
    RESULT.write(u32::from(first) << 16 | u32::from(second));
}

fn word() -> u16 {
    LENGTH.read() as u16
}

fn now() -> Instant {
    Instant::from_micros(NOW.read())
}
