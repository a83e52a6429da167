//! What the tests share: the loop, a server that answers as it is told, and messages to tell it.

use ccm_core::crypto::Key;
use ccm_core::testing::{Link, Peer};
use ccm_core::{Duration, Line};
use ccm_dlms::message::{
    Aare, AssociationResult, AttributeAccess, AttributeDescriptor, Conformance, ContextName, Diagnostic,
    GetBlockResult, GetResponse, Hidden, InitiateResponse, InvokeIdAndPriority, Invoked, UserDiagnostic,
};
use ccm_dlms::script::{Script, Session, Settings, Unprotected};
use ccm_dlms::security::{AuthenticationKey, Context, InvocationCounter, Keys, Suite, SystemTitle};
use ccm_dlms::wrapper::{Service, Wrapper};
use ccm_dlms::{Client, Error, Framing};

use super::common::Meter;

/// The loop that every caller has.
pub(crate) fn run<F: Framing>(
    script: &mut impl Script,
    client: &mut Client<'_, F>,
    (link, peer): (&mut Link, &mut impl Peer),
) -> Result<(), Error> {
    while let Some(machine) = script.next(link.now(), client)? {
        link.run(machine, peer, Duration::from_secs(60));
    }
    Ok(())
}

pub(crate) fn attribute(class_id: u16, instance_id: [u8; 6], attribute_id: i8) -> AttributeAccess<'static> {
    AttributeAccess::whole(AttributeDescriptor { class_id, instance_id, attribute_id })
}

/// The Green Book's keys, which the recorded programs used.
pub(crate) fn keys() -> Keys<Key> {
    let ascending = |first: u8| core::array::from_fn(|at| first + u8::try_from(at).unwrap());
    Keys::new(Key::Aes128(ascending(0)), AuthenticationKey::short(ascending(0xD0)))
}

pub(crate) const CLIENT: SystemTitle = SystemTitle::new(*b"MMM\0\0\0\0\x01");
pub(crate) const SERVER: SystemTitle = SystemTitle::new([0x4D, 0x4D, 0x4D, 0, 0, 0xBC, 0x61, 0x4E]);

pub(crate) fn context(own: SystemTitle, next: u32) -> Context<Key> {
    Context::new(Suite::Zero, own, keys(), InvocationCounter::volatile(next)).unwrap()
}

/// A server over the wrapper that answers as a closure says, and a client with an association to it.
pub(crate) struct Bench<'b, H> {
    pub(crate) client: Client<'b, Wrapper>,
    pub(crate) link: Link,
    pub(crate) meter: Meter<Service<'b>, H>,
}

impl<'b, H: FnMut(&[u8]) -> Vec<u8>> Bench<'b, H> {
    pub(crate) fn new([ours, theirs]: [&'b mut [u8]; 2], handler: H) -> Self {
        Self {
            client: Client::new(Wrapper::tcp(1, 1), ours),
            link: Link::new(Line::new(9600)),
            meter: Meter::new(Service::new(theirs), handler),
        }
    }

    pub(crate) fn run(&mut self, script: &mut impl Script) -> Result<(), Error> {
        run(script, &mut self.client, (&mut self.link, &mut self.meter))
    }
}

pub(crate) fn emitted(emit: impl FnOnce(&mut ccm_core::Writer<'_>) -> Result<(), ccm_core::Full>) -> Vec<u8> {
    let mut bytes = vec![0; 2048];
    let mut writer = ccm_core::Writer::new(&mut bytes);
    emit(&mut writer).unwrap();
    let length = writer.finish();
    bytes.truncate(length);
    bytes
}

/// An AARE that agrees to all.
pub(crate) fn aare(max_pdu: u16, short_names: bool) -> Vec<u8> {
    let response = InitiateResponse::new(Conformance::all(), max_pdu, 7);
    let information = emitted(|writer| response.emit(writer));
    let context = if short_names { ContextName::ShortName } else { ContextName::LogicalName };
    let mut aare = Aare::new(context, AssociationResult::Accepted, Diagnostic::User(UserDiagnostic::Null));
    aare.user_information = Some(Hidden(&information));
    emitted(|writer| aare.emit(writer))
}

pub(crate) fn got(invoke: u8, service: GetResponse<'_>) -> Vec<u8> {
    let invoke_id_and_priority = InvokeIdAndPriority(invoke);
    emitted(|writer| Invoked { invoke_id_and_priority, service }.emit(writer))
}

pub(crate) fn got_block(invoke: u8, last_block: bool, block_number: u32, raw: &[u8]) -> Vec<u8> {
    let result = GetBlockResult::RawData(raw);
    got(invoke, GetResponse::WithDataBlock { last_block, block_number, result })
}

/// An opened session with a server that, after the AARE, answers one request after the other with these.
pub(crate) fn answered(
    answers: Vec<Vec<u8>>,
    test: impl FnOnce(&mut Session<'_, Unprotected>, &mut dyn FnMut(&mut dyn ErasedScript) -> Result<(), Error>),
) -> Vec<Vec<u8>> {
    answered_with(Settings::PUBLIC, aare(128, false), answers, test)
}

/// So that closures can run any script.
pub(crate) trait ErasedScript {
    fn run(
        &mut self,
        client: &mut Client<'_, Wrapper>,
        link: &mut Link,
        peer: &mut dyn Peer,
    ) -> Result<(), Error>;
}

impl<S: Script> ErasedScript for S {
    fn run(
        &mut self,
        client: &mut Client<'_, Wrapper>,
        link: &mut Link,
        peer: &mut dyn Peer,
    ) -> Result<(), Error> {
        let mut peer = |request: &[u8]| peer.answer(request);
        run(self, client, (link, &mut peer))
    }
}

pub(crate) fn answered_with(
    settings: Settings<'_, ccm_dlms::script::NoKey>,
    aare: Vec<u8>,
    answers: Vec<Vec<u8>>,
    test: impl FnOnce(&mut Session<'_, Unprotected>, &mut dyn FnMut(&mut dyn ErasedScript) -> Result<(), Error>),
) -> Vec<Vec<u8>> {
    let mut answers = answers.into_iter();
    let (mut ours, mut theirs) = (vec![0; 1024], vec![0; 4096]);
    let handler = move |request: &[u8]| match request[0] {
        0x60 => aare.clone(),
        _ => answers.next().unwrap_or_default(),
    };
    let mut bench = Bench::new([&mut ours, &mut theirs], handler);
    let mut session = Session::plain(settings);
    bench.run(&mut session.open(&[])).unwrap();
    test(&mut session, &mut |script| script.run(&mut bench.client, &mut bench.link, &mut bench.meter));
    bench.meter.executed.split_off(1)
}

pub(crate) const ENERGY: [u8; 6] = [1, 0, 1, 8, 0, 255];
