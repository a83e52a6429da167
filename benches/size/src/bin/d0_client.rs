//! The whole client of mode C: sign-on, change of speed, readout, repeats, break, exact numbers.
#![no_std]
#![no_main]

use core::ops::ControlFlow;

use ccm_core::{Instant, Machine, Obis, Step};
use ccm_iec62056::script::Reading;
use ccm_iec62056::{Client, Policy, Sink, Value, Wanted};
use size::{BYTE, NOW, OUT, RESULT};

struct Registers;

impl Sink for Registers {
    fn value(&mut self, value: &Value<'_>) -> ControlFlow<()> {
        if let Some(number) = value.decimal() {
            RESULT.write(number.mantissa as u32);
        }
        ControlFlow::Continue(())
    }
}

const CODES: [Obis; 2] = [Obis::short(1, 8, 0), Obis::short(2, 8, 0)];

#[unsafe(no_mangle)]
#[unsafe(link_section = ".text.start")]
pub extern "C" fn start() {
    let mut client = Client::new(Policy::DEFAULT, Wanted::new(&CODES, Registers), OUT.take());
    let mut script = Reading::new(&Policy::DEFAULT, b"");
    let Ok(mut request) = script.next(None) else { return };
    while let Some(next) = request {
        if client.start(now(), next).is_err() {
            return;
        }
        exchange(&mut client);
        request = match script.next(Some(client.outcome())) {
            Ok(next) => next,
            Err(_) => return,
        };
    }
}

fn exchange(client: &mut impl Machine) {
    loop {
        match client.poll(now()) {
            Step::Send(bytes) => bytes.iter().for_each(|byte| RESULT.write((*byte).into())),
            Step::SetLine(line) => RESULT.write(line.baud),
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
