//! The client: one exchange with a meter.

mod ear;
mod hearing;
mod phase;
mod sink;
mod talking;

pub use sink::{Sink, Wanted};

use ccm_core::{Duration, Instant, Line, Machine, Step, Writer};
use ear::Ear;
use phase::{Asked, Over, Phase};

use crate::{Decoder, Error, Identification, Policy, Request, RequestError, Response};

/// A client on one line. It remembers of its meter the speed the line has, the speed that was offered, and how fast it
/// reacts; all else is of one exchange. Data sets go to the [`Sink`].
///
/// The machine rests when [`start`](Self::start) has not been called or [`outcome`](Self::outcome) is known.
#[derive(Debug)]
pub struct Client<'b, S> {
    policy: Policy,
    ear: Ear<S>,
    decoder: Decoder,
    /// The message on the line, for repeats and for its echo.
    buffer: &'b mut [u8],
    length: usize,
    /// How much of the echo has come; nothing when no more of it is expected.
    echo: Option<usize>,
    asked: Asked,
    line: Option<Line>,
    /// The line after this exchange's message has left.
    target: Line,
    offered: u8,
    reaction: Duration,
    /// The identification is known at its CR: how long its LF is still on the line.
    line_feed: Duration,
    retries: u8,
    repeats: u8,
    /// Bytes came that were not the echo.
    noise: bool,
    phase: Phase,
    heard: Instant,
    until: Instant,
    limit: Instant,
}

impl<'b, S: Sink> Client<'b, S> {
    /// A client that keeps the message it sends in `buffer`: 64 bytes are enough for readouts, 160 for all commands.
    pub const fn new(policy: Policy, sink: S, buffer: &'b mut [u8]) -> Self {
        Self {
            policy,
            ear: Ear::new(sink),
            decoder: Decoder::new(policy.profile),
            buffer,
            length: 0,
            echo: None,
            asked: Asked::Telegram,
            line: None,
            target: policy.start(),
            offered: 0,
            reaction: SLOW,
            line_feed: Duration::ZERO,
            retries: 0,
            repeats: 0,
            noise: false,
            phase: Phase::Rest,
            heard: Instant::ZERO,
            until: Instant::ZERO,
            limit: Instant::ZERO,
        }
    }

    /// Where data sets go.
    pub const fn sink(&self) -> &S {
        &self.ear.sink
    }

    /// The same, to empty it between exchanges.
    pub const fn sink_mut(&mut self) -> &mut S {
        &mut self.ear.sink
    }

    /// How the meter is treated.
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The setting the line has by now; nothing before the first exchange.
    pub const fn line(&self) -> Option<Line> {
        self.line
    }

    /// Begins an exchange; the machine then says what to do. A [`Request::Select`] follows the exchange that brought the
    /// identification, on the same client.
    ///
    /// # Errors
    /// Only the caller's mistakes; nothing has been sent then.
    pub fn start(&mut self, now: Instant, request: Request<'_>) -> Result<(), RequestError> {
        self.phase = Phase::Rest;
        self.check(&request)?;
        let mut writer = Writer::new(self.buffer);
        request.emit(&mut writer)?;
        self.length = writer.finish();
        self.asked = Asked::of(&request);
        self.target = self.target(&request);
        self.limit = now + self.policy.limit;
        self.retries = if self.asked == Asked::Once { 0 } else { self.policy.retries };
        self.repeats = self.policy.repeats;
        self.ear.start();
        self.decoder.reset();
        self.noise = false;
        self.begin(now);
        Ok(())
    }

    /// Gives the answer, once the machine is [`Step::Done`].
    ///
    /// # Errors
    /// [`Error::Unfinished`] before that; afterwards why there is no answer.
    pub fn outcome(&self) -> Result<Response<'_>, Error> {
        let Phase::Over(over) = self.phase else { return Err(Error::Unfinished) };
        let (sets, faults) = (self.ear.count, self.ear.faults);
        Ok(match over {
            Over::Identification => {
                let identification = Identification::parse(self.ear.text());
                Response::Identification(identification.ok_or(Error::Unexpected)?)
            }
            Over::Data(check, whole) => Response::Data { check, sets, faults, whole },
            Over::Prompt(kind) => Response::Prompt { kind, seed: self.ear.text() },
            Over::Acknowledged => Response::Acknowledged,
            Over::Exited => Response::Break,
            Over::Binary(line) => Response::Binary(line),
            Over::Failed(error) => return Err(error),
        })
    }
}

impl<S: Sink> Machine for Client<'_, S> {
    fn receive(&mut self, now: Instant, bytes: &[u8]) -> usize {
        match self.phase {
            Phase::Rest | Phase::Over(_) => 0,
            Phase::Wait => {
                self.heard = now;
                self.hear(now, bytes)
            }
            _ => bytes.len(),
        }
    }

    fn poll(&mut self, now: Instant) -> Step<'_> {
        let due = now >= self.until.min(self.limit);
        match self.phase {
            Phase::WokenUp => {
                self.until = now + WAKING;
                self.phase = Phase::Pause;
            }
            Phase::Pause if due => self.phase = Phase::Send,
            Phase::Sent => {
                self.sent(now);
                if matches!(self.phase, Phase::Drain) && self.policy.switch_delay == Duration::ZERO {
                    self.phase = Phase::Switch;
                }
            }
            Phase::Drain if due => self.phase = Phase::Switch,
            Phase::Reply(short) if due => self.phase = Phase::ReplySend(short),
            Phase::ReplySent(short) => self.replied(now, short),
            Phase::Wait if due => self.expire(now),
            _ => {}
        }
        self.enter(now);
        self.step()
    }
}

/// How long a battery meter takes to be awake (annex B: 1.5 to 1.7 s).
const WAKING: Duration = Duration::from_millis(1600);

/// The time to react of a meter that has not said who it is.
const SLOW: Duration = Duration::from_millis(200);
