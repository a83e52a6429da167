//! The server: answers requests to its unit, and only those.

mod answer;
mod extended;
mod handler;

pub use extended::{Counters, Extended, Services};
pub use handler::{Handler, Traffic};

use ccm_core::{Duration, Instant, Machine, Step};

use crate::FrameError;
use crate::frame::sealed::Serves;
use crate::frame::{Echo, Framing, Scan, Window};
use crate::message::REFUSED;

/// A server for one unit on one line or connection. On a serial line it is silent towards wrong checksums and other
/// units, and carries out broadcasts without a word; it never ends.
///
/// A request over RTU is what ends at a silence of 3.5 characters: noise, and other units' requests and replies before
/// it, do no harm.
#[derive(Debug)]
pub struct Server<'b, F, H> {
    framing: F,
    unit: u8,
    handler: H,
    window: Window<'b>,
    /// Where the reply stands and how long it is.
    reply: (usize, usize),
    /// How much of the reply the line has not given back yet.
    echo: usize,
    /// How many bytes have come since the last silence, for a handler that notices.
    fresh: usize,
    phase: Phase,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// Waits for a request.
    Listen,
    /// Bytes have come; they are looked at when the line has been silent.
    Hear { silent: Instant },
    /// A reply is ready.
    Send,
    /// The next poll says that its last stop bit has left.
    Sent,
    /// What the connection carries is not Modbus.
    Broken,
}

impl<'b, F: Framing, H: Handler> Server<'b, F, H> {
    /// A server for `unit` (1 to 247) that receives and answers in `buffer`, the reply behind the request: 264 bytes are
    /// enough for reads and writes over RTU, 520 for everything over RTU and TCP, 1030 for everything over ASCII.
    pub const fn new(framing: F, unit: u8, handler: H, buffer: &'b mut [u8]) -> Self {
        let window = Window::new(buffer);
        Self { framing, unit, handler, window, reply: (0, 0), echo: 0, fresh: 0, phase: Phase::Listen }
    }

    /// The device behind it.
    pub const fn handler(&mut self) -> &mut H {
        &mut self.handler
    }

    /// Looks for a request and prepares its reply.
    fn examine(&mut self, silent: bool) {
        if silent && H::NOTICES {
            self.skip_stale();
        }
        loop {
            match self.framing.scan_request(self.window.rest(), self.unit, silent) {
                Scan::Frame(length) => {
                    self.answer(length);
                    if matches!(self.phase, Phase::Send) {
                        return;
                    }
                }
                Scan::Pass(count) => {
                    self.handler.notice(Traffic::Foreign);
                    self.window.skip(count);
                }
                Scan::Skip(count) => self.window.skip(count),
                Scan::Fail(count, FrameError::Checksum) => {
                    self.handler.notice(Traffic::Garbled);
                    self.window.skip(count);
                }
                Scan::Fail(..) => {
                    self.phase = Phase::Broken;
                    return;
                }
                Scan::More => break,
            }
        }
        if silent && H::NOTICES && self.fresh > 0 && !self.window.is_done() {
            self.handler.notice(Traffic::Garbled);
        }
        self.fresh = 0;
    }

    /// What came before the last silence is kept, as an adapter may have torn a request; where what has come since is a
    /// frame by itself, it was garbage.
    fn skip_stale(&mut self) {
        let heard = self.window.rest();
        let stale = heard.len().saturating_sub(self.fresh);
        let fresh = heard.get(stale..).unwrap_or_default();
        if let Scan::Frame(_) | Scan::Pass(_) = self.framing.scan_request(fresh, self.unit, true) {
            self.window.skip(stale);
        }
    }

    /// Answers the request in the frame of so many bytes at the front, and leaves them behind.
    fn answer(&mut self, length: usize) {
        let opened = F::open(self.window.rest_mut().get_mut(..length).unwrap_or_default());
        self.window.compact();
        let reply = self.respond(opened);
        self.window.skip(length);
        if let Some(reply) = reply {
            self.reply = reply;
            self.phase = Phase::Send;
        }
    }

    /// Where the reply stands and how long it is; nothing where there is none.
    fn respond(&mut self, length: usize) -> Option<(usize, usize)> {
        let at = self.window.end();
        let (frame, free) = self.window.split(length)?;
        let header = F::header(frame)?;
        let pdu = frame.get(F::HEADER..length - F::TRAILER)?;
        let serves = F::serves(self.unit, F::unit(header));
        let is_deaf = self.handler.is_listen_only() && pdu.first() != Some(&DIAGNOSTICS);
        if serves == Serves::Ignore {
            return None;
        }
        let broadcast = serves == Serves::Broadcast;
        self.handler.notice(Traffic::Asked { broadcast });
        let room = free.get_mut(F::HEADER..)?;
        let reply = match serves {
            _ if is_deaf => None,
            Serves::Refuse => answer::refuse(pdu, crate::Exception::GatewayTargetFailed, room),
            _ => answer::answer(pdu, &mut self.handler, room),
        };
        // Before it is sealed: ASCII spells it out in digits.
        let refusal = exception(room);
        let sealed = reply.filter(|_| !broadcast).and_then(|length| F::seal_reply(free, header, length));
        self.handler.notice(match sealed {
            Some(_) => Traffic::Answered(refusal),
            None => Traffic::Unanswered,
        });
        Some((at, sealed?))
    }

    /// On a line that echoes, what was sent comes back first: gives how many of `bytes` are that.
    fn hear_echo(&mut self, bytes: &[u8]) -> usize {
        let (at, length) = self.reply;
        let owed = self.window.between(at + length - self.echo, at + length);
        let heard = owed.iter().zip(bytes).take_while(|(sent, heard)| sent == heard).count();
        self.echo = if heard < bytes.len() { 0 } else { self.echo - heard };
        heard
    }

    fn echoes(&self) -> bool {
        self.framing.serial().is_some_and(|serial| matches!(serial.echo(), Echo::Drop | Echo::Verify))
    }

    fn take(&mut self, now: Instant, bytes: &[u8]) -> usize {
        if F::STREAM || !F::SILENT {
            return self.take_frame(bytes);
        }
        let taken = self.window.push(bytes);
        self.fresh += taken;
        self.phase = Phase::Hear { silent: now + self.framing.silence() };
        taken
    }

    /// What is held of frames that carry their own ends never exceeds one, so that a reply always finds room behind it.
    fn take_frame(&mut self, bytes: &[u8]) -> usize {
        self.window.compact();
        let reply = F::on_wire(F::HEADER + 253 + F::TRAILER).min(self.window.capacity() / 2);
        let room = self.window.capacity() - reply;
        let free = room.saturating_sub(self.window.end());
        if free == 0 {
            // A frame that this buffer is too small for.
            self.window.skip(room);
        }
        let taken = self.window.push(bytes.get(..free.min(bytes.len())).unwrap_or_default());
        self.examine(false);
        taken
    }
}

impl<F: Framing, H: Handler> Machine for Server<'_, F, H> {
    fn receive(&mut self, now: Instant, bytes: &[u8]) -> usize {
        if matches!(self.phase, Phase::Send | Phase::Sent | Phase::Broken) {
            return 0;
        }
        let echo = if self.echo > 0 { self.hear_echo(bytes) } else { 0 };
        match bytes.get(echo..) {
            None | Some([]) => echo,
            Some(bytes) => echo + self.take(now, bytes),
        }
    }

    fn poll(&mut self, now: Instant) -> Step<'_> {
        match self.phase {
            Phase::Hear { silent } if now >= silent => {
                self.phase = Phase::Listen;
                self.examine(true);
            }
            Phase::Sent => {
                self.phase = Phase::Listen;
                self.echo = if self.echoes() { self.reply.1 } else { 0 };
                if F::SILENT && self.framing.silence() > Duration::ZERO {
                    self.window.clear();
                } else {
                    self.examine(F::SILENT);
                }
            }
            _ => {}
        }
        match self.phase {
            Phase::Send => {
                self.phase = Phase::Sent;
                let (at, length) = self.reply;
                Step::Send(self.window.between(at, at + length))
            }
            Phase::Hear { silent } => Step::Wait(Some(silent)),
            Phase::Listen | Phase::Sent => Step::Wait(None),
            Phase::Broken => Step::Done,
        }
    }
}

/// The exception in a reply's PDU, where it is a refusal.
fn exception(reply: &[u8]) -> Option<crate::Exception> {
    match reply {
        [code, exception, ..] if code & REFUSED != 0 => Some(crate::Exception::from_code(*exception)),
        _ => None,
    }
}

/// The function that even a device in listen-only mode obeys.
const DIAGNOSTICS: u8 = 0x08;
