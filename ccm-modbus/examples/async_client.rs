//! A client on an executor (embassy, tokio), on a half-duplex line: `cargo run -p ccm-modbus --example async_client`.

#![allow(dead_code, reason = "each example uses its part of the UART")]

mod uart;

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use ccm_core::asynch::{Driver, Port, Timer};
use ccm_core::{DriveError, HalfDuplex, Line};
use ccm_modbus::{Client, Request, Rtu};

/// Polls three units in turn and prints what they say. Dropping this future at any point leaves the line free and the
/// client sound: the unit that was asked is suspect, and its next value is right all the same.
async fn poll_units<P: Port, T: Timer>(
    driver: &mut Driver<P, T>,
    client: &mut Client<'_, Rtu>,
) -> Result<(), DriveError<P::Error>> {
    for unit in 16..19 {
        let request = Request::ReadHoldingRegisters { start: 10, quantity: 3 };
        if let Err(mistake) = client.start(driver.clock().now(), unit, request) {
            println!("unit {unit}: {mistake}");
            continue;
        }
        driver.run(client).await?;
        match client.outcome() {
            Ok(reply) => println!(
                "unit {unit}: {:?}",
                reply.registers().map(|registers| registers.iter().collect::<Vec<_>>())
            ),
            Err(error) => println!("unit {unit}: {error}"),
        }
    }
    Ok(())
}

fn main() {
    let mut buffer = [0; 264];
    let mut client = Client::new(Rtu::new(Line::new(19_200)), &mut buffer);
    let pin = uart::Pin::default();
    let port = HalfDuplex::new(uart::Uart::default(), &pin);
    let mut driver = Driver::new(port, uart::Timer::default());
    block_on(poll_units(&mut driver, &mut client))
        .unwrap_or_else(|error| println!("the line is gone: {error}"));
}

/// The smallest executor there is; yours comes with your board.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
    }
}
