//! The whole client machine for reads of holding registers: silence, resynchronisation, echo and suspect rule.
#![no_std]
#![no_main]

use ccm_core::{Instant, Line, Machine, Step};
use ccm_modbus::{Client, Request, Rtu};
use size::{BYTE, LENGTH, NOW, OUT, RESULT};

#[unsafe(no_mangle)]
#[unsafe(link_section = ".text.start")]
pub extern "C" fn start() {
    const RTU: Rtu = Rtu::new(Line::new(9600));
    let mut client = Client::new(RTU, OUT.take());
    loop {
        let request = Request::ReadHoldingRegisters { start: LENGTH.read() as u16, quantity: 10 };
        if client.start(now(), 17, request).is_err() {
            return;
        }
        exchange(&mut client);
        if let Some(registers) = client.outcome().ok().and_then(|reply| reply.registers()) {
            RESULT.write(registers.iter().fold(0, |sum, value| sum.wrapping_add(value.into())));
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

fn now() -> Instant {
    Instant::from_micros(NOW.read())
}
