//! Who was asked last for what, and so whose turn it is to speak.

use ccm_core::{Duration, Instant};

use super::Role;
use super::shape::{fits_reply, fits_request};
use crate::frame::Expected;
use crate::message::REFUSED;
use crate::{Frame, Function, Request};

/// A request whose reply has not come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) unit: u8,
    code: u8,
    /// When its last byte came.
    pub(super) at: Instant,
    /// What answers it; nothing where the request breaks the standard.
    expected: Option<Expected>,
    /// Whether it has been said that nobody answered.
    pub(super) is_told: bool,
}

impl Asked {
    /// What a request asks; nothing where nobody is to answer (MB-SERIAL 2.1, MB-APP 6.8).
    pub(super) fn of(frame: &Frame<'_>, at: Instant) -> Option<Self> {
        let request = Request::parse(frame.pdu).ok();
        let expected = request.map(|request| Expected::of(frame.unit, &request));
        let is_answered = frame.unit != 0 && !expected.is_some_and(|expected| expected.is_silent());
        let code = *frame.pdu.first()?;
        is_answered.then_some(Self { unit: frame.unit, code, at, expected, is_told: false })
    }

    pub(super) const fn function(&self) -> Function {
        Function::from_code(self.code)
    }

    /// Whether a frame that begins like this may be the answer.
    pub(super) const fn is_about(&self, unit: u8, code: u8) -> bool {
        unit == self.unit && code & !REFUSED == self.code
    }

    /// The length of the reply that starts with `pdu`, where the request tells it.
    pub(super) fn length(&self, pdu: &[u8]) -> Option<usize> {
        self.expected.filter(|expected| expected.may_start(pdu))?.length(pdu)
    }

    fn is_answered_by(&self, frame: &Frame<'_>) -> bool {
        let code = frame.pdu.first().copied().unwrap_or_default();
        let by_shape = || code & !REFUSED == self.code && fits_reply(frame.pdu);
        frame.unit == self.unit
            && self.expected.map_or_else(by_shape, |expected| expected.is_answered_by(frame.pdu))
    }
}

/// What a sound frame is. One that can be both, as the replies to single writes can, is the reply as long as somebody
/// waits for it; after `patience` it is the same request again.
pub(super) fn role(frame: &Frame<'_>, heard: Heard, asked: Option<&Asked>, patience: Duration) -> Role {
    let may_ask = is_request(frame.pdu);
    let answered = asked.filter(|asked| asked.is_answered_by(frame));
    match answered.map(|asked| asked.at) {
        Some(at) if !may_ask || heard.at.since(at) <= patience => Role::Reply { after: heard.after(at) },
        _ if may_ask => Role::Request,
        _ => Role::Stray,
    }
}

/// When a frame ended, and how long it was on the line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heard {
    pub(super) at: Instant,
    pub(super) lasted: Duration,
}

impl Heard {
    /// How long after `asked` it began. Two frames of one lump came at the same moment: that says nothing.
    fn after(self, asked: Instant) -> Option<Duration> {
        (self.at > asked).then(|| (self.at - self.lasted).since(asked))
    }
}

/// Whether a PDU can be a request. Where it could be a reply too, it must make sense as a request.
fn is_request(pdu: &[u8]) -> bool {
    fits_request(pdu) && (!fits_reply(pdu) || Request::parse(pdu).is_ok())
}
