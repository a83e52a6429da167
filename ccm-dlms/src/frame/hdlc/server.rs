//! The meter's side of a link.

use ccm_core::{Duration, Instant, Writer};

use super::decoder::Window;
use super::incoming::{Incoming, RESPONSE, Turn};
use super::outgoing::Outgoing;
use super::{Address, Control, Frame, OVERHEAD, Parameters, Unnumbered, Width};
use crate::frame::{Buffer, Event, RequestError, Serving};

/// A meter on a serial line: one link at a time, to whichever client asked last.
///
/// A request that comes twice is answered twice and handed out once.
#[derive(Debug)]
pub struct Station<'b> {
    address: Address,
    proposed: Parameters,
    quirks: Quirks,
    inactivity: Duration,
    buffer: Buffer<'b>,
    window: Window,
    /// The client that the link is to.
    client: Option<Address>,
    agreed: Parameters,
    outgoing: Outgoing,
    incoming: Incoming,
    /// Who sent the frame that is answered now, and the address that it named.
    ends: (Address, Address),
    /// The same of the frame that made the link.
    link: (Address, Address),
    heard: Instant,
    news: News,
    /// The request is handed out and has no answer yet.
    asked: bool,
    /// The client has passed on the right to send.
    polled: bool,
    reply: Reply,
    /// Frames that were sent, for the quirks that want every n-th.
    sent: u8,
    /// Bytes of the last of them.
    length: usize,
}

/// How a meter breaks the rules, for tests: real ones do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quirks {
    /// Answers have no LLC header.
    pub omits_llc: bool,
    /// UA has no information field.
    pub empty_ua: bool,
    /// Answers come from an address of another width than was asked.
    pub width: Option<Width>,
    /// Every n-th frame has a wrong check sequence; none where it is 0.
    pub spoils: u8,
    /// Every n-th frame is never sent; none where it is 0.
    pub loses: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum News {
    None,
    Connected,
    Disconnected,
    Request(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reply {
    None,
    Agree,
    Unnumbered(Unnumbered),
    /// FRMR: the control field, and the reason.
    Reject(u8, u8),
    Ready,
    NotReady,
    Again,
    Segments,
    /// Segments of a push, which nobody acknowledges.
    Push,
}

impl<'b> Station<'b> {
    /// A meter of this address with the default [`Parameters`]. `buffer` takes a frame with the longest information
    /// field, at least 128 bytes, and 17 bytes more, and behind it the longest APDU.
    pub const fn new(address: Address, buffer: &'b mut [u8]) -> Self {
        Self {
            address,
            proposed: Parameters::DEFAULT,
            quirks: Quirks { omits_llc: false, empty_ua: false, width: None, spoils: 0, loses: 0 },
            inactivity: Duration::from_secs(120),
            buffer: Buffer::new(buffer, room(&Parameters::DEFAULT)),
            window: Window::new(),
            client: None,
            agreed: Parameters::DEFAULT,
            outgoing: Outgoing::new(Parameters::DEFAULT.max_information_transmit, 1),
            incoming: Incoming::new(1),
            ends: (address, address),
            link: (address, address),
            heard: Instant::ZERO,
            news: News::None,
            asked: false,
            polled: false,
            reply: Reply::None,
            sent: 0,
            length: 0,
        }
    }

    /// Agrees with clients on these parameters at most.
    ///
    /// # Errors
    /// [`RequestError::Parameters`] where they are out of range.
    pub const fn with_parameters(mut self, parameters: Parameters) -> Result<Self, RequestError> {
        if !parameters.is_valid() {
            return Err(RequestError::Parameters);
        }
        self.proposed = parameters;
        self.buffer.set_room(room(&parameters));
        Ok(self)
    }

    /// Breaks these rules.
    pub const fn with_quirks(mut self, quirks: Quirks) -> Self {
        self.quirks = quirks;
        self
    }

    /// Ends a link on which nothing was heard for so long; never where it is zero.
    pub const fn with_inactivity(mut self, inactivity: Duration) -> Self {
        self.inactivity = inactivity;
        self
    }

    /// The client that the link is to.
    pub const fn client(&self) -> Option<Address> {
        self.client
    }

    /// Goes through the frames that have come, up to one that has to be reported or answered.
    fn hear(&mut self, now: Instant) {
        while self.news == News::None && self.reply == Reply::None {
            let Self { mut window, .. } = *self;
            let (room, apdu) = self.buffer.split();
            // The frame lies in the room, what is to be done with it in the APDU: the two are borrowed apart.
            let Some(frame) = window.next_frame(room, false) else {
                self.window = window;
                return;
            };
            self.window = window;
            if let Ok(frame) = frame {
                let mut state = Hearing {
                    address: self.address,
                    proposed: &self.proposed,
                    client: &mut self.client,
                    agreed: &mut self.agreed,
                    outgoing: &mut self.outgoing,
                    incoming: &mut self.incoming,
                    ends: &mut self.ends,
                    link: &mut self.link,
                    asked: self.asked,
                    polled: &mut self.polled,
                };
                if let Some((news, reply)) = state.take(&frame, apdu) {
                    (self.news, self.reply, self.heard) = (news, reply, now);
                }
            }
        }
    }

    fn report(&mut self) -> Option<Event<'static>> {
        let (from, to) = self.ends;
        let news = core::mem::replace(&mut self.news, News::None);
        if matches!(news, News::Connected | News::Disconnected) {
            self.asked = false;
        }
        match news {
            News::None => None,
            News::Connected => Some(Event::Connected { client: from.upper() }),
            News::Disconnected => Some(Event::Disconnected),
            News::Request(length) => {
                self.asked = true;
                Some(Event::Request { client: from.upper(), server: to.upper(), length })
            }
        }
    }

    /// When the link ends if nothing is heard.
    fn silent(&self) -> Option<Instant> {
        let limited = self.client.is_some() && self.inactivity > Duration::ZERO;
        limited.then(|| self.heard + self.inactivity)
    }

    fn write(&mut self) -> Result<usize, RequestError> {
        let receive = self.incoming.expected;
        let reply = core::mem::replace(&mut self.reply, Reply::None);
        let control = match reply {
            Reply::Agree => return self.write_agreement(),
            Reply::Reject(control, reason) => return self.write_reject(control, reason),
            Reply::Segments => return self.write_segment(),
            Reply::Push => return self.write_push(),
            Reply::None => return Ok(0),
            Reply::Unnumbered(kind) => Control::unnumbered(kind),
            Reply::Ready => Control::ReceiveReady { receive, poll: true },
            Reply::NotReady => Control::ReceiveNotReady { receive, poll: true },
            Reply::Again => Control::Reject { receive, poll: true },
        };
        self.emit(control, &[])
    }

    fn write_agreement(&mut self) -> Result<usize, RequestError> {
        let mut information = [0; 23];
        let mut writer = Writer::new(&mut information);
        if !self.quirks.empty_ua {
            self.agreed.emit(&mut writer)?;
        }
        self.emit(Control::unnumbered(Unnumbered::Acknowledge), writer.written())
    }

    fn write_reject(&mut self, control: u8, reason: u8) -> Result<usize, RequestError> {
        self.emit(
            Control::unnumbered(Unnumbered::FrameReject),
            &[control, self.incoming.expected << 5, reason],
        )
    }

    fn write_segment(&mut self) -> Result<usize, RequestError> {
        let receive = self.incoming.expected;
        let Some(segment) = self.outgoing.take() else {
            return self.emit(Control::ReceiveReady { receive, poll: true }, &[]);
        };
        if !segment.last {
            self.reply = Reply::Segments;
        }
        let header = if self.quirks.omits_llc { &[][..] } else { &RESPONSE };
        let control = Control::Information { send: segment.number, receive, poll: segment.last };
        let frame = self.frame(control, segment.segmented);
        let (room, apdu) = self.buffer.split();
        frame.emit_parts(segment.parts(header, apdu), room)
    }

    /// UI frames, the last of which has the final bit (Green Book 8.4.5.4.6).
    fn write_push(&mut self) -> Result<usize, RequestError> {
        let Some(segment) = self.outgoing.take() else { return Ok(0) };
        self.outgoing.acknowledge((segment.number + 1) & 7);
        if segment.segmented {
            self.reply = Reply::Push;
        }
        let header = if self.quirks.omits_llc { &[][..] } else { &RESPONSE };
        let control = Control::Unnumbered { kind: Unnumbered::Information, poll: !segment.segmented };
        let frame = self.frame(control, segment.segmented);
        let (room, apdu) = self.buffer.split();
        frame.emit_parts(segment.parts(header, apdu), room)
    }

    fn emit(&mut self, control: Control, information: &[u8]) -> Result<usize, RequestError> {
        let frame = self.frame(control, false);
        frame.emit_parts([information, &[]], self.buffer.split().0)
    }

    fn frame(&self, control: Control, segmented: bool) -> Frame<'static> {
        let (destination, asked) = self.ends;
        let source = self.quirks.width.map_or(asked, |width| self.address.resized(width));
        Frame { destination, source, control, segmented, information: &[] }
    }
}

impl Serving for Station<'_> {
    fn receive(&mut self, _now: Instant, bytes: &[u8]) -> usize {
        self.window.push(bytes, self.buffer.split().0)
    }

    fn poll(&mut self, now: Instant) -> Event<'_> {
        self.hear(now);
        if self.silent().is_some_and(|until| now >= until) {
            (self.client, self.news, self.reply) = (None, News::Disconnected, Reply::None);
        }
        if let Some(event) = self.report() {
            return event;
        }
        if self.reply == Reply::None {
            return Event::Wait(self.silent());
        }
        // A client that sends before it has its answer has lost its turn, and what it sent.
        self.window = Window::new();
        let length = self.write().unwrap_or_default();
        self.sent = self.sent.wrapping_add(1);
        if is_nth(self.sent, self.quirks.loses) {
            self.reply = Reply::None;
            return Event::Wait(self.silent());
        }
        let spoilt = is_nth(self.sent, self.quirks.spoils);
        self.length = length;
        let frame = self.buffer.whole().get_mut(..length).unwrap_or_default();
        if let Some(check) = frame.iter_mut().rev().nth(1).filter(|_| spoilt) {
            *check ^= 1;
        }
        Event::Send(frame)
    }

    fn sent(&mut self) -> &[u8] {
        self.buffer.whole().get(..self.length).unwrap_or_default()
    }

    fn apdu_mut(&mut self) -> &mut [u8] {
        self.buffer.apdu_mut()
    }

    fn answer(&mut self, length: usize) {
        if !self.asked {
            return;
        }
        self.asked = false;
        self.ends = self.link; // Others may have asked meanwhile, and were told that they are not linked.
        let header = if self.quirks.omits_llc { 0 } else { RESPONSE.len() };
        self.outgoing.load(if length == 0 { 0 } else { header + length });
        if self.polled {
            self.reply = Reply::Segments;
        }
    }

    /// A meter that is linked leaves the line to its client.
    fn may_push(&self) -> bool {
        self.client.is_none() && self.reply == Reply::None && self.news == News::None
    }

    fn push(&mut self, client: u16, server: u16, length: usize) {
        let (Ok(client), true) = (u8::try_from(client), self.may_push() && length > 0) else { return };
        let lower = self.address.lower().unwrap_or_default();
        self.ends = (
            Address::client(client),
            Address::new(server, lower, self.address.width()).unwrap_or(self.address),
        );
        self.outgoing = Outgoing::new(self.proposed.max_information_transmit, 1);
        self.outgoing.load(if self.quirks.omits_llc { 0 } else { RESPONSE.len() } + length);
        self.reply = Reply::Push;
    }
}

/// What a frame changes: the station without its buffer.
struct Hearing<'a> {
    address: Address,
    proposed: &'a Parameters,
    client: &'a mut Option<Address>,
    agreed: &'a mut Parameters,
    outgoing: &'a mut Outgoing,
    incoming: &'a mut Incoming,
    ends: &'a mut (Address, Address),
    link: &'a mut (Address, Address),
    asked: bool,
    polled: &'a mut bool,
}

impl Hearing<'_> {
    /// Takes a frame in, and says what there is to report and to answer; nothing where it is not this station's.
    fn take(&mut self, frame: &Frame<'_>, apdu: &mut [u8]) -> Option<(News, Reply)> {
        let (from, to) = *self.ends;
        // Its own answer, heard again on a line that echoes.
        let own = from != to && (frame.destination, frame.source) == (from, to);
        if own || !self.address.covers(frame.destination) || is_response(frame.control) {
            return None;
        }
        *self.ends = (frame.source, frame.destination);
        *self.polled = frame.control.poll();
        let (news, reply) = match frame.control {
            Control::Unnumbered { kind: Unnumbered::SetNormalResponseMode, .. } => self.connect(frame),
            Control::Unnumbered { kind: Unnumbered::Disconnect, .. } => self.disconnect(frame),
            _ if *self.client != Some(frame.source) => {
                (News::None, Reply::Unnumbered(Unnumbered::DisconnectedMode))
            }
            control => self.transfer(control, frame, apdu),
        };
        let rejects = matches!(reply, Reply::Reject(..));
        Some((news, if *self.polled || rejects { reply } else { Reply::None }))
    }

    fn connect(&mut self, frame: &Frame<'_>) -> (News, Reply) {
        let Ok(theirs) = Parameters::parse(frame.information) else {
            return (News::None, Reply::Unnumbered(Unnumbered::DisconnectedMode));
        };
        *self.agreed = self.proposed.agree(&theirs);
        *self.client = Some(frame.source);
        *self.link = *self.ends;
        *self.outgoing = Outgoing::new(self.agreed.max_information_transmit, self.agreed.window_transmit);
        *self.incoming = Incoming::new(self.agreed.window_receive);
        (News::Connected, Reply::Agree)
    }

    fn disconnect(&mut self, frame: &Frame<'_>) -> (News, Reply) {
        if self.client.take_if(|client| *client == frame.source).is_none() {
            return (News::None, Reply::Unnumbered(Unnumbered::DisconnectedMode));
        }
        (News::Disconnected, Reply::Unnumbered(Unnumbered::Acknowledge))
    }

    fn transfer(&mut self, control: Control, frame: &Frame<'_>, apdu: &mut [u8]) -> (News, Reply) {
        let (Control::Information { receive, .. }
        | Control::ReceiveReady { receive, .. }
        | Control::ReceiveNotReady { receive, .. }
        | Control::Reject { receive, .. }) = control
        else {
            return self.reject(control, UNKNOWN);
        };
        if self.outgoing.acknowledge(receive).is_none() {
            return self.reject(control, NUMBER);
        }
        match control {
            Control::Information { send, .. } => self.information(send, frame, apdu),
            Control::ReceiveNotReady { .. } => (News::None, self.ready()),
            _ => (News::None, self.go_on()),
        }
    }

    fn information(&mut self, send: u8, frame: &Frame<'_>, apdu: &mut [u8]) -> (News, Reply) {
        if frame.information.len() > self.agreed.max_information_receive.into() {
            return self.reject(frame.control, TOO_LONG);
        }
        match self.incoming.turn(send) {
            Turn::Next if self.asked => (News::None, Reply::NotReady),
            Turn::Next => self.accept(frame, apdu),
            Turn::Repeat => (News::None, self.go_on()),
            Turn::Gap => (News::None, Reply::Again),
        }
    }

    fn accept(&mut self, frame: &Frame<'_>, apdu: &mut [u8]) -> (News, Reply) {
        self.outgoing.load(0);
        self.incoming.take(frame.information, frame.segmented, apdu);
        match self.incoming.length {
            length if length > apdu.len() => self.reject(frame.control, TOO_LONG),
            _ if frame.segmented => (News::None, Reply::Ready),
            0 => (News::None, Reply::Ready), // No APDU is empty.
            length => (News::Request(length), Reply::None),
        }
    }

    /// What the client does not have yet, from the frame on that it expects.
    fn go_on(&mut self) -> Reply {
        self.outgoing.rewind();
        if self.asked || self.outgoing.is_done() { self.ready() } else { Reply::Segments }
    }

    const fn ready(&self) -> Reply {
        if self.asked { Reply::NotReady } else { Reply::Ready }
    }

    /// The two ends are out of step: only a new link helps.
    fn reject(&mut self, control: Control, reason: u8) -> (News, Reply) {
        *self.client = None;
        (News::Disconnected, Reply::Reject(control.byte(), reason))
    }
}

/// UA, DM, FRMR and UI are not for a station to answer.
const fn is_response(control: Control) -> bool {
    matches!(
        control,
        Control::Unnumbered {
            kind: Unnumbered::Acknowledge
                | Unnumbered::DisconnectedMode
                | Unnumbered::FrameReject
                | Unnumbered::Information,
            ..
        }
    )
}

const fn is_nth(count: u8, of: u8) -> bool {
    of > 0 && count.is_multiple_of(of)
}

/// The room for the longest frame of either direction.
const fn room(parameters: &Parameters) -> usize {
    let Parameters { max_information_transmit, max_information_receive, .. } = *parameters;
    let mut longest = Parameters::DEFAULT.max_information_transmit;
    if longest < max_information_transmit {
        longest = max_information_transmit;
    }
    if longest < max_information_receive {
        longest = max_information_receive;
    }
    longest as usize + OVERHEAD
}

/// W: the control field is none.
const UNKNOWN: u8 = 0x01;

/// Y: the information is too long.
const TOO_LONG: u8 = 0x04;

/// Z: N(R) cannot be.
const NUMBER: u8 = 0x08;
