//! The loops of the hub, for any executor: embassy on a microcontroller, tokio on a host.

use core::cell::RefCell;

use ccm_core::asynch::{Driver, Port, Timer};
use ccm_core::crypto::Crypto;
use ccm_core::{DriveError, Duration, Instant};
use ccm_iec62056::script::Reading;
use ccm_iec62056::{self as iec, Response};
use ccm_modbus::{Client, Error, FrameError, Framing, Policy, Request};
use ccm_registry::Space;

use crate::{Action, Device, Event, Failure, Hub, Listen, Opener, Read, ReadOut, Telegram};

pub use crate::dlms::{read_dlms, read_wrapped};

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
            // A port of meters is none of Modbus.
            Action::ReadOut(ReadOut { device, .. }) | Action::Listen(Listen { device }) => {
                if let Err(error) = refuse(hub, device, driver).await {
                    return error;
                }
            }
            Action::Wait(until) => {
                if let Err(error) = idle(driver, until).await {
                    return error;
                }
            }
        }
    }
}

/// Reads out the meters of one port, or hears what one pushes, for as long as the port works; gives why it does not any
/// more. `policy` is that of the port's settings: [`policy_of`](crate::policy_of).
///
/// The caller does the same around it as around [`read_port`].
pub async fn read_meters<T, C, const P: usize, const D: usize, const V: usize>(
    hub: &RefCell<Hub<P, D, V>>,
    port: usize,
    driver: &mut Driver<T, C>,
    policy: &iec::Policy,
) -> DriveError<T::Error>
where
    T: Port,
    C: Timer,
{
    loop {
        let action = hub.borrow_mut().poll(driver.clock().now(), port);
        let ended = match action {
            Action::ReadOut(read_out) => self::read_out(hub, read_out, driver, policy).await,
            Action::Listen(listen) => self::listen(hub, listen, driver, policy).await,
            Action::Read(read) => refuse(hub, read.device, driver).await,
            Action::Wait(until) => idle(driver, until).await,
        };
        if let Err(error) = ended {
            return error;
        }
    }
}

/// Hears what a meter pushes that encrypts its telegrams, for as long as the port works; gives why it does not any more.
/// `policy` and `opener` are those of the port's settings: [`policy_of`](crate::policy_of) and
/// [`keys_of`](crate::keys_of).
pub async fn read_sealed<T, C, K, const P: usize, const D: usize, const V: usize>(
    hub: &RefCell<Hub<P, D, V>>,
    port: usize,
    driver: &mut Driver<T, C>,
    policy: &iec::Policy,
    opener: &mut Opener<'_, K>,
) -> DriveError<T::Error>
where
    T: Port,
    C: Timer,
    K: Crypto,
{
    loop {
        let action = hub.borrow_mut().poll(driver.clock().now(), port);
        let ended = match action {
            Action::Listen(listen) => open(hub, listen, driver, policy.patience, opener).await,
            Action::ReadOut(ReadOut { device, .. }) | Action::Read(Read { device, .. }) => {
                refuse(hub, device, driver).await
            }
            Action::Wait(until) => idle(driver, until).await,
        };
        if let Err(error) = ended {
            return error;
        }
    }
}

/// While nothing is due the port is still listened to, so that its loss is noticed.
pub(crate) async fn idle<T: Port, C: Timer>(
    driver: &mut Driver<T, C>,
    until: Option<Instant>,
) -> Result<(), DriveError<T::Error>> {
    let now = driver.clock().now();
    driver.listen(until.unwrap_or(now + IDLE).min(now + IDLE).max(now + SHORTEST)).await
}

/// The caller runs the wrong loop on a port: nothing can be read, and the devices show it.
pub(crate) async fn refuse<T: Port, C: Timer, const P: usize, const D: usize, const V: usize>(
    hub: &RefCell<Hub<P, D, V>>,
    device: usize,
    driver: &mut Driver<T, C>,
) -> Result<(), DriveError<T::Error>> {
    let event = Event::Missed { device, failure: Failure::Unwilling, cost: Duration::ZERO };
    hub.borrow_mut().handle(driver.clock().now(), event);
    idle(driver, None).await
}

async fn read_out<T: Port, C: Timer, const P: usize, const D: usize, const V: usize>(
    hub: &RefCell<Hub<P, D, V>>,
    read_out: ReadOut,
    driver: &mut Driver<T, C>,
    policy: &iec::Policy,
) -> Result<(), DriveError<T::Error>> {
    let known = hub.borrow().devices().get(read_out.device).map(|one| (one.telegram(), one.address.clone()));
    let Some((telegram, address)) = known else { return Ok(()) };
    let policy = iec::Policy { retries: read_out.retries, ..*policy };
    let mut buffer = [0; MESSAGE];
    let mut client = iec::Client::new(policy, telegram, &mut buffer);
    let mut script = Reading::new(&policy, address.as_bytes());
    let started = driver.clock().now();
    // What a meter reads out is from when it begins, which may be minutes before it ends.
    let mut measured = started;
    let mut next = script.next(None);
    let failed = loop {
        match next {
            Ok(Some(request)) => {
                measured = driver.clock().now();
                if let Err(error) = client.start(measured, request) {
                    break Some(error.into());
                }
                driver.run(&mut client).await?;
                next = script.next(Some(client.outcome()));
            }
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    let now = driver.clock().now();
    let outcome = failed.map_or_else(|| client.outcome(), Err);
    tell(hub, now, read_out.device, outcome, client.sink(), (measured, now.since(started)));
    Ok(())
}

async fn listen<T: Port, C: Timer, const P: usize, const D: usize, const V: usize>(
    hub: &RefCell<Hub<P, D, V>>,
    listen: Listen,
    driver: &mut Driver<T, C>,
    policy: &iec::Policy,
) -> Result<(), DriveError<T::Error>> {
    let Some(telegram) = hub.borrow().devices().get(listen.device).map(Device::telegram) else {
        return Ok(());
    };
    let mut buffer = [0; 0];
    let mut client = iec::Client::new(*policy, telegram, &mut buffer);
    let started = driver.clock().now();
    let request = iec::Request::Listen { baud: None };
    let failed = client.start(started, request).map_err(iec::Error::from).err();
    if failed.is_none() {
        driver.run(&mut client).await?;
    }
    let now = driver.clock().now();
    let outcome = failed.map_or_else(|| client.outcome(), Err);
    tell(hub, now, listen.device, outcome, client.sink(), (now, now.since(started)));
    Ok(())
}

async fn open<T: Port, C: Timer, K: Crypto, const P: usize, const D: usize, const V: usize>(
    hub: &RefCell<Hub<P, D, V>>,
    Listen { device }: Listen,
    driver: &mut Driver<T, C>,
    patience: Duration,
    opener: &mut Opener<'_, K>,
) -> Result<(), DriveError<T::Error>> {
    let Some(mut telegram) = hub.borrow().devices().get(device).map(Device::telegram) else { return Ok(()) };
    let started = driver.clock().now();
    let mut ear = opener.hear(started + patience);
    driver.run(&mut ear).await?;
    let (is_whole, has_heard) = (ear.is_whole(), ear.has_heard());
    let read = if is_whole { opener.read(&mut telegram) } else { Err(iec::FrameError::Noise) };
    let now = driver.clock().now();
    let failure = match read {
        Ok((check, faults)) => {
            come(hub, now, device, &telegram, (check.is_right() || faults == 0, now));
            return Ok(());
        }
        Err(_) if !has_heard => Failure::NoReply,
        Err(error) => missed(error.into()),
    };
    hub.borrow_mut().handle(now, Event::Missed { device, failure, cost: now.since(started) });
    Ok(())
}

/// Tells the hub what came of a readout or a push.
fn tell<const P: usize, const D: usize, const V: usize>(
    hub: &RefCell<Hub<P, D, V>>,
    now: Instant,
    device: usize,
    outcome: Result<Response<'_>, iec::Error>,
    telegram: &Telegram,
    (measured, cost): (Instant, Duration),
) {
    let event = match outcome {
        Ok(Response::Data { check, faults, whole: true, .. }) => {
            return come(hub, now, device, telegram, (check.is_right() || faults == 0, measured));
        }
        Ok(_) => Event::Missed { device, failure: Failure::Unwilling, cost },
        Err(error) => Event::Missed { device, failure: missed(error), cost },
    };
    hub.borrow_mut().handle(now, event);
}

/// Tells the hub what a telegram says that has come.
fn come<const P: usize, const D: usize, const V: usize>(
    hub: &RefCell<Hub<P, D, V>>,
    now: Instant,
    device: usize,
    telegram: &Telegram,
    (is_whole, measured): (bool, Instant),
) {
    let event = Event::Telegram {
        device,
        said: telegram.said(),
        serial: telegram.serial(),
        behind: &telegram.behind(),
        is_whole: is_whole && telegram.is_whole(),
        measured,
    };
    hub.borrow_mut().handle(now, event);
}

pub(crate) const fn missed(error: iec::Error) -> Failure {
    match error {
        iec::Error::Frame(iec::FrameError::Checksum(_)) => Failure::Checksum,
        iec::Error::Frame(iec::FrameError::Key) => Failure::Key,
        iec::Error::Frame(_) => Failure::BadTelegram,
        iec::Error::Timeout | iec::Error::Unfinished => Failure::NoReply,
        _ => Failure::Unwilling,
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

/// As long as the request with the longest address.
const MESSAGE: usize = 64;

/// How long a port is left alone at most, so that new settings and commands are seen.
const IDLE: Duration = Duration::from_millis(100);

/// A wait that is over at once still lets the other tasks run.
const SHORTEST: Duration = Duration::from_millis(1);
