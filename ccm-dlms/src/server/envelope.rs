//! Requests out of their envelopes, and answers into the same.

use core::ops::Range;

use ccm_core::crypto::{Crypto, TAG};

use super::{Server, Store};
use crate::frame::Serving;
use crate::message::{
    ConfirmedService, ConfirmedServiceError, ExceptionResponse, ExceptionServiceError, ServiceError,
    StateError, tag,
};
use crate::security::{
    Agreement, Context, Envelope, General, Incoming, InvocationCounter, KeyInformation, KeyUse, Outgoing,
    Protection, SecurityError, glance,
};

/// How a request came, and how its answer goes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reply {
    pub(super) envelope: Envelope,
    pub(super) key: KeyUse,
    pub(super) protection: Protection,
}

impl<L: Serving, C: Crypto, S: Store> Server<'_, L, C, S> {
    /// Opens the request in the link's buffer, and gives where it lies in clear.
    pub(super) fn open(&mut self, length: usize) -> Result<Range<usize>, ExceptionServiceError> {
        let Self { link, session, associations, crypto, .. } = self;
        self.reply = None;
        let apdu = link.apdu_mut().get_mut(..length).unwrap_or_default();
        let is_asking = session.is_asking();
        let association = session.association(associations).filter(|_| is_asking);
        let association = association.ok_or(ExceptionServiceError::OperationNotPossible)?;
        let Some(context) = association.security.as_mut() else {
            let is_clear = matches!(glance(apdu), Ok(None));
            return if is_clear { Ok(0..length) } else { Err(ExceptionServiceError::DecipheringError) };
        };
        let (range, reply, protection) = unprotect(context, crypto, apdu).map_err(refusal)?;
        session.caller.protection = protection;
        self.reply = reply;
        Ok(range)
    }

    /// The same for a request that was put together of general blocks; it then lies at the front of the request's buffer.
    pub(super) fn open_held(&mut self) -> Result<(), ExceptionServiceError> {
        let Self { request, session, associations, crypto, .. } = self;
        self.reply = None;
        let is_asking = session.is_asking();
        let association = session.association(associations).filter(|_| is_asking);
        let association = association.ok_or(ExceptionServiceError::OperationNotPossible)?;
        let Some(context) = association.security.as_mut() else { return Ok(()) };
        let (range, reply, protection) = unprotect(context, crypto, request.bytes_mut()).map_err(refusal)?;
        session.caller.protection = protection;
        self.reply = reply;
        request.keep(range);
        Ok(())
    }

    /// Puts the answer in the link's buffer into the envelope that the request had, and says how long it then is.
    pub(super) fn close(&mut self, length: usize) -> usize {
        let Some(reply) = self.reply.take().filter(|_| length > 0 && !self.quirks.omits_protection) else {
            return length;
        };
        let Self { link, session, associations, crypto, quirks, .. } = self;
        let Some(context) = session.association(associations).and_then(|a| a.security.as_mut()) else {
            return length;
        };
        if quirks.repeats_counter && context.counter().next() > 0 && session.has_answered {
            let again = context.counter().next() - 1;
            *context.counter_mut() = InvocationCounter::volatile(again);
        }
        session.has_answered = true;
        let envelope = if quirks.answers_general { Envelope::General } else { reply.envelope };
        let protected = protect(context, crypto, Reply { envelope, ..reply }, link.apdu_mut(), length);
        let Ok(protected) = protected else { return self.refuse(ExceptionServiceError::OtherReason) };
        let apdu = link.apdu_mut().get_mut(..protected).unwrap_or_default();
        if let Some(last) = apdu.last_mut().filter(|_| quirks.spoils_tag) {
            *last ^= 0x01;
        }
        if quirks.claims_broadcast {
            claim_broadcast(apdu);
        }
        protected
    }

    /// Says why there is no answer, in clear: a client that cannot read the answer can read this.
    pub(super) fn refuse(&mut self, service_error: ExceptionServiceError) -> usize {
        self.reply = None;
        if self.session.caller.is_short_name() {
            return self.refuse_by_name(service_error);
        }
        let state_error = match service_error {
            ExceptionServiceError::ServiceNotSupported => StateError::ServiceUnknown,
            _ => StateError::ServiceNotAllowed,
        };
        self.write(|writer| ExceptionResponse { state_error, service_error }.emit(writer))
    }

    /// Where objects have short names, the refusal is an older one (Green Book 9.5).
    fn refuse_by_name(&mut self, service_error: ExceptionServiceError) -> usize {
        let service = match self.link.apdu_mut().first() {
            Some(&(tag::WRITE_REQUEST | tag::UNCONFIRMED_WRITE_REQUEST)) => ConfirmedService::Write,
            _ => ConfirmedService::Read,
        };
        let (class, value) = match service_error {
            ExceptionServiceError::DecipheringError
            | ExceptionServiceError::InvocationCounterError { .. } => (0, 6),
            ExceptionServiceError::ServiceNotSupported => (3, 2),
            ExceptionServiceError::PduTooLong => (3, 1),
            ExceptionServiceError::OperationNotPossible => (2, 1),
            _ => (10, 0),
        };
        let error = ServiceError { class, value };
        self.write(|writer| ConfirmedServiceError { service, error }.emit(writer))
    }

    /// How many bytes an answer may have before it is protected.
    pub(super) fn limit(&mut self) -> usize {
        let link = self.link.apdu_mut().len();
        let client = match self.session.caller.client_max_receive_pdu_size {
            0 => usize::MAX,
            size => size.into(),
        };
        let overhead = if self.reply.is_some() { GENERAL_OVERHEAD } else { 0 };
        // General blocks cut the answer after it is protected.
        let whole = if self.uses_general_blocks() { link } else { link.min(client) };
        let limit = whole.saturating_sub(overhead);
        match self.quirks.max_pdu {
            0 => limit,
            most => limit.min(most.into()),
        }
    }
}

/// Where the text lies, how its answer is to be protected, and how it was.
type Opened = (Range<usize>, Option<Reply>, Protection);

pub(super) fn unprotect<C: Crypto>(
    context: &mut Context<C::Key>,
    crypto: &C,
    apdu: &mut [u8],
) -> Result<Opened, SecurityError> {
    let whole = apdu.len();
    let incoming = if apdu.first() == Some(&GENERAL_CIPHERING) {
        context.unprotect_general(crypto, &Agreement::default(), apdu)?.incoming
    } else {
        context.unprotect(crypto, apdu)?
    };
    let Incoming { apdu: text, protection, envelope, .. } = incoming;
    // The text is what lies before the tag, or all.
    let tag = if protection.authenticated { TAG } else { 0 };
    let end = whole - tag.min(whole);
    let reply = envelope.map(|(envelope, key)| Reply { envelope, key, protection });
    Ok((end - text.len().min(end)..end, reply, protection))
}

fn protect<C: Crypto>(
    context: &mut Context<C::Key>,
    crypto: &C,
    reply: Reply,
    buffer: &mut [u8],
    length: usize,
) -> Result<usize, SecurityError> {
    let Reply { envelope, key, protection } = reply;
    // Nobody but the client may read it: what came by the broadcast key is answered by the unicast one.
    let key = if key == KeyUse::Dedicated { key } else { KeyUse::Global };
    if envelope == Envelope::Ciphering {
        let how = (&General::default(), &KeyInformation::Global);
        return context.protect_general(crypto, how, protection, buffer, length);
    }
    context.protect(crypto, Outgoing { envelope, key, protection }, buffer, length)
}

/// What a client is told that sent what cannot be believed.
pub(super) const fn refusal(error: SecurityError) -> ExceptionServiceError {
    match error {
        SecurityError::Replay { last, .. } => {
            ExceptionServiceError::InvocationCounterError { expected: last.saturating_add(1) }
        }
        _ => ExceptionServiceError::DecipheringError,
    }
}

/// Sets the bit of the security control, wherever it lies.
fn claim_broadcast(apdu: &mut [u8]) {
    let title = match apdu {
        [0xDB | 0xDC, length, ..] => 1 + usize::from(*length),
        _ => 0,
    };
    let length = match apdu.get(1 + title) {
        Some(first @ 0x81..) => 1 + usize::from(first & 0x7F),
        _ => 1,
    };
    if let Some(control) = apdu.get_mut(1 + title + length) {
        *control |= BROADCAST;
    }
}

const GENERAL_CIPHERING: u8 = 0xDD;
const BROADCAST: u8 = 0x40;
/// What general-ciphering adds, which adds most: two titles, the lengths of the other fields, the key's name.
const GENERAL_OVERHEAD: usize = Context::<()>::OVERHEAD + 24;
