//! The loop of a port with DLMS meters.

use core::cell::RefCell;

use ccm_config::Link;
use ccm_core::asynch::{Driver, Port, Timer};
use ccm_core::crypto::Crypto;
use ccm_core::{DriveError, Duration, Instant, Line};
use ccm_dlms::message::data::{Data, Value};
use ccm_dlms::message::{AttributeAccess, Conformance, Encoded, GetDataResult};
use ccm_dlms::script::{Answer, Script, Session, SessionError, Settings};
use ccm_dlms::wrapper::Wrapper;
use ccm_dlms::{Client, Error, Framing, LinkError, Policy};
use ccm_iec62056 as iec;
use heapless::Vec;

use super::meter::Counter;
use super::objects::{MOST_WANTED, Wanted};
use super::{DlmsMeter, Vault};
use crate::tasks::{idle, refuse};
use crate::{Action, Event, Failure, Hub, ReadOut};

/// What reads the DLMS meters of a port: they themselves, what must survive a power cut, and room for messages.
pub struct DlmsReader<'r, 's, C: Crypto, V> {
    /// The meters of the port.
    pub meters: &'r mut [DlmsMeter<'s, C>],
    /// Chance, and the place of the invocation counters.
    pub vault: V,
    /// The port's settings.
    pub port: &'r ccm_config::Port,
    /// Room for a frame and an APDU: 512 bytes at least, and better 2 KiB, or meters answer in many small blocks.
    pub room: &'r mut [u8],
    /// Room for a value, or a list of values: 256 bytes at least.
    pub values: &'r mut [u8],
}

impl<C: Crypto, V> core::fmt::Debug for DlmsReader<'_, '_, C, V> {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.debug_struct("DlmsReader").field("port", &self.port.id).finish_non_exhaustive()
    }
}

/// Reads the DLMS meters of a port over HDLC for as long as the port works; gives why it does not any more.
///
/// The caller does the same around it as around [`read_port`](crate::tasks::read_port).
pub async fn read_dlms<T, C, K, V, const P: usize, const D: usize, const N: usize>(
    hub: &RefCell<Hub<P, D, N>>,
    port: usize,
    driver: &mut Driver<T, C>,
    reader: &mut DlmsReader<'_, '_, K, V>,
) -> DriveError<T::Error>
where
    T: Port,
    C: Timer,
    K: Crypto,
    V: Vault,
{
    let line = match reader.port.link {
        Link::Dlms { baud: Some(baud), .. } => Line::new(baud),
        _ => Line::new(SLOW),
    };
    read(hub, port, driver, (reader, &|meter, client| meter.hdlc(client).with_line(line))).await
}

/// The same over the wrapper.
pub async fn read_wrapped<T, C, K, V, const P: usize, const D: usize, const N: usize>(
    hub: &RefCell<Hub<P, D, N>>,
    port: usize,
    driver: &mut Driver<T, C>,
    reader: &mut DlmsReader<'_, '_, K, V>,
) -> DriveError<T::Error>
where
    T: Port,
    C: Timer,
    K: Crypto,
    V: Vault,
{
    let framing = |meter: &DlmsMeter<'_, K>, client: u8| Wrapper::tcp(client.into(), meter.settings.server);
    read(hub, port, driver, (reader, &framing)).await
}

async fn read<T, C, K, V, F, const P: usize, const D: usize, const N: usize>(
    hub: &RefCell<Hub<P, D, N>>,
    port: usize,
    driver: &mut Driver<T, C>,
    (reader, framing): (&mut DlmsReader<'_, '_, K, V>, &impl Fn(&DlmsMeter<'_, K>, u8) -> F),
) -> DriveError<T::Error>
where
    T: Port,
    C: Timer,
    K: Crypto,
    V: Vault,
    F: Framing,
{
    // Whatever links there were, they were on another connection.
    reader.meters.iter_mut().for_each(|meter| meter.session.forget());
    loop {
        let action = hub.borrow_mut().poll(driver.clock().now(), port);
        let ended = match action {
            Action::ReadOut(ReadOut { device, .. }) => {
                match reader.meters.iter_mut().position(|meter| meter.device == device) {
                    Some(meter) => stay(hub, (port, meter), driver, (&mut *reader, framing)).await,
                    None => refuse(hub, device, driver).await,
                }
            }
            Action::Read(crate::Read { device, .. }) | Action::Listen(crate::Listen { device }) => {
                refuse(hub, device, driver).await
            }
            Action::Wait(until) => idle(driver, until).await,
        };
        if let Err(error) = ended {
            return error;
        }
    }
}

/// Reads one meter whenever it is due, until it is another one's turn. A link that was lost is then still known.
async fn stay<T, C, K, V, F, const P: usize, const D: usize, const N: usize>(
    hub: &RefCell<Hub<P, D, N>>,
    (port, place): (usize, usize),
    driver: &mut Driver<T, C>,
    (reader, framing): (&mut DlmsReader<'_, '_, K, V>, &impl Fn(&DlmsMeter<'_, K>, u8) -> F),
) -> Result<(), DriveError<T::Error>>
where
    T: Port,
    C: Timer,
    K: Crypto,
    V: Vault,
    F: Framing,
{
    let Some(meter) = reader.meters.get_mut(place) else { return Ok(()) };
    if meter.counter == Counter::Doubted {
        let client =
            Client::new(framing(meter, PUBLIC), &mut *reader.room).with_policy(policy(reader.port, 0));
        ask(meter, client, driver, (reader.port, &mut *reader.values)).await?;
    }
    let mut client = Client::new(framing(meter, meter.settings.client), &mut *reader.room);
    let keep_open = matches!(reader.port.link, Link::Dlms { keep_open: true, .. });
    loop {
        let action = hub.borrow_mut().poll(driver.clock().now(), port);
        match action {
            Action::ReadOut(read_out) if read_out.device == meter.device => {
                client.set_policy(policy(reader.port, read_out.retries));
                let mut poll = Poll { meter, client: &mut client, driver, values: reader.values };
                poll.run(hub, &mut reader.vault, reader.port).await?;
                if !keep_open {
                    poll.close().await?;
                }
                if poll.meter.counter == Counter::Doubted {
                    return Ok(());
                }
            }
            Action::Wait(until) => idle(driver, until).await?,
            _ => break,
        }
    }
    Poll { meter, client: &mut client, driver, values: reader.values }.close().await
}

/// Asks as the public client for the last invocation counter that the meter has seen.
async fn ask<T: Port, C: Timer, K: Crypto, F: Framing>(
    meter: &mut DlmsMeter<'_, K>,
    mut client: Client<'_, F>,
    driver: &mut Driver<T, C>,
    (port, values): (&ccm_config::Port, &mut [u8]),
) -> Result<(), DriveError<T::Error>> {
    meter.counter = Counter::Asked;
    if let Some(policy) = crate::policy_of(port) {
        match sign_on(driver, policy, &meter.address).await {
            Ok(()) => {}
            Err(Ended::Port(error)) => return Err(error),
            Err(Ended::Meter(_)) => return Ok(()),
        }
    }
    let mut public = Session::plain(Settings::PUBLIC);
    if run(&mut public.open(&[]), &mut client, driver).await?.is_err() {
        return Ok(());
    }
    let mut get = public.get(meter.session.counter_object(), values);
    let read = run(&mut get, &mut client, driver).await?;
    let seen = Data::parse(get.value()).and_then(Data::value).ok().and_then(Value::integer);
    if let Some(seen) = seen.and_then(|seen| u32::try_from(seen).ok()).filter(|_| read.is_ok()) {
        meter.expects(seen.saturating_add(1));
    }
    let _ = run(&mut public.close(), &mut client, driver).await?;
    Ok(())
}

/// Mode E: the dialogue begins as one of IEC 62056-21, and HDLC takes over its line.
async fn sign_on<T: Port, C: Timer>(
    driver: &mut Driver<T, C>,
    policy: iec::Policy,
    address: &str,
) -> Result<(), Ended<T::Error>> {
    let mut buffer = [0; SIGN_ON];
    let mut client = iec::Client::new(policy, (), &mut buffer);
    let mut script = iec::script::Reading::new(&policy, address.as_bytes()).binary();
    let mut next = script.next(None);
    loop {
        match next {
            Ok(Some(request)) => {
                let started = client.start(driver.clock().now(), request);
                started.map_err(|_| Ended::Meter(Failure::Unwilling))?;
                driver.run(&mut client).await?;
                next = script.next(Some(client.outcome()));
            }
            Ok(None) if matches!(client.outcome(), Ok(iec::Response::Binary(_))) => return Ok(()),
            Ok(None) => return Err(Ended::Meter(Failure::Unwilling)),
            Err(error) => return Err(Ended::Meter(crate::tasks::missed(error))),
        }
    }
}

fn policy(port: &ccm_config::Port, retries: u8) -> Policy {
    Policy { timeout: Duration::from_millis(port.timeout_ms.into()), retries, ..Policy::DEFAULT }
}

/// One poll of one meter.
struct Poll<'p, 'b, 's, T, C, K: Crypto, F: Framing> {
    meter: &'p mut DlmsMeter<'s, K>,
    client: &'p mut Client<'b, F>,
    driver: &'p mut Driver<T, C>,
    values: &'p mut [u8],
}

/// What ends a poll early.
enum Ended<E> {
    /// The port is lost.
    Port(DriveError<E>),
    /// The meter, or what keeps its counters.
    Meter(Failure),
}

impl<E> From<DriveError<E>> for Ended<E> {
    fn from(error: DriveError<E>) -> Self {
        Self::Port(error)
    }
}

impl<E> From<Error> for Ended<E> {
    fn from(error: Error) -> Self {
        Self::Meter(failure(error))
    }
}

impl<E> From<super::VaultError> for Ended<E> {
    fn from(super::VaultError: super::VaultError) -> Self {
        Self::Meter(Failure::Vault)
    }
}

impl<T: Port, C: Timer, K: Crypto, F: Framing> Poll<'_, '_, '_, T, C, K, F> {
    /// Reads the meter and tells the hub what came of it.
    async fn run<const P: usize, const D: usize, const N: usize>(
        &mut self,
        hub: &RefCell<Hub<P, D, N>>,
        vault: &mut impl Vault,
        port: &ccm_config::Port,
    ) -> Result<(), DriveError<T::Error>> {
        let started = self.driver.clock().now();
        let device = self.meter.device;
        match self.cycle(vault, port).await {
            Ok(measured) => {
                let (now, objects) = (self.driver.clock().now(), &self.meter.objects);
                let (said, serial) = (&objects.said(), objects.serial());
                let is_whole = objects.is_whole();
                let event = Event::Telegram { device, said, serial, behind: &[], is_whole, measured };
                hub.borrow_mut().handle(now, event);
                Ok(())
            }
            Err(Ended::Port(error)) => Err(error),
            Err(Ended::Meter(failure)) => {
                // What a meter is not believed in, it is not asked again within this association.
                self.close().await?;
                let now = self.driver.clock().now();
                hub.borrow_mut().handle(now, Event::Missed { device, failure, cost: now.since(started) });
                Ok(())
            }
        }
    }

    /// Associates where need be and reads all that is wanted; gives when the first of it was asked for.
    async fn cycle(
        &mut self,
        vault: &mut impl Vault,
        port: &ccm_config::Port,
    ) -> Result<Instant, Ended<T::Error>> {
        if !self.meter.session.is_open() {
            self.associate(vault, port).await?;
        }
        // A meter that was dead is asked without patience; one that has answered deserves it again.
        self.client.set_policy(policy(port, port.retries));
        self.meter.objects.begin();
        let measured = self.driver.clock().now();
        loop {
            let room = self.list_length();
            let wanted = self.meter.objects.wanted(room);
            if wanted.is_empty() {
                return Ok(measured);
            }
            self.meter.top_up(vault)?;
            if room > 1 && self.get_list(&wanted).await? {
                continue;
            }
            for wanted in wanted {
                if self.meter.objects.is_open(wanted) {
                    self.meter.top_up(vault)?;
                    self.get(wanted).await?;
                }
            }
        }
    }

    async fn associate(
        &mut self,
        vault: &mut impl Vault,
        port: &ccm_config::Port,
    ) -> Result<(), Ended<T::Error>> {
        if let Some(policy) = crate::policy_of(port) {
            sign_on(self.driver, policy, &self.meter.address).await?;
        }
        let mut challenge = [0; CHALLENGE];
        vault.fill_random(&mut challenge)?;
        self.meter.top_up(vault)?;
        let opened = run(&mut self.meter.session.open(&challenge), self.client, self.driver).await?;
        if let Err(error) = &opened {
            self.meter.learn(error);
        }
        opened?;
        self.meter.counter = Counter::Trusted;
        self.meter.objects.associated();
        Ok(())
    }

    /// How many attributes a request may ask for.
    fn list_length(&self) -> usize {
        let Some(agreed) = self.meter.session.agreed() else { return 1 };
        if !self.meter.takes_lists || !agreed.conformance.contains(Conformance::MULTIPLE_REFERENCES) {
            return 1;
        }
        let limit = match usize::from(agreed.max_send_pdu_size) {
            0 => usize::MAX,
            limit => limit,
        };
        (limit.saturating_sub(AROUND) / ITEM).clamp(1, MOST_WANTED)
    }

    async fn get(&mut self, wanted: Wanted) -> Result<(), Ended<T::Error>> {
        let attribute = AttributeAccess::whole(wanted.attribute);
        let mut get = self.meter.session.get(attribute, self.values);
        let outcome = run(&mut get, self.client, self.driver).await?;
        let result = match outcome {
            Ok(()) => GetDataResult::Data(Encoded(get.value())),
            Err(Error::Session(SessionError::Access(result))) => GetDataResult::Result(result),
            Err(error) => {
                self.meter.learn(&error);
                return Err(error.into());
            }
        };
        self.meter.objects.take(wanted, result);
        Ok(())
    }

    /// False where the meter does not take lists after all: then one is asked for after the other.
    async fn get_list(&mut self, wanted: &[Wanted]) -> Result<bool, Ended<T::Error>> {
        let attributes: Vec<AttributeAccess<'_>, MOST_WANTED> =
            wanted.iter().map(|wanted| AttributeAccess::whole(wanted.attribute)).collect();
        let mut get = self.meter.session.get_list(&attributes, self.values);
        let outcome = run(&mut get, self.client, self.driver).await?;
        match outcome.and_then(|()| get.answer()) {
            Ok(Answer::Got(results)) => {
                for (wanted, result) in wanted.iter().zip(results.iter()) {
                    self.meter.objects.take(*wanted, result);
                }
                return Ok(true);
            }
            // It says that it can, and cannot; or the answer is longer than there is room for.
            Ok(_) | Err(Error::Session(_)) => self.meter.takes_lists = false,
            Err(error) => return Err(error.into()),
        }
        Ok(false)
    }

    /// Ends the association. What the meter says to that is of no account any more.
    async fn close(&mut self) -> Result<(), DriveError<T::Error>> {
        if !self.meter.session.is_open() {
            return Ok(());
        }
        let _ = run(&mut self.meter.session.close(), self.client, self.driver).await?;
        self.meter.session.forget();
        Ok(())
    }
}

/// Runs a dialogue to its end.
async fn run<T: Port, C: Timer, F: Framing>(
    script: &mut impl Script,
    client: &mut Client<'_, F>,
    driver: &mut Driver<T, C>,
) -> Result<Result<(), Error>, DriveError<T::Error>> {
    loop {
        match script.next(driver.clock().now(), client) {
            Ok(Some(machine)) => driver.run(machine).await?,
            Ok(None) => return Ok(Ok(())),
            Err(error) => return Ok(Err(error)),
        }
    }
}

const fn failure(error: Error) -> Failure {
    match error {
        Error::Link(LinkError::Timeout | LinkError::Unfinished) => Failure::NoReply,
        Error::Link(LinkError::Frame(_)) => Failure::BadFrame,
        error => Failure::Dlms(error),
    }
}

/// The public client.
const PUBLIC: u8 = 16;

/// As long as the sign-on of mode E, with the longest address.
const SIGN_ON: usize = 64;

/// Bytes of a challenge.
const CHALLENGE: usize = 16;

/// What a list has around it: service, invoke-id, count, and all protection.
const AROUND: usize = 48;

/// An attribute of a list: class, name, number, and that nothing is selected.
const ITEM: usize = 10;

/// The line behind a gateway, which nobody knows, and the one that mode E goes over to, or a slower one.
const SLOW: u32 = 9600;
