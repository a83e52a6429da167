//! The client's side of a link (Green Book 8.4.5; normal response mode, the client polls).

use ccm_core::{Duration, Line, Writer};

use super::decoder::Window;
use super::incoming::{COMMAND, Incoming, Turn};
use super::outgoing::Outgoing;
use super::{Address, Control, Frame, OVERHEAD, Parameters, Unnumbered};
use crate::frame::{Buffer, FrameError, LinkError, Next, Order, Policy, RequestError, sealed};

/// A link between a client and a server on a serial line.
///
/// Losses are made good: after silence or a bad frame the server is polled with RR and either asks for what it lacks or
/// sends again what was lost; a request is not carried out twice. After DM, FRMR or too many losses the link counts as
/// lost, as does the association on it: connect again, which then begins with DISC.
#[derive(Clone, Debug)]
pub struct Hdlc {
    client: Address,
    server: Address,
    /// Who has agreed to the link: the server by the width that it answers with, and nobody else on the line.
    peer: Address,
    proposed: Parameters,
    /// How long a character takes.
    character: Duration,
    task: Task,
    /// The link is there.
    connected: bool,
    /// The server may hold another link to be there: DISC before SNRM.
    dirty: bool,
    outgoing: Outgoing,
    incoming: Incoming,
    max_receive: u16,
    window: Window,
    /// The next frame is an RR.
    polls: bool,
    /// The last frame was an RR.
    polled: bool,
    /// The last frame has more behind it in the same window.
    goes_on: bool,
    /// The server has sent I frames and not yet passed back the right to send.
    speaks: bool,
    /// The last frame's control field, to know its echo where both addresses are the same.
    echo: Option<u8>,
    /// What the policy allows, and what is left of it.
    allowed: Patience,
    left: Patience,
    /// The APDU's length, or why there is none, as far as it is known.
    outcome: Result<usize, LinkError>,
}

#[derive(Clone, Copy, Debug)]
struct Patience {
    retries: u8,
    polls: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Task {
    /// DISC, so that the server takes SNRM.
    Clear,
    Connect,
    Transfer,
    Disconnect,
}

impl Hdlc {
    /// A link from `client` to `server` with the default [`Parameters`], timed for 9600 Bd.
    pub const fn new(client: Address, server: Address) -> Self {
        Self {
            client,
            server,
            peer: server,
            proposed: Parameters::DEFAULT,
            character: Line::new(9600).character(),
            task: Task::Connect,
            connected: false,
            dirty: false,
            outgoing: Outgoing::new(Parameters::DEFAULT.max_information_transmit, 1),
            incoming: Incoming::new(1),
            max_receive: Parameters::DEFAULT.max_information_receive,
            window: Window::new(),
            polls: false,
            polled: false,
            goes_on: false,
            speaks: false,
            echo: None,
            allowed: Patience { retries: 0, polls: 0 },
            left: Patience { retries: 0, polls: 0 },
            outcome: Err(LinkError::Unfinished),
        }
    }

    /// Proposes these parameters to the server, and takes what it makes of them. The caller's buffer must hold a frame
    /// as long as the longest of them, and never less than the default.
    pub const fn with_parameters(mut self, parameters: Parameters) -> Self {
        self.proposed = parameters;
        self
    }

    /// Allows for the time that frames last on this line.
    pub const fn with_line(mut self, line: Line) -> Self {
        self.character = line.character();
        self
    }

    /// Whether the link is there, as far as this side knows.
    pub const fn is_connected(&self) -> bool {
        self.connected
    }

    /// Bytes in the longest frame of either direction, flags included.
    fn longest_frame(&self) -> u16 {
        let Parameters { max_information_transmit, max_information_receive, .. } = self.proposed;
        // A server that negotiates nothing sends what is the default.
        let longest = max_information_transmit.max(max_information_receive);
        longest.max(Parameters::DEFAULT.max_information_receive).saturating_add(FRAME)
    }

    /// What came is no answer yet, or never: goes through all frames until one decides.
    fn hear(&mut self, buffer: &mut Buffer<'_>, last: bool) -> Next {
        let (room, apdu) = buffer.split();
        let mut next = Next::Hear;
        loop {
            let mut window = self.window;
            let frame = window.next_frame(room, last);
            self.window = window;
            match frame {
                None => return next,
                Some(Err(error)) => {
                    self.blame(error);
                    next = Next::HearOn;
                }
                Some(Ok(frame)) if self.is_answer(&frame) => match self.answer(&frame, apdu) {
                    Next::Hear => {}
                    decided => return decided,
                },
                Some(Ok(_)) => {}
            }
        }
    }

    fn is_answer(&mut self, frame: &Frame<'_>) -> bool {
        let (client, server) = (self.client, self.server);
        if (frame.source, frame.destination) == (client, server) {
            // This side's own frame, heard again: optical heads and two-wire lines do that.
            let echo = self.echo.take_if(|control| *control == frame.control.byte());
            if client != server || echo.is_some() {
                return false;
            }
        }
        let is_server = if self.connected { frame.source == self.peer } else { server.covers(frame.source) };
        let blame = if !is_server {
            let expected = if self.connected { self.peer } else { server };
            FrameError::Source { expected, found: frame.source }
        } else if !client.covers(frame.destination) {
            FrameError::Destination { expected: client, found: frame.destination }
        } else {
            return true;
        };
        self.blame(blame);
        false
    }

    fn answer(&mut self, frame: &Frame<'_>, apdu: &mut [u8]) -> Next {
        match self.task {
            Task::Clear => self.clear(frame.control),
            Task::Connect => self.connect(frame),
            Task::Transfer => self.transfer(frame, apdu),
            Task::Disconnect => self.disconnect(frame),
        }
    }

    fn clear(&mut self, control: Control) -> Next {
        match control {
            Control::Unnumbered {
                kind: Unnumbered::Acknowledge | Unnumbered::DisconnectedMode | Unnumbered::FrameReject,
                ..
            } => self.begin_connect(),
            _ => Next::Hear,
        }
    }

    fn begin_connect(&mut self) -> Next {
        self.task = Task::Connect;
        self.dirty = false;
        self.left.retries = self.allowed.retries;
        Next::Send
    }

    fn connect(&mut self, frame: &Frame<'_>) -> Next {
        let error = match frame.control {
            Control::Unnumbered { kind: Unnumbered::Acknowledge, .. } => return self.connected(frame),
            Control::Unnumbered { kind: Unnumbered::DisconnectedMode, .. } => LinkError::Disconnected,
            Control::Unnumbered { kind: Unnumbered::FrameReject, .. } => rejected(frame),
            _ => return Next::Hear,
        };
        // A server that still holds an old link may refuse a new one until the old one is ended: try that, once.
        if self.left.polls == 0 {
            return self.fail(error);
        }
        self.left.polls = 0;
        self.task = Task::Clear;
        Next::Send
    }

    fn connected(&mut self, frame: &Frame<'_>) -> Next {
        let theirs = match Parameters::parse(frame.information) {
            Ok(parameters) => parameters,
            Err(error) => return self.fail(error.into()),
        };
        let agreed = self.proposed.agree(&theirs);
        // Where echo and answer cannot be told apart by their addresses, only one frame at a time can be told from it.
        let window = if self.client == self.server { 1 } else { agreed.window_transmit };
        self.outgoing = Outgoing::new(agreed.max_information_transmit, window);
        self.incoming = Incoming::new(theirs.window_transmit);
        self.max_receive = theirs.max_information_transmit;
        self.peer = frame.source;
        self.connected = true;
        self.dirty = true;
        self.over(Ok(0))
    }

    fn disconnect(&mut self, frame: &Frame<'_>) -> Next {
        match frame.control {
            Control::Unnumbered { kind: Unnumbered::Acknowledge | Unnumbered::DisconnectedMode, .. } => {
                self.dirty = false;
                self.over(Ok(0))
            }
            Control::Unnumbered { kind: Unnumbered::FrameReject, .. } => self.fail(rejected(frame)),
            _ => Next::Hear,
        }
    }

    fn transfer(&mut self, frame: &Frame<'_>, apdu: &mut [u8]) -> Next {
        match frame.control {
            Control::Information { send, receive, poll } => {
                let known = self.acknowledge(receive);
                self.information(known, send, poll, frame, apdu)
            }
            Control::ReceiveReady { receive, poll } => {
                self.acknowledge(receive).map_or(Next::Hear, |news| self.ready(news, poll))
            }
            Control::ReceiveNotReady { receive, poll } => match self.acknowledge(receive) {
                Some(_) if poll => self.pause(),
                _ => Next::Hear,
            },
            Control::Reject { receive, .. } => {
                self.acknowledge(receive).map_or(Next::Hear, |news| self.repeat(news))
            }
            Control::Unnumbered { kind: Unnumbered::DisconnectedMode, .. } => {
                let over = self.fail(LinkError::Disconnected);
                self.dirty = false;
                over
            }
            Control::Unnumbered { kind: Unnumbered::FrameReject, .. } => self.fail(rejected(frame)),
            Control::Unnumbered { .. } => Next::Hear, // A UA that was late, or a push.
        }
    }

    /// Takes in what the server says it has; whether that is news, or nothing where it cannot be.
    fn acknowledge(&mut self, receive: u8) -> Option<bool> {
        let news = self.outgoing.acknowledge(receive);
        match news {
            Some(true) => self.progress(),
            Some(false) => {}
            None => self.blame(FrameError::Sequence),
        }
        news
    }

    fn progress(&mut self) {
        self.left = self.allowed;
        self.outcome = Err(LinkError::Timeout);
    }

    /// RR.
    fn ready(&mut self, news: bool, poll: bool) -> Next {
        if !poll {
            return Next::Hear;
        }
        if self.outgoing.is_done() {
            return self.pause(); // It has the request and no answer yet.
        }
        if !news && !self.polled && !self.outgoing.is_several() {
            // Nobody answers a frame by not having it: this answers an earlier poll, and its server is still at work.
            return Next::Hear;
        }
        if self.polled {
            self.outgoing.rewind(); // The poll was the retry.
            return Next::Send;
        }
        self.repeat(news)
    }

    /// Sends all that the server lacks.
    fn repeat(&mut self, news: bool) -> Next {
        self.outgoing.rewind();
        if news { Next::Send } else { self.again() }
    }

    fn information(
        &mut self,
        known: Option<bool>,
        send: u8,
        poll: bool,
        frame: &Frame<'_>,
        apdu: &mut [u8],
    ) -> Next {
        // The answer takes the request's place, so all of the request must have come.
        if known.is_none() || !self.outgoing.is_done() {
            self.blame(FrameError::Sequence);
            return Next::Hear;
        }
        match self.incoming.turn(send) {
            Turn::Next => self.accept(poll, frame, apdu),
            Turn::Repeat => Next::Hear, // Late, or sent twice: its like was taken, and the one to come may be on its way.
            Turn::Gap => {
                self.blame(FrameError::Sequence);
                if poll { self.poll() } else { Next::Hear }
            }
        }
    }

    fn accept(&mut self, poll: bool, frame: &Frame<'_>, apdu: &mut [u8]) -> Next {
        self.progress();
        self.speaks = !poll;
        self.incoming.take(frame.information, frame.segmented, apdu);
        let (needed, room) = (self.incoming.length, apdu.len());
        match frame.segmented {
            // What does not fit is heard to its end, so that the link lives on; but nobody sends for ever.
            true if needed > LONGEST => self.fail(LinkError::Overflow { needed, room }),
            true if poll => {
                self.polls = true;
                Next::Send
            }
            true => Next::Hear,
            // No APDU is empty: that was no answer yet.
            false if needed == 0 && poll => self.pause(),
            false if needed == 0 => Next::Hear,
            false if needed > room => self.over(Err(LinkError::Overflow { needed, room })),
            false => self.over(Ok(needed)),
        }
    }

    /// The server is there and not ready.
    fn pause(&mut self) -> Next {
        let Some(left) = self.left.polls.checked_sub(1) else { return self.fail(LinkError::Busy) };
        self.left.polls = left;
        self.polls = true;
        Next::Pause
    }

    /// Asks the server what it has and lacks.
    fn poll(&mut self) -> Next {
        self.polls = true;
        self.again()
    }

    fn again(&mut self) -> Next {
        let Some(left) = self.left.retries.checked_sub(1) else { return self.lose() };
        self.left.retries = left;
        Next::Send
    }

    fn fail(&mut self, error: LinkError) -> Next {
        self.outcome = Err(error);
        self.lose()
    }

    fn lose(&mut self) -> Next {
        self.dirty |= self.connected;
        self.connected = false;
        Next::Over
    }

    fn over(&mut self, outcome: Result<usize, LinkError>) -> Next {
        self.outcome = outcome;
        Next::Over
    }

    /// This may be why there will be no answer.
    fn blame(&mut self, error: FrameError) {
        self.outcome = Err(LinkError::Frame(error));
    }

    fn write(&mut self, buffer: &mut Buffer<'_>) -> Result<usize, RequestError> {
        let (room, apdu) = buffer.split();
        match self.task {
            Task::Clear | Task::Disconnect => self.command(Unnumbered::Disconnect, &[], room),
            Task::Connect => self.write_snrm(room),
            Task::Transfer => self.write_transfer(room, apdu),
        }
    }

    fn command(
        &mut self,
        kind: Unnumbered,
        information: &[u8],
        room: &mut [u8],
    ) -> Result<usize, RequestError> {
        self.frame(Control::unnumbered(kind), false).emit_parts([information, &[]], room)
    }

    /// The defaults need not be told.
    fn write_snrm(&mut self, room: &mut [u8]) -> Result<usize, RequestError> {
        let mut information = [0; 23];
        let mut writer = Writer::new(&mut information);
        if self.proposed != Parameters::DEFAULT {
            self.proposed.emit(&mut writer)?;
        }
        self.command(Unnumbered::SetNormalResponseMode, writer.written(), room)
    }

    fn write_transfer(&mut self, room: &mut [u8], apdu: &[u8]) -> Result<usize, RequestError> {
        let receive = self.incoming.expected;
        self.goes_on = false;
        self.polled = true;
        let segment = if self.polls { None } else { self.outgoing.take() };
        self.polls = false;
        let Some(segment) = segment else {
            return self.frame(Control::ReceiveReady { receive, poll: true }, false).emit(room);
        };
        self.polled = false;
        self.goes_on = !segment.last;
        let control = Control::Information { send: segment.number, receive, poll: segment.last };
        self.frame(control, segment.segmented).emit_parts(segment.parts(&COMMAND, apdu), room)
    }

    fn frame(&mut self, control: Control, segmented: bool) -> Frame<'static> {
        self.echo = Some(control.byte());
        Frame { destination: self.server, source: self.client, control, segmented, information: &[] }
    }

    fn check(&self, buffer: &Buffer<'_>) -> Result<(), RequestError> {
        if !self.proposed.is_valid() {
            return Err(RequestError::Parameters);
        }
        if buffer.capacity() == 0 {
            return Err(RequestError::Buffer { needed: buffer.needed(1) });
        }
        Ok(())
    }

    fn begin_transfer(&mut self, length: usize) -> Result<Next, RequestError> {
        if !self.connected {
            return Err(RequestError::NotConnected);
        }
        self.task = Task::Transfer;
        self.incoming.clear();
        self.outgoing.load(length);
        (self.polls, self.polled) = (length == 0, false);
        Ok(Next::Send)
    }
}

impl sealed::Framing for Hdlc {
    fn room(&self) -> usize {
        self.longest_frame().into()
    }

    fn begin(
        &mut self,
        order: Order,
        policy: &Policy,
        buffer: &mut Buffer<'_>,
    ) -> Result<Next, RequestError> {
        self.check(buffer)?;
        self.allowed = Patience { retries: policy.retries, polls: policy.polls };
        self.progress();
        match order {
            Order::Connect => {
                self.task = if self.dirty { Task::Clear } else { Task::Connect };
                self.connected = false;
                // The one DISC that a refused SNRM may cost.
                self.left.polls = u16::from(!self.dirty);
                Ok(Next::Send)
            }
            Order::Exchange(length) => self.begin_transfer(COMMAND.len() + length),
            Order::Listen => {
                let next = self.begin_transfer(0)?;
                // What the server still sends without having been asked again may lie there already.
                Ok(if self.speaks { self.hear(buffer, false) } else { next })
            }
            Order::Disconnect if self.connected || self.dirty => {
                self.task = Task::Disconnect;
                self.connected = false;
                Ok(Next::Send)
            }
            Order::Disconnect => Ok(self.over(Ok(0))),
        }
    }

    fn emit<'a>(&mut self, buffer: &'a mut Buffer<'_>) -> &'a [u8] {
        // The room was made for the longest frame; were it too short, nothing would be sent and nothing answered.
        let length = self.write(buffer).unwrap_or_default();
        self.window = Window::new();
        self.speaks = false;
        buffer.whole().get(..length).unwrap_or_default()
    }

    fn sent(&mut self) -> Next {
        if self.task == Task::Transfer && self.goes_on { Next::Send } else { Next::Hear }
    }

    fn longest(&self) -> Duration {
        let frames = if self.task == Task::Transfer { self.proposed.window_receive } else { 1 };
        self.character.saturating_mul(u32::from(self.max_receive + FRAME) * u32::from(frames))
    }

    /// Whatever was lost with it comes again.
    fn discard(&mut self, bytes: &[u8]) -> usize {
        bytes.len()
    }

    fn receive(&mut self, bytes: &[u8], buffer: &mut Buffer<'_>) -> (usize, Next) {
        let (room, _) = buffer.split();
        let taken = self.window.push(bytes, room);
        (taken, self.hear(buffer, false))
    }

    fn expire(&mut self, buffer: &mut Buffer<'_>) -> Next {
        match self.hear(buffer, true) {
            Next::Hear | Next::HearOn => {}
            decided => return decided,
        }
        match self.task {
            Task::Clear => self.begin_connect(), // It may have no link to end, and no wish to say so.
            Task::Connect | Task::Disconnect => self.again(),
            Task::Transfer => self.poll(),
        }
    }

    fn outcome(&self) -> Result<usize, LinkError> {
        self.outcome
    }

    fn abandon(&mut self) {
        self.lose();
    }
}

/// What FRMR says: the rejected control field, the numbers, and the reason (ISO/IEC 13239 5.5.3.4.2).
fn rejected(frame: &Frame<'_>) -> LinkError {
    let mut bytes = frame.information.iter().copied();
    let control = bytes.next().unwrap_or_default();
    let reason = bytes.nth(1).unwrap_or_default() & 0x0F;
    LinkError::Rejected { control, reason }
}

/// Flags, format, addresses, control and check sequences.
#[expect(clippy::cast_possible_truncation, reason = "it is 17")]
const FRAME: u16 = OVERHEAD as u16;

/// No APDU is longer.
const LONGEST: usize = 0x10_0000;
