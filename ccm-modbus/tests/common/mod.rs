//! A device with 100 holding registers and coils, and frames made without the crate under test.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::cast_possible_truncation, clippy::indexing_slicing, reason = "a test fails by panicking")]

pub(crate) mod everything;

use ccm_core::{Instant, Machine, Step};
use ccm_modbus::{Coils, CoilsMut, Exception, Handler, Registers, RegistersMut};

/// Its registers start as their own addresses, its coils as off.
pub(crate) struct Device {
    pub(crate) registers: Vec<u16>,
    pub(crate) coils: Vec<bool>,
    pub(crate) writes: usize,
}

impl Device {
    pub(crate) fn new() -> Self {
        Self { registers: (0..100).collect(), coils: vec![false; 100], writes: 0 }
    }
}

fn range<T>(table: &mut [T], start: u16, length: usize) -> Result<&mut [T], Exception> {
    let start = usize::from(start);
    table.get_mut(start..start + length).ok_or(Exception::IllegalDataAddress)
}

impl Handler for Device {
    fn read_coils(&mut self, start: u16, coils: &mut CoilsMut<'_>) -> Result<(), Exception> {
        coils.extend(range(&mut self.coils, start, coils.len())?.iter().copied());
        Ok(())
    }

    fn read_holding_registers(
        &mut self,
        start: u16,
        registers: &mut RegistersMut<'_>,
    ) -> Result<(), Exception> {
        registers.extend(range(&mut self.registers, start, registers.len())?.iter().copied());
        Ok(())
    }

    fn write_coils(&mut self, start: u16, coils: Coils<'_>) -> Result<(), Exception> {
        for (slot, state) in range(&mut self.coils, start, coils.len())?.iter_mut().zip(coils.iter()) {
            *slot = state;
        }
        self.writes += 1;
        Ok(())
    }

    fn write_holding_registers(&mut self, start: u16, registers: Registers<'_>) -> Result<(), Exception> {
        for (slot, value) in
            range(&mut self.registers, start, registers.len())?.iter_mut().zip(registers.iter())
        {
            *slot = value;
        }
        self.writes += 1;
        Ok(())
    }
}

pub(crate) fn rtu(unit: u8, pdu: &[u8]) -> Vec<u8> {
    let mut frame = vec![unit];
    frame.extend(pdu);
    let crc = crc::Crc::<u16>::new(&crc::CRC_16_MODBUS).checksum(&frame);
    frame.extend(crc.to_le_bytes());
    frame
}

pub(crate) fn tcp(transaction: u16, unit: u8, pdu: &[u8]) -> Vec<u8> {
    let mut frame = transaction.to_be_bytes().to_vec();
    frame.extend([0, 0]);
    frame.extend((pdu.len() as u16 + 1).to_be_bytes());
    frame.push(unit);
    frame.extend(pdu);
    frame
}

pub(crate) fn ascii(unit: u8, pdu: &[u8]) -> Vec<u8> {
    let sum = pdu.iter().fold(unit, |sum, byte| sum.wrapping_add(*byte));
    let bytes = [&[unit], pdu, &[sum.wrapping_neg()]].concat();
    let digits: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    format!(":{digits}\r\n").into_bytes()
}

/// Lets a machine hear `bytes` at `now`, then a silence of a second; gives all it sends meanwhile.
pub(crate) fn hear(machine: &mut impl Machine, now: Instant, mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut sent = Vec::new();
    while !bytes.is_empty() {
        sent.extend(polled(machine, now));
        let taken = machine.receive(now, bytes);
        bytes = &bytes[taken..];
        sent.extend(polled(machine, now));
        if taken == 0 {
            break;
        }
    }
    sent.extend(polled(machine, now + ccm_core::Duration::from_secs(1)));
    sent
}

fn polled(machine: &mut impl Machine, now: Instant) -> Vec<Vec<u8>> {
    let mut sent = Vec::new();
    loop {
        match machine.poll(now) {
            Step::Send(bytes) => sent.push(bytes.to_vec()),
            Step::SetLine(_) => {}
            Step::Wait(_) | Step::Done => return sent,
        }
    }
}
