//! Links: how an APDU gets from one side to the other, over HDLC or the wrapper.

mod buffer;
mod error;
mod fcs;
pub mod hdlc;
pub mod wrapper;

use ccm_core::{Duration, Instant};

pub(crate) use buffer::{Buffer, discard_front};
pub use error::{FrameError, LinkError, RequestError};

/// What carries APDUs: [`Hdlc`](hdlc::Hdlc) or [`Wrapper`](wrapper::Wrapper). Knows the link's addresses and its state.
///
/// Sealed: the two are all there are, and what they share is not an interface to build upon.
pub trait Framing: sealed::Framing {}

impl<F: sealed::Framing> Framing for F {}

/// How patient a client is with a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Policy {
    /// How long the answer to a frame may take until it begins. Its own length on the line comes on top.
    pub timeout: Duration,
    /// How often in a row an unanswered or unusable frame is tried again, over HDLC; the wrapper repeats nothing.
    pub retries: u8,
    /// How long a busy server is left alone until it is asked again.
    pub pause: Duration,
    /// How often in a row a busy server is asked again.
    pub polls: u16,
    /// After a bad frame, how long the line must be silent until the server is asked to repeat it.
    pub silence: Duration,
}

impl Policy {
    /// Two seconds, two retries, 300 polls of 100 ms each, a quarter of a second of silence.
    pub const DEFAULT: Self = Self {
        timeout: Duration::from_secs(2),
        retries: 2,
        pause: Duration::from_millis(100),
        polls: 300,
        silence: Duration::from_millis(250),
    };
}

impl Default for Policy {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What a client is to do with its link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Connect,
    /// Send the APDU of so many bytes that lies in the buffer, and take the answer in its place.
    Exchange(usize),
    /// Take a further APDU without sending any.
    Listen,
    Disconnect,
}

/// What a link wants next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// To send a frame.
    Send,
    /// To hear more before the deadline.
    Hear,
    /// To hear more, but not for long: a bad frame has come, and nothing more may come.
    HearOn,
    /// To send a frame, when the server has had a pause.
    Pause,
    /// Nothing more: the outcome is known.
    Over,
}

/// What a meter's side of a link asks of its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Event<'a> {
    /// Send these bytes and poll again when the last stop bit has left.
    Send(&'a [u8]),
    /// A client has made a link: no association is left of any earlier one.
    Connected {
        /// The client's address.
        client: u16,
    },
    /// The link has ended: the client ended it, was silent for too long, or is out of step.
    Disconnected,
    /// A request has come; it is the first `length` bytes of `apdu_mut`. Answer with `answer`.
    Request {
        /// The client's address.
        client: u16,
        /// The logical device it wants.
        server: u16,
        /// Bytes of the request.
        length: usize,
    },
    /// Offer bytes as they come, and poll at this time at the latest.
    Wait(Option<Instant>),
}

/// The meter's side of a link: [`Station`](hdlc::Station) or [`Service`](wrapper::Service).
///
/// Poll until [`Event::Wait`]; then offer bytes as they come and poll again after each offer. The rules of
/// [`Machine`](ccm_core::Machine) hold.
pub trait Serving {
    /// Takes bytes from the line and says how many.
    fn receive(&mut self, now: Instant, bytes: &[u8]) -> usize;

    /// What to do next.
    fn poll(&mut self, now: Instant) -> Event<'_>;

    /// What [`Event::Send`] gave last, until bytes are offered again: for owners that cannot keep the borrow, or that send
    /// it twice.
    fn sent(&mut self) -> &[u8];

    /// The request, and the room for its answer.
    fn apdu_mut(&mut self) -> &mut [u8];

    /// Answers the request with the first `length` bytes of [`apdu_mut`](Self::apdu_mut); 0 where there is no answer.
    fn answer(&mut self, length: usize);

    /// Whether something may be sent unasked: nobody is being answered, and no request is on its way.
    fn may_push(&self) -> bool;

    /// Sends the first `length` bytes of [`apdu_mut`](Self::apdu_mut) unasked, from the logical device `server`; does
    /// nothing while it [may not](Self::may_push).
    fn push(&mut self, client: u16, server: u16, length: usize);
}

pub(crate) mod sealed {
    use ccm_core::Duration;

    use super::{Buffer, LinkError, Next, Order, Policy, RequestError};

    pub trait Framing {
        /// Bytes of the buffer that frames need beside the APDU.
        fn room(&self) -> usize;

        /// Begins an exchange.
        fn begin(
            &mut self,
            order: Order,
            policy: &Policy,
            buffer: &mut Buffer<'_>,
        ) -> Result<Next, RequestError>;

        /// The next frame to send.
        fn emit<'a>(&mut self, buffer: &'a mut Buffer<'_>) -> &'a [u8];

        /// A frame has left.
        fn sent(&mut self) -> Next;

        /// How long the longest answer lasts on the line.
        fn longest(&self) -> Duration;

        /// Takes bytes while nobody waits for any.
        fn discard(&mut self, bytes: &[u8]) -> usize;

        /// Takes bytes, and looks through all that have come.
        fn receive(&mut self, bytes: &[u8], buffer: &mut Buffer<'_>) -> (usize, Next);

        /// The deadline has passed.
        fn expire(&mut self, buffer: &mut Buffer<'_>) -> Next;

        /// The length of the APDU that lies in the buffer, or why there is none.
        fn outcome(&self) -> Result<usize, LinkError>;

        /// The exchange is given up half-way.
        fn abandon(&mut self);
    }
}
