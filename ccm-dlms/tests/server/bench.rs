//! A meter and a client on one line.

use std::collections::VecDeque;

use ccm_core::crypto::{Key, Software};
use ccm_core::testing::{Link, Peer};
use ccm_core::{Duration, Instant, Line, Machine, Step, Writer};
use ccm_dlms::hdlc::{Address, Hdlc, Parameters, Station, Width};
use ccm_dlms::message::cosem::{ScalerUnit, Unit};
use ccm_dlms::message::{Aare, Aarq, Conformance, ContextName, InitiateRequest};
use ccm_dlms::security::{
    AuthenticationKey, Context, InvocationCounter, Keys, Protection, Suite, SystemTitle,
};
use ccm_dlms::wrapper::{Service, Wrapper};
use ccm_dlms::{
    Association, Authentication, Buffers, Client, Entry, Framing, LinkError, Meter, Quirks, Request, Server,
    Serving,
};

pub(crate) const LIMIT: Duration = Duration::from_secs(600);
pub(crate) const METER_TITLE: SystemTitle = SystemTitle::new(*b"CCM\0\0\0\0\x01");
pub(crate) const CLIENT_TITLE: SystemTitle = SystemTitle::new(*b"CLI\0\0\0\0\x02");
pub(crate) const COUNTER: [u8; 6] = [0, 0, 43, 1, 1, 255];

/// Keys of both sides.
pub(crate) fn context(own: SystemTitle, first: u32) -> Context<Key> {
    let keys = Keys::new(Key::Aes128([0x0E; 16]), AuthenticationKey::short([0x0A; 16]));
    Context::new(Suite::Zero, own, keys, InvocationCounter::volatile(first)).unwrap()
}

pub(crate) fn protected(client: u16, authentication: Authentication<'_, Key>) -> Association<'_, Key> {
    Association::new(client, authentication).with_security(context(METER_TITLE, 100), Some(COUNTER))
}

pub(crate) fn relaxed(client: u16, authentication: Authentication<'_, Key>) -> Association<'_, Key> {
    let mut association = protected(client, authentication);
    association.security.as_mut().unwrap().require(Protection::NONE);
    association
}

/// Any numbers, but never the same twice in a test.
pub(crate) fn random(bytes: &mut [u8]) {
    use std::sync::atomic::{AtomicU8, Ordering};
    static NEXT: AtomicU8 = AtomicU8::new(1);
    bytes.iter_mut().for_each(|byte| *byte = NEXT.fetch_add(29, Ordering::Relaxed));
}

pub(crate) fn registers() -> Vec<Entry> {
    let entry = |c, value, scaler, unit| Entry {
        logical_name: [1, 0, c, if c < 3 { 8 } else { 7 }, 0, 255],
        value,
        scaler_unit: ScalerUnit::new(scaler, Unit(unit)),
    };
    vec![entry(1, 12_345_678, 0, 30), entry(2, 576, 0, 30), entry(16, -4200, -1, 27), entry(32, 2301, -1, 35)]
}

/// What a test is about.
pub(crate) struct Setup {
    pub(crate) quirks: Quirks,
    pub(crate) associations: Vec<Association<'static, Key>>,
    pub(crate) parameters: Parameters,
    pub(crate) rows: u32,
    pub(crate) size: usize,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            quirks: Quirks::NONE,
            associations: vec![Association::public()],
            parameters: Parameters::DEFAULT,
            rows: 384,
            size: 4096,
        }
    }
}

/// A client, its line, and the meter on its far end.
pub(crate) struct Bench<'a, F: Framing> {
    pub(crate) client: Client<'a, F>,
    pub(crate) link: Link,
    pub(crate) far: &'a mut dyn Far,
}

/// A meter that is run by what it hears.
pub(crate) trait Far {
    fn hear(&mut self, now: Instant, bytes: &[u8]) -> Vec<Vec<u8>>;
}

impl<L: Serving> Far for Server<'_, L, Software, Meter<'_>> {
    fn hear(&mut self, now: Instant, bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut rest: VecDeque<u8> = bytes.iter().copied().collect();
        let mut sent = Vec::new();
        loop {
            match self.poll(now) {
                Step::Send(bytes) => sent.push(bytes.to_vec()),
                Step::Wait(_) if rest.is_empty() => return sent,
                Step::Wait(_) => {
                    let taken = self.receive(now, rest.make_contiguous());
                    assert!((1..=rest.len()).contains(&taken));
                    rest.drain(..taken);
                }
                step => panic!("a meter does not {step:?}"),
            }
        }
    }
}

struct On<'a>(&'a mut dyn Far, Instant);

impl Peer for On<'_> {
    fn answer(&mut self, request: &[u8]) -> Vec<(Duration, Vec<u8>)> {
        self.0.hear(self.1, request).into_iter().map(|frame| (Duration::from_millis(5), frame)).collect()
    }
}

impl<F: Framing> Bench<'_, F> {
    pub(crate) fn run(&mut self, request: Request<'_>) -> Result<Vec<u8>, LinkError> {
        self.client.start(self.link.now(), request).unwrap();
        let now = self.link.now();
        self.link.run(&mut self.client, &mut On(self.far, now), LIMIT);
        self.client.outcome().map(<[u8]>::to_vec)
    }

    pub(crate) fn connect(&mut self) {
        self.run(Request::Connect).unwrap();
    }

    pub(crate) fn exchange(&mut self, apdu: &[u8]) -> Vec<u8> {
        self.run(Request::Exchange(apdu)).unwrap()
    }

    /// Opens an association in which nothing is proved.
    pub(crate) fn associate(
        &mut self,
        context: ContextName<'_>,
        conformance: Conformance,
        size: u16,
    ) -> Vec<u8> {
        let mut information = [0; 64];
        let mut writer = Writer::new(&mut information);
        InitiateRequest::new(conformance, size).emit(&mut writer).unwrap();
        let aarq = emit(|out| Aarq::new(context, writer.written()).emit(out));
        let aare = self.exchange(&aarq);
        assert!(Aare::parse(&aare).unwrap().is_accepted(), "{aare:02X?}");
        aare
    }
}

pub(crate) fn emit(write: impl FnOnce(&mut Writer<'_>) -> Result<(), ccm_core::Full>) -> Vec<u8> {
    let mut bytes = vec![0; 8192];
    let mut writer = Writer::new(&mut bytes);
    write(&mut writer).unwrap();
    writer.written().to_vec()
}

pub(crate) fn address() -> Address {
    Address::new(1, 17, Width::Two).unwrap()
}

/// Runs a test over HDLC.
pub(crate) fn over_hdlc(client: u8, setup: Setup, test: impl FnOnce(&mut Bench<'_, Hdlc>)) {
    let Setup { quirks, mut associations, parameters, rows, size } = setup;
    let (mut near, mut own, mut request, mut pieces) =
        (vec![0; 8192], vec![0; size + 2100], vec![0; size], vec![0; size]);
    let (mut registers, mut scratch) = (registers(), vec![0; 6000]);
    let mut meter = Meter::new(&mut registers, &mut scratch, random);
    meter.load.rows = rows;
    meter.counters = &[COUNTER];
    let station = Station::new(address(), &mut own).with_parameters(parameters).unwrap();
    let station = station.with_quirks(quirks.link);
    let buffers = Buffers { request: &mut request, pieces: &mut pieces };
    let mut server = Server::new(station, Software, meter, &mut associations, buffers)
        .with_dedicated_keys(import)
        .with_quirks(quirks);
    let hdlc = Hdlc::new(Address::client(client), address()).with_parameters(parameters);
    let client = Client::new(hdlc, &mut near);
    test(&mut Bench { client, link: Link::new(Line::new(9600)), far: &mut server });
}

/// Runs a test over the wrapper.
pub(crate) fn over_wrapper(client: u16, setup: Setup, test: impl FnOnce(&mut Bench<'_, Wrapper>)) {
    let Setup { quirks, mut associations, rows, size, .. } = setup;
    let (mut near, mut own, mut request, mut pieces) =
        (vec![0; 8192], vec![0; size + 8], vec![0; size], vec![0; size]);
    let (mut registers, mut scratch) = (registers(), vec![0; 6000]);
    let mut meter = Meter::new(&mut registers, &mut scratch, random);
    meter.load.rows = rows;
    meter.counters = &[COUNTER];
    let buffers = Buffers { request: &mut request, pieces: &mut pieces };
    let mut server = Server::new(Service::new(&mut own), Software, meter, &mut associations, buffers)
        .with_dedicated_keys(import)
        .with_quirks(quirks);
    let client = Client::new(Wrapper::tcp(client, 1), &mut near);
    test(&mut Bench { client, link: Link::new(Line::new(115_200)), far: &mut server });
}

fn import(bytes: &[u8]) -> Option<Key> {
    bytes.try_into().ok().map(Key::Aes128)
}
