//! The loops of the hub, for any executor: embassy on a microcontroller, tokio on a host.

use core::cell::RefCell;

use ccm_core::asynch::{Driver, Port, Timer};
use ccm_core::{DriveError, Duration, Instant};
use ccm_modbus::{Client, Error, FrameError, Framing, Policy, Request};
use ccm_registry::Space;

use crate::{Action, Event, Failure, Hub, Read};

/// Reads the devices of one port for as long as the port works; gives why it does not any more.
///
/// The caller opens the port, tells the hub [`Event::PortUp`], runs this, tells it [`Event::PortDown`], and opens the
/// port again after a while.
pub async fn read_port<T, C, F, const P: usize, const D: usize, const V: usize>(
    hub: &RefCell<Hub<P, D, V>>,
    port: usize,
    driver: &mut Driver<T, C>,
    client: &mut Client<'_, F>,
) -> DriveError<T::Error>
where
    T: Port,
    C: Timer,
    F: Framing,
{
    loop {
        let now = driver.clock().now();
        let action = hub.borrow_mut().poll(now, port);
        match action {
            Action::Read(read) => {
                if let Err(error) = exchange(hub, read, driver, client).await {
                    return error;
                }
            }
            // While nothing is due the port is still listened to, so that its loss is noticed.
            Action::Wait(until) => {
                let until = until.unwrap_or(now + IDLE).min(now + IDLE).max(now + SHORTEST);
                if let Err(error) = driver.listen(until).await {
                    return error;
                }
            }
        }
    }
}

async fn exchange<T, C, F, const P: usize, const D: usize, const V: usize>(
    hub: &RefCell<Hub<P, D, V>>,
    read: Read,
    driver: &mut Driver<T, C>,
    client: &mut Client<'_, F>,
) -> Result<(), DriveError<T::Error>>
where
    T: Port,
    C: Timer,
    F: Framing,
{
    let started = driver.clock().now();
    if begin(client, started, read) {
        driver.run(client).await?;
    }
    let now = driver.clock().now();
    if matches!(client.outcome(), Err(Error::Frame(FrameError::Stream))) {
        return Err(DriveError::Closed);
    }
    report(&mut hub.borrow_mut(), now, read, client, now.since(started));
    Ok(())
}

/// Starts the exchange of a read; false where the read is none that can be sent.
pub(crate) fn begin<F: Framing>(client: &mut Client<'_, F>, now: Instant, read: Read) -> bool {
    client.set_policy(Policy { retries: read.retries, ..*client.policy() });
    client.start(now, read.unit, request(read)).is_ok()
}

/// Tells the hub what came of a read.
pub(crate) fn report<F: Framing, const P: usize, const D: usize, const V: usize>(
    hub: &mut Hub<P, D, V>,
    now: Instant,
    read: Read,
    client: &Client<'_, F>,
    cost: Duration,
) {
    let event = match client.outcome() {
        Ok(reply) => {
            let registers = reply.registers().map(|registers| registers.as_bytes()).unwrap_or_default();
            Event::Answered { read, registers }
        }
        Err(Error::Exception(exception)) => Event::Refused { read, exception, cost },
        Err(error) => Event::Failed { read, failure: failure(error), cost },
    };
    hub.handle(now, event);
}

const fn request(read: Read) -> Request<'static> {
    let (start, quantity) = (read.block.start, read.block.quantity);
    match read.block.space {
        Space::Holding => Request::ReadHoldingRegisters { start, quantity },
        Space::Input => Request::ReadInputRegisters { start, quantity },
    }
}

const fn failure(error: Error) -> Failure {
    match error {
        Error::Frame(_) | Error::Message(_) => Failure::BadFrame,
        Error::Busy => Failure::LineBusy,
        _ => Failure::NoReply,
    }
}

/// How long a port is left alone at most, so that new settings and commands are seen.
const IDLE: Duration = Duration::from_millis(100);

/// A wait that is over at once still lets the other tasks run.
const SHORTEST: Duration = Duration::from_millis(1);
