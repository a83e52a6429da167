//! A client of suite 0: link, association with proof of both sides (HLS 5, GMAC), a ciphered read in blocks, release.
#![no_std]
#![no_main]

use ccm_core::crypto::{Key, Software};
use ccm_core::{Instant, Machine, Step, Writer};
use ccm_dlms::hdlc::{Address, Hdlc};
use ccm_dlms::message::data::{Data, Event, Value};
use ccm_dlms::message::{
    Aare, Aarq, ActionRequest, ActionResponse, ActionResult, ActionReturn, Assembly, AttributeAccess,
    AttributeDescriptor, Conformance, ContextName, Encoded, GetBlockResult, GetDataResult, GetRequest,
    GetResponse, InitiateRequest, InitiateResponse, InvokeIdAndPriority, Invoked, MechanismName,
    MethodDescriptor, ReleaseRequest, ReleaseResponse,
};
use ccm_dlms::security::{
    AuthenticationKey, Challenges, Context, InvocationCounter, Keys, Mechanism, Outgoing, Suite, SystemTitle,
};
use ccm_dlms::{Client, Request};
use size::{BYTE, LENGTH, NOW, Outside, RESULT};

static BUFFER: Outside<[u8; 1024]> = Outside::new([0; 1024]);
static VALUE: Outside<[u8; 1024]> = Outside::new([0; 1024]);
static KEY: Outside<[u8; 16]> = Outside::new([0; 16]);
static TITLE: Outside<[u8; 8]> = Outside::new([0; 8]);
static CHALLENGE: Outside<[u8; 16]> = Outside::new([0; 16]);

#[unsafe(no_mangle)]
#[unsafe(link_section = ".text.start")]
pub extern "C" fn start() {
    let keys = Keys::new(Key::Aes128(KEY.read()), AuthenticationKey::short(KEY.read()));
    let counter = InvocationCounter::resume(LENGTH.read() as u32, 256);
    let title = SystemTitle::new(TITLE.read());
    let Ok(security) = Context::new(Suite::Zero, title, keys, counter) else { return };
    let link = Hdlc::new(Address::client(1), Address::client(BYTE.read()));
    let mut session = Session { client: Client::new(link, BUFFER.take()), security };
    RESULT.write(session.run().is_some().into());
}

struct Session {
    client: Client<'static, Hdlc>,
    security: Context<Key>,
}

impl Session {
    fn run(&mut self) -> Option<()> {
        self.client.start(now(), Request::Connect).ok()?;
        self.carry()?;
        let own = CHALLENGE.read();
        let mut peer = [0; 64];
        let length = self.associate(&own, &mut peer)?;
        self.prove(&own, peer.get(..length)?)?;
        self.read()?;
        self.release()?;
        self.client.start(now(), Request::Disconnect).ok()?;
        self.carry()
    }

    /// AARQ and AARE; gives the length of the server's challenge.
    fn associate(&mut self, own: &[u8], peer: &mut [u8]) -> Option<usize> {
        let mut initiate = [0; 64];
        let mut writer = Writer::new(&mut initiate);
        InitiateRequest::new(Conformance::all(), 0).emit(&mut writer).ok()?;
        let length = writer.finish();
        let length = self.security.protect(&Software, Outgoing::GLOBAL, &mut initiate, length).ok()?;
        let title = *self.security.own_title().bytes();
        let aarq = Aarq {
            calling_ap_title: Some(&title),
            ..Aarq::new(ContextName::LogicalNameCiphered, initiate.get(..length)?)
        };
        self.send(|writer| aarq.with_authentication(MechanismName::HighGmac, own).emit(writer).is_ok())?;
        let aare = Aare::parse(self.client.outcome().ok()?).ok()?;
        if !aare.awaits_third_pass() {
            return None;
        }
        self.security.set_peer(SystemTitle::try_from(aare.responding_ap_title?).ok()?);
        let challenge = aare.responding_authentication_value?.0;
        let length = challenge.len();
        Writer::new(peer).slice(challenge).ok()?;
        let mut user = [0; 64];
        let mut writer = Writer::new(&mut user);
        writer.slice(aare.user_information?.0).ok()?;
        let user_length = writer.finish();
        let incoming = self.security.unprotect(&Software, user.get_mut(..user_length)?).ok()?;
        let response = InitiateResponse::parse(incoming.apdu).ok()?;
        RESULT.write(response.server_max_receive_pdu_size.into());
        Some(length)
    }

    /// The third and the fourth pass.
    fn prove(&mut self, own: &[u8], peer: &[u8]) -> Option<()> {
        let challenges = Challenges::new(own, peer).ok()?;
        let mut answer = [0x09, 17, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let mut mechanism = Mechanism::Gmac(&mut self.security);
        mechanism.answer(&Software, &challenges, answer.get_mut(2..)?).ok()?;
        let method = MethodDescriptor { class_id: 15, instance_id: [0, 0, 40, 0, 0, 255], method_id: 1 };
        let request = ActionRequest::Normal { method, parameters: Some(Encoded(&answer)) };
        let apdu = self.ask(|writer| invoked(request).emit(writer).is_ok())?;
        let ActionResponse::Normal(ActionReturn { result: ActionResult::Success, return_parameters }) =
            Invoked::parse(apdu).ok()?.service
        else {
            return None;
        };
        let Some(GetDataResult::Data(Encoded(value))) = return_parameters else { return None };
        let mut proof = [0; 17];
        let mut writer = Writer::new(&mut proof);
        writer.slice(Data::parse(value).ok()?.value().ok()?.bytes()?).ok()?;
        let length = writer.finish();
        Mechanism::Gmac(&mut self.security).check(&Software, &challenges, proof.get(..length)?).ok()
    }

    /// One attribute, in one piece or in blocks, down to the last value.
    fn read(&mut self) -> Option<()> {
        let attribute =
            AttributeDescriptor { class_id: 7, instance_id: [1, 0, 99, 1, 0, 255], attribute_id: 2 };
        let mut request = GetRequest::Normal(AttributeAccess::whole(attribute));
        let mut assembly = Assembly::new(VALUE.take());
        loop {
            let apdu = self.ask(|writer| invoked(request).emit(writer).is_ok())?;
            match Invoked::parse(apdu).ok()?.service {
                GetResponse::Normal(GetDataResult::Data(Encoded(value))) => return look(value),
                GetResponse::WithDataBlock { last_block, block_number, result } => {
                    let GetBlockResult::RawData(data) = result else { return None };
                    assembly.append(block_number, data).ok()?;
                    if last_block {
                        return look(assembly.bytes());
                    }
                    request = GetRequest::Next { block_number };
                }
                _ => return None,
            }
        }
    }

    fn release(&mut self) -> Option<()> {
        self.send(|writer| ReleaseRequest { reason: None, user_information: None }.emit(writer).is_ok())?;
        ReleaseResponse::parse(self.client.outcome().ok()?).ok().map(|_| ())
    }

    /// Sends a service under protection and gives the answer without it.
    fn ask(&mut self, emit: impl FnOnce(&mut Writer<'_>) -> bool) -> Option<&[u8]> {
        let mut writer = Writer::new(self.client.apdu_mut());
        if !emit(&mut writer) {
            return None;
        }
        let length = writer.finish();
        let length =
            self.security.protect(&Software, Outgoing::GLOBAL, self.client.apdu_mut(), length).ok()?;
        self.client.exchange(now(), length).ok()?;
        self.carry()?;
        let length = self.client.outcome().ok()?.len();
        let answer = self.client.apdu_mut().get_mut(..length)?;
        self.security.unprotect(&Software, answer).ok().map(|incoming| &*incoming.apdu)
    }

    fn send(&mut self, emit: impl FnOnce(&mut Writer<'_>) -> bool) -> Option<()> {
        let mut writer = Writer::new(self.client.apdu_mut());
        if !emit(&mut writer) {
            return None;
        }
        let length = writer.finish();
        self.client.exchange(now(), length).ok()?;
        self.carry()
    }

    fn carry(&mut self) -> Option<()> {
        loop {
            match self.client.poll(now()) {
                Step::Send(bytes) => bytes.iter().for_each(|byte| RESULT.write((*byte).into())),
                Step::SetLine(line) => RESULT.write(line.baud),
                Step::Wait(_) => {
                    self.client.receive(now(), &[BYTE.read()]);
                }
                Step::Done => return self.client.outcome().ok().map(|_| ()),
            }
        }
    }
}

fn look(value: &[u8]) -> Option<()> {
    for event in Data::parse(value).ok()?.events() {
        match event.ok()? {
            Event::Value(Value::OctetString(bytes)) => RESULT.write(bytes.len() as u32),
            Event::Value(value) => RESULT.write(value.integer().unwrap_or_default() as u32),
            _ => {}
        }
    }
    Some(())
}

const fn invoked<T>(service: T) -> Invoked<T> {
    Invoked { invoke_id_and_priority: InvokeIdAndPriority::confirmed(1), service }
}

fn now() -> Instant {
    Instant::from_micros(NOW.read())
}
