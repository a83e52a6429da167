//! Dialogues of several exchanges: each script says the next request, and the caller runs it.
//!
//! ```
//! use ccm_core::{Instant, Machine, Step};
//! use ccm_iec62056::script::Reading;
//! use ccm_iec62056::{Client, Policy, Response};
//!
//! // What a meter says to each message, in place of a port and a driver.
//! let answers: [&[u8]; 2] = [b"/CCM0SIM\r\n", b"\x021.8.0(000123.4*kWh)\r\n!\r\n\x03\x7e"];
//! let mut answers = answers.into_iter();
//!
//! let policy = Policy::default();
//! let mut buffer = [0; 64];
//! let mut client = Client::new(policy, (), &mut buffer);
//! let mut script = Reading::new(&policy, b"");
//! let mut request = script.next(None)?;
//! let mut now = Instant::ZERO;
//! while let Some(next) = request {
//!     client.start(now, next)?;
//!     loop {
//!         match client.poll(now) {
//!             Step::Send(_) => { client.poll(now); client.receive(now, answers.next().unwrap()); }
//!             Step::Wait(Some(until)) => now = until,
//!             Step::Wait(None) | Step::SetLine(_) => {}
//!             Step::Done => break,
//!         }
//!     }
//!     request = script.next(Some(client.outcome()))?;
//! }
//! assert!(matches!(client.outcome()?, Response::Data { sets: 1, whole: true, check, .. } if check.is_right()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod challenge;
mod programming;

pub use challenge::{Answer, Challenge, Dzg, Elster, NoPassword, Plain};
use heapless::Vec;
pub use programming::Programming;

use crate::message::{baud, speed};
use crate::{Error, Identification, Mode, Policy, Request, Response, Select};

/// Signs on and reads all that the meter shows, in whatever mode it offers; or goes over to mode E.
#[derive(Clone, Debug)]
pub struct Reading<'a> {
    policy: Policy,
    table: u8,
    address: &'a [u8],
    goal: Goal,
    identification: Vec<u8, IDENTIFICATION>,
    step: Step,
}

/// What the acknowledgement asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goal {
    Readout,
    Programming,
    Binary,
    /// V and Y as somebody says.
    Custom(u8, u8),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Start,
    SignOn,
    Data,
}

impl<'a> Reading<'a> {
    /// A readout of the meter at `address`; of the only meter there is, where that is empty.
    pub const fn new(policy: &Policy, address: &'a [u8]) -> Self {
        Self {
            policy: *policy,
            table: b'?',
            address,
            goal: Goal::Readout,
            identification: Vec::new(),
            step: Step::Start,
        }
    }

    /// Asks for another table: `/1!` to `/4!` in place of `/?!` (EMH).
    pub const fn with_table(mut self, table: u8) -> Self {
        self.table = table;
        self
    }

    /// Chooses this protocol and option (V and Y) in place of a readout's `0` and `0` (APA: `2` and `6`).
    pub const fn with_option(mut self, protocol: u8, option: u8) -> Self {
        self.goal = Goal::Custom(protocol, option);
        self
    }

    /// Goes over to mode E: ends with [`Response::Binary`].
    pub const fn binary(mut self) -> Self {
        self.goal = Goal::Binary;
        self
    }

    pub(crate) const fn programming(mut self) -> Self {
        self.goal = Goal::Programming;
        self
    }

    /// What the meter said it is; nothing before it did.
    pub fn identification(&self) -> Option<Identification<'_>> {
        Identification::parse(&self.identification)
    }

    /// Takes what the exchange before brought and says the next; nothing when all is done.
    ///
    /// # Errors
    /// What the exchange before failed with, and [`Error::Unexpected`] where the meter cannot do what is wanted.
    pub fn next(
        &mut self,
        outcome: Option<Result<Response<'_>, Error>>,
    ) -> Result<Option<Request<'a>>, Error> {
        let outcome = outcome.transpose()?;
        match (self.step, outcome) {
            (Step::Start, _) => {
                self.step = Step::SignOn;
                Ok(Some(Request::SignOn { table: self.table, address: self.address }))
            }
            (Step::SignOn, Some(Response::Identification(identification))) => {
                self.remember(&identification);
                self.step = Step::Data;
                self.follow(&identification).map(Some)
            }
            (Step::Data, _) => Ok(None),
            (Step::SignOn, _) => Err(Error::Unexpected),
        }
    }

    fn remember(&mut self, identification: &Identification<'_>) {
        let Identification { flag, speed, escapes, model } = identification;
        self.identification.clear();
        for part in [flag.as_slice(), &[*speed], escapes, model] {
            let _ = self.identification.extend_from_slice(part);
        }
    }

    fn follow(&self, identification: &Identification<'_>) -> Result<Request<'a>, Error> {
        let (protocol, option) = match (self.goal, identification.mode()) {
            (Goal::Readout | Goal::Custom(..), Mode::A) => return Ok(Request::Listen { baud: None }),
            (Goal::Readout | Goal::Custom(..), Mode::B) => {
                return Ok(Request::Listen { baud: identification.baud() });
            }
            (Goal::Binary, Mode::E) => (b'2', b'2'),
            (Goal::Binary, _) | (Goal::Programming, Mode::A | Mode::B) => return Err(Error::Unexpected),
            (Goal::Readout, _) => (b'0', b'0'),
            (Goal::Programming, _) => (b'0', b'1'),
            (Goal::Custom(protocol, option), _) => (protocol, option),
        };
        Ok(Request::Select(Select { protocol, speed: chosen(&self.policy, identification.speed), option }))
    }
}

/// The speed to choose: the one offered, or the one the dialogue began with, and never another.
fn chosen(policy: &Policy, offered: u8) -> u8 {
    let takes = match (policy.fixed_baud, baud(offered)) {
        (Some(fixed), _) => speed(fixed) == Some(offered),
        (None, Some(baud)) => baud <= policy.max_baud,
        (None, None) => false,
    };
    if takes { offered } else { b'0' }
}

/// As long as the decoder takes for an identification.
const IDENTIFICATION: usize = 64;
