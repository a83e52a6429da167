//! A client in firmware without an executor, over `embedded-io`: `cargo run -p ccm-modbus --example firmware_client`.
//!
//! `read_power` is what firmware has; the UART, the timer and the meter stand in `uart`, and in a board's own crates.

#![allow(dead_code, reason = "each example uses its part of the UART")]

mod uart;

use ccm_core::blocking::{Driver, Idle, Port};
use ccm_core::{Line, WordOrder};
use ccm_modbus::{Client, Error, Request, Rtu};

/// Reads a power of 32 bits, in watts, at registers 0x34 and 0x35 of unit 17.
fn read_power<P: Port, C: Idle>(
    driver: &mut Driver<P, C>,
    client: &mut Client<'_, Rtu>,
) -> Result<u32, Error> {
    let now = driver.clock().now();
    client.start(now, 17, Request::ReadHoldingRegisters { start: 0x34, quantity: 2 })?;
    if driver.run(client).is_err() {
        return Err(Error::Timeout); // The port is gone; firmware would count this.
    }
    let registers = client.outcome()?.registers();
    registers.and_then(|registers| registers.u32(0, WordOrder::Abcd)).ok_or(Error::Timeout)
}

fn main() {
    let mut buffer = [0; 264];
    let mut client = Client::new(Rtu::new(Line::new(9600)), &mut buffer).with_retries(1);
    let mut driver = Driver::<_, _, 64>::new(uart::Uart::default(), uart::Timer::default());
    match read_power(&mut driver, &mut client) {
        Ok(power) => println!("{power} W"),
        Err(error) => println!("no power: {error}"),
    }
}
