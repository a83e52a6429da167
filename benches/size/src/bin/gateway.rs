//! A gateway for four clients and two ports, eight requests waiting, no cache; the clients of its ports are not in it.
#![no_std]
#![no_main]

use ccm_core::{Instant, Writer};
use ccm_modbus::Error;
use ccm_modbus::gateway::mbap::{self, Split};
use ccm_modbus::gateway::{Adu, Gateway, Settings};
use size::{BYTE, LENGTH, NOW, OUT, RESULT, received};

#[unsafe(no_mangle)]
#[unsafe(link_section = ".text.start")]
pub extern "C" fn start() {
    let gateway = &mut Gateway::<2, 4, 8>::new(Settings::new());
    for port in 0..2 {
        let first = BYTE.read();
        if gateway.route(first, BYTE.read(), port).is_err() {
            return;
        }
        gateway.port_up(port);
    }
    loop {
        request(gateway);
        for port in 0..2 {
            carry(gateway, port);
        }
        RESULT.write(gateway.expire(now()).map_or(0, |until| until.as_micros() as u32));
        while let Some(adu) = gateway.reply() {
            let mut writer = Writer::new(OUT.take());
            if mbap::emit(adu.transaction, &adu.frame, &mut writer).is_ok() {
                RESULT.write(writer.finish() as u32);
            }
        }
    }
}

fn request(gateway: &mut Gateway<2, 4, 8>) {
    let client = LENGTH.read();
    match mbap::split(received()) {
        Ok(Split::Request { transaction, frame, .. }) => {
            let verdict = gateway.request(now(), Adu { client, transaction, frame });
            RESULT.write(verdict.answer().map_or(0, |pdu| pdu.len() as u32));
        }
        Ok(_) => {}
        Err(_) => gateway.disconnect(client),
    }
}

fn carry(gateway: &mut Gateway<2, 4, 8>, port: usize) {
    let Some(ask) = gateway.ask(now(), port) else { return };
    RESULT.write(u32::from(ask.unit) + u32::from(ask.request.function().code()));
    let outcome = if BYTE.read() == 0 { Err(Error::Timeout) } else { Ok(received()) };
    gateway.settle(now(), port, outcome);
}

fn now() -> Instant {
    Instant::from_micros(NOW.read())
}
