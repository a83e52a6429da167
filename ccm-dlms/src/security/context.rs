//! One association's security: what it sends is protected, what it receives is checked.

use ccm_core::Writer;
use ccm_core::crypto::{Crypto, TAG};

use super::counter::Received;
use super::envelope::{Form, Header, emit_ciphered, is_among};
use super::transform::{Transform, nonce};
use super::{
    Control, Envelope, InvocationCounter, KeyUse, Keys, Protection, SecurityError, Suite, SystemTitle, length,
};

/// Keys, titles and counters of one association (or of one sender of pushes).
///
/// It asks that all it receives is authenticated and encrypted, until [`require`](Self::require) says otherwise.
#[derive(Debug)]
pub struct Context<K> {
    pub(super) suite: Suite,
    pub(super) own_title: SystemTitle,
    pub(super) peer_title: Option<SystemTitle>,
    pub(super) keys: Keys<K>,
    pub(super) counter: InvocationCounter,
    pub(super) received: Received,
    pub(super) authenticates_fields: bool,
    required: Protection,
}

/// How a message is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Outgoing {
    /// In which envelope; a service that has no tag of its own there goes in the general one.
    pub envelope: Envelope,
    /// By which key; initiate-request and -response always go by the global one, the request that brings the dedicated
    /// key too.
    pub key: KeyUse,
    /// How much.
    pub protection: Protection,
}

impl Outgoing {
    /// Authenticated and encrypted by the global key, in the service's envelope.
    pub const GLOBAL: Self =
        Self { envelope: Envelope::Service, key: KeyUse::Global, protection: Protection::BOTH };
    /// Authenticated and encrypted by the dedicated key, in the service's envelope.
    pub const DEDICATED: Self = Self { key: KeyUse::Dedicated, ..Self::GLOBAL };
    /// Authenticated and encrypted by the global key, in the general envelope.
    pub const GENERAL: Self = Self { envelope: Envelope::General, ..Self::GLOBAL };
}

/// A message that was believed.
#[derive(Debug)]
pub struct Incoming<'b> {
    /// The message without its envelope, in the buffer that it came in.
    pub apdu: &'b mut [u8],
    /// How it was protected: at least as the receiver asked, except for messages that carry nothing but a refusal.
    pub protection: Protection,
    /// Its envelope and key; `None` where it had none. A server answers in the same.
    pub envelope: Option<(Envelope, KeyUse)>,
    /// Its invocation counter, where it had one.
    pub invocation_counter: Option<u32>,
}

impl<K> Context<K> {
    /// A context that has received nothing yet and knows no peer.
    ///
    /// # Errors
    /// [`SecurityError::AuthenticationKey`] where its length is not the suite's. That of keys behind handles shows when
    /// they are used.
    pub fn new(
        suite: Suite,
        own_title: SystemTitle,
        keys: Keys<K>,
        counter: InvocationCounter,
    ) -> Result<Self, SecurityError> {
        let (expected, found) = (suite.key_length(), keys.authentication.bytes().len());
        if expected != found {
            return Err(SecurityError::AuthenticationKey { expected, found });
        }
        let received = Received::default();
        let required = Protection::BOTH;
        let (peer_title, authenticates_fields) = (None, true);
        Ok(Self { suite, own_title, peer_title, keys, counter, received, authenticates_fields, required })
    }

    /// Asks for at least this protection of all that is received.
    pub const fn require(&mut self, required: Protection) {
        self.required = required;
    }

    /// What is asked for.
    pub const fn required(&self) -> Protection {
        self.required
    }

    /// Says whether the fields of general-ciphering are authenticated with the message, as the standard has it and this
    /// does until told otherwise. Some peers authenticate the message alone; then anybody can change the fields, and
    /// nothing in [`General`](super::General) is to be believed.
    pub const fn authenticate_fields(&mut self, is_on: bool) {
        self.authenticates_fields = is_on;
    }

    /// Says who the peer is: the title from its AARQ or AARE, or of a sender that was looked up. For another peer than
    /// before all numbers received are forgotten.
    pub fn set_peer(&mut self, title: SystemTitle) {
        if self.peer_title != Some(title) {
            self.received = Received::default();
        }
        self.peer_title = Some(title);
    }

    /// Who the peer is.
    pub const fn peer(&self) -> Option<SystemTitle> {
        self.peer_title
    }

    /// The own title.
    pub const fn own_title(&self) -> SystemTitle {
        self.own_title
    }

    /// The suite.
    pub const fn suite(&self) -> Suite {
        self.suite
    }

    /// Sets the dedicated key for a new association, or forgets it at its end.
    pub fn set_dedicated(&mut self, key: Option<K>) {
        self.keys.dedicated = key;
        self.received.set(KeyUse::Dedicated, None);
    }

    /// Sets a new global encryption key, after the peer has taken it (key transfer).
    pub fn set_encryption(&mut self, key: K) {
        self.keys.encryption = key;
        self.received.set(KeyUse::Global, None);
    }

    /// The own counter.
    pub const fn counter(&self) -> &InvocationCounter {
        &self.counter
    }

    /// The own counter, to raise it, and to say what is stored.
    pub const fn counter_mut(&mut self) -> &mut InvocationCounter {
        &mut self.counter
    }

    /// The peer's number that was believed last. A receiver that must not be fooled by recordings from before its last
    /// restart stores it.
    pub const fn last_received(&self, key: KeyUse) -> Option<u32> {
        self.received.last(key)
    }

    /// Believes only numbers above `last` from now on, as after a restart.
    pub const fn receive_after(&mut self, key: KeyUse, last: u32) {
        self.received.set(key, Some(last));
    }

    /// Protects the message in the first `length` bytes of `buffer`, in place, and gives its new length: at most
    /// [`Self::OVERHEAD`] more.
    ///
    /// # Errors
    /// [`SecurityError::Envelope`] for what cannot be protected, [`SecurityError::Buffer`], [`SecurityError::NoKey`],
    /// and those of the own counter; the message is then as it was. After [`SecurityError::Crypto`] it is gone.
    pub fn protect<C: Crypto<Key = K>>(
        &mut self,
        crypto: &C,
        how: Outgoing,
        buffer: &mut [u8],
        length: usize,
    ) -> Result<usize, SecurityError> {
        let service = *buffer.first().filter(|_| length > 0).ok_or(SecurityError::Envelope { tag: 0 })?;
        let (envelope, key, tag) = placed(how, service)?;
        let handle = self.keys.of(key).ok_or(SecurityError::NoKey { key })?;
        let text = length + if how.protection.authenticated { TAG } else { 0 };
        let start = Header::size(envelope, text);
        let whole = room(buffer, start + text)?;
        let invocation_counter = self.counter.take()?;
        let control = self.control(how.protection, key == KeyUse::Broadcast);
        shift(whole, length, start);
        let mut writer = Writer::new(whole);
        let too_small = |_| SecurityError::Buffer { needed: start + text };
        writer.u8(tag).map_err(too_small)?;
        if envelope == Envelope::General {
            length::emit_string(&mut writer, self.own_title.bytes()).map_err(too_small)?;
        }
        emit_ciphered(&mut writer, text, control, invocation_counter).map_err(too_small)?;
        self.transform(handle, control, &self.own_title, invocation_counter)
            .seal(crypto, writer.rest_mut())?;
        Ok(start + text)
    }

    /// Checks a message, takes it out of its envelope and decrypts it, in place. General-ciphering has
    /// [`unprotect_general`](Self::unprotect_general).
    ///
    /// What is in no envelope is given as it is where nothing is required. Even where protection is required, refusals
    /// pass (exception-response, confirmed-service-error): a peer that could not read the request can only refuse it
    /// in clear. Their `protection` says so. Of associations (AARQ to RLRE) only the user information belongs here.
    ///
    /// # Errors
    /// Any of [`SecurityError`]; no counter has then moved, and `apdu` is not to be used.
    pub fn unprotect<'b, C: Crypto<Key = K>>(
        &mut self,
        crypto: &C,
        apdu: &'b mut [u8],
    ) -> Result<Incoming<'b>, SecurityError> {
        let tag = apdu.first().copied().unwrap_or_default();
        let Some(form) = Form::of_tag(tag) else { return self.plain(tag, apdu) };
        let header = Header::parse(apdu)?;
        let title = self.sender(header.title)?;
        let key = self.key_of(form.key, header.control)?;
        self.admit(header.control, key, header.invocation_counter)?;
        let handle = self.keys.of(key).ok_or(SecurityError::NoKey { key })?;
        let body = apdu.get_mut(header.length..).unwrap_or_default();
        let transform = self.transform(handle, header.control, &title, header.invocation_counter);
        let text = transform.open(crypto, body)?;
        self.believe(header.control, key, header.invocation_counter, form.service, text)?;
        Ok(Incoming {
            apdu: text,
            protection: header.control.protection,
            envelope: Some((form.envelope, key)),
            invocation_counter: Some(header.invocation_counter),
        })
    }

    /// The most bytes that [`protect`](Self::protect) adds: tag, title, length, security header, authentication tag.
    pub const OVERHEAD: usize = Header::size(Envelope::General, u16::MAX as usize) + TAG;

    pub(super) const fn control(&self, protection: Protection, broadcast: bool) -> Control {
        Control { suite: self.suite.number(), protection, broadcast, compressed: false }
    }

    pub(super) fn transform<'a>(
        &'a self,
        key: &'a K,
        control: Control,
        sender: &SystemTitle,
        invocation_counter: u32,
    ) -> Transform<'a, K> {
        let authentication = self.keys.authentication.bytes();
        Transform { key, control, nonce: nonce(sender, invocation_counter), authentication, fields: &[] }
    }

    /// Says who sent: the peer, or nobody.
    pub(super) fn sender(&self, found: Option<SystemTitle>) -> Result<SystemTitle, SecurityError> {
        let peer = self.peer_title.ok_or(SecurityError::NoTitle)?;
        match found {
            Some(found) if found != peer => Err(SecurityError::UnknownTitle { found }),
            _ => Ok(peer),
        }
    }

    /// All that can be refused before anything is computed.
    pub(super) fn admit(
        &self,
        control: Control,
        key: KeyUse,
        invocation_counter: u32,
    ) -> Result<(), SecurityError> {
        if control.compressed {
            return Err(SecurityError::Compression);
        }
        if control.suite != self.suite.number() {
            return Err(SecurityError::Suite { expected: self.suite.number(), found: control.suite });
        }
        self.allow(control.protection)?;
        self.received.check(key, invocation_counter)
    }

    /// Checks the service within and moves the counter. The envelope's tag is not authenticated: a message that is
    /// refused for it moves nothing, or anybody could use up the peer's numbers.
    pub(super) fn believe(
        &mut self,
        control: Control,
        key: KeyUse,
        invocation_counter: u32,
        service: Option<u8>,
        text: &[u8],
    ) -> Result<(), SecurityError> {
        let found = text.first().copied().unwrap_or_default();
        let is_right = match service {
            Some(expected) => found == expected || is_among(found, &REFUSALS),
            None => control.protection.authenticated || is_among(found, &SERVICES),
        };
        if !is_right {
            return Err(SecurityError::Service { found });
        }
        // A number that nothing protects is anybody's.
        if control.protection != Protection::NONE {
            self.received.set(key, Some(invocation_counter));
        }
        Ok(())
    }

    fn allow(&self, found: Protection) -> Result<(), SecurityError> {
        let required = self.required;
        if found.covers(required) { Ok(()) } else { Err(SecurityError::Policy { required, found }) }
    }

    /// The key set of the security control, which only the global keys have.
    fn key_of(&self, key: KeyUse, control: Control) -> Result<KeyUse, SecurityError> {
        match (control.broadcast, key) {
            (false, key) => Ok(key),
            (true, KeyUse::Global) if self.keys.broadcast.is_some() => Ok(KeyUse::Broadcast),
            (true, _) => Err(SecurityError::Broadcast),
        }
    }

    fn plain<'b>(&self, tag: u8, apdu: &'b mut [u8]) -> Result<Incoming<'b>, SecurityError> {
        match tag {
            super::general::TAG => return Err(SecurityError::Envelope { tag }),
            GENERAL_SIGNING => return Err(SecurityError::Signing),
            _ if is_among(tag, &REFUSALS) && apdu.len() <= LONGEST_REFUSAL => {}
            _ => self.allow(Protection::NONE)?,
        }
        Ok(Incoming { apdu, protection: Protection::NONE, envelope: None, invocation_counter: None })
    }
}

/// Where a service goes, by which key, with which tag.
fn placed(how: Outgoing, service: u8) -> Result<(Envelope, KeyUse, u8), SecurityError> {
    let Outgoing { mut envelope, mut key, .. } = how;
    if is_among(service, &INITIATE) {
        (envelope, key) = (Envelope::Service, KeyUse::Global);
    }
    if !is_among(service, &SERVICES) || envelope == Envelope::Ciphering {
        return Err(SecurityError::Envelope { tag: service });
    }
    let tag = Form::tag(envelope, key, service).map(|tag| (envelope, key, tag));
    let general = || Form::tag(Envelope::General, key, service).map(|tag| (Envelope::General, key, tag));
    tag.or_else(general).ok_or(SecurityError::Envelope { tag: service })
}

/// The part of the buffer that the protected message takes.
pub(super) fn room(buffer: &mut [u8], needed: usize) -> Result<&mut [u8], SecurityError> {
    buffer
        .get_mut(..needed)
        .filter(|_| needed <= usize::from(u16::MAX))
        .ok_or(SecurityError::Buffer { needed })
}

/// Moves the first `length` bytes back by `by`.
pub(super) fn shift(buffer: &mut [u8], length: usize, by: usize) {
    // Byte by byte, like all of these crates: the library's move would bring in its panic for ranges.
    for at in (0..length).rev() {
        let byte = buffer.get(at).copied().unwrap_or_default();
        if let Some(slot) = buffer.get_mut(at + by) {
            *slot = byte;
        }
    }
}

/// Always by the global key, in an envelope of their own.
const INITIATE: [u8; 2] = [0x01, 0x08];
/// Confirmed-service-error and exception-response.
const REFUSALS: [u8; 2] = [0x0E, 0xD8];
/// Tag, two codes, and the counter that the peer expects; what is longer hides something.
const LONGEST_REFUSAL: usize = 7;
const GENERAL_SIGNING: u8 = 0xDF;
/// All that is found in an envelope (IEC 62056-5-3, clause 8): the services, data notification, access, block transfer.
pub(super) const SERVICES: [u8; 21] = [
    0x01, 0x05, 0x06, 0x08, 0x0C, 0x0D, 0x0E, 0x0F, 0x16, 0x18, 0xC0, 0xC1, 0xC2, 0xC3, 0xC4, 0xC5, 0xC7,
    0xD8, 0xD9, 0xDA, 0xE0,
];
