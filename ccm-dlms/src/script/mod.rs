//! Dialogues of several exchanges: a [`Session`] and its scripts.
//!
//! A script says which exchange comes next, and the caller runs it. The loop is always the same; with keys it also
//! stores ceilings of the invocation counter:
//!
//! ```
//! use ccm_core::Machine;
//! use ccm_dlms::script::Script;
//! use ccm_dlms::security::SecurityError;
//! use ccm_dlms::{Client, Error, Framing};
//!
//! # trait Port { fn now(&self) -> ccm_core::Instant; fn run(&mut self, machine: &mut impl Machine); }
//! # fn write_flash(_: u32) {}
//! /// `driver` is `ccm_core::blocking::Driver` or `asynch::Driver`.
//! fn run<F: Framing>(
//!     driver: &mut impl Port,
//!     client: &mut Client<'_, F>,
//!     script: &mut impl Script,
//! ) -> Result<(), Error> {
//!     loop {
//!         match script.next(driver.now(), client) {
//!             Ok(Some(machine)) => driver.run(machine),
//!             Ok(None) => return Ok(()),
//!             Err(Error::Security(SecurityError::StoreFirst { ceiling })) => {
//!                 write_flash(ceiling); // only when that is safely done:
//!                 script.stored(ceiling);
//!             }
//!             Err(error) => return Err(error),
//!         }
//!     }
//! }
//! ```

mod answer;
mod closing;
mod error;
mod opening;
mod profile;
mod session;
mod settings;
mod task;
mod transfer;
mod unprotected;

use core::fmt;

use ccm_core::Instant;
use ccm_core::crypto::Crypto;

pub use closing::Closing;
pub use error::SessionError;
pub use opening::Opening;
pub use profile::Profile;
pub use session::{Agreed, Session};
pub use settings::{Authentication, Release, Settings};
pub use transfer::{Answer, Transfer};
pub use unprotected::{NoKey, Unprotected};

use task::Task;

use crate::security::SecurityError;
use crate::{Client, Error, Framing, LinkError, Request};

/// What a script wants of the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Move {
    /// To be made.
    Connect,
    /// To exchange the APDU of so many bytes that lies in the client's buffer for its answer.
    Exchange(usize),
    /// To take a further APDU.
    Listen,
    /// To be ended.
    Disconnect,
}

/// A dialogue, exchange by exchange.
pub trait Script {
    /// Takes the outcome of the exchange before, whose answer is the first bytes of `apdu`, and writes the next request
    /// there. Before the first exchange the outcome is not looked at. Nothing when all is done, and from then on.
    ///
    /// # Errors
    /// Why the dialogue ends. Only after [`StoreFirst`](crate::security::SecurityError::StoreFirst) it goes on: store
    /// the ceiling, say so with [`stored`](Self::stored), and call again.
    fn advance(&mut self, outcome: Result<usize, LinkError>, apdu: &mut [u8]) -> Result<Option<Move>, Error>;

    /// Says that this ceiling of the own invocation counter is stored.
    fn stored(&mut self, ceiling: u32);

    /// Starts the next exchange and gives the machine to run until it is done; nothing when the dialogue is over.
    ///
    /// # Errors
    /// Those of [`advance`](Self::advance).
    fn next<'c, 'b, F: Framing>(
        &mut self,
        now: Instant,
        client: &'c mut Client<'b, F>,
    ) -> Result<Option<&'c mut Client<'b, F>>, Error> {
        let outcome = client.outcome().map(<[u8]>::len);
        let Some(wanted) = self.advance(outcome, client.apdu_mut())? else { return Ok(None) };
        let started = match wanted {
            Move::Connect => client.start(now, Request::Connect),
            Move::Exchange(length) => client.exchange(now, length),
            Move::Listen => client.start(now, Request::Listen),
            Move::Disconnect => client.start(now, Request::Disconnect),
        };
        if let Err(error) = started {
            // The outcome that the client still has is of the exchange before: nobody may take it for this one's.
            let _ = self.advance(Err(LinkError::Unfinished), &mut []);
            return Err(error.into());
        }
        Ok(Some(client))
    }
}

/// The error after which a dialogue cannot go on.
fn fatal(result: &Result<Option<Move>, Error>) -> Option<&Error> {
    let resumable = |error: &&Error| matches!(error, Error::Security(SecurityError::StoreFirst { .. }));
    result.as_ref().err().filter(|error| !resumable(error))
}

/// Sessions hold secrets and borrow buffers: scripts say no more than what they are.
macro_rules! opaque {
    ($($name:ident)*) => {$(
        impl<C: Crypto> fmt::Debug for $name<'_, '_, C> {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )*};
}

opaque! { Opening Closing Transfer Profile }
