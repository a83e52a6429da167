//! What is known of the client that is associated.

use super::{Association, Caller};

/// One association from its AARQ to its end.
#[derive(Debug)]
pub(super) struct Session {
    /// Which of the associations.
    index: Option<usize>,
    /// The third pass has come, or none is needed.
    proven: bool,
    /// A protected answer was sent.
    pub(super) has_answered: bool,
    pub(super) caller: Caller,
    /// Client and logical device of the request that is answered now.
    pub(super) asking: (u16, u16),
    /// The challenges: the meter's, and the client's.
    pub(super) own: Challenge,
    pub(super) peer: Challenge,
}

/// A challenge of up to 64 bytes.
#[derive(Debug)]
pub(super) struct Challenge {
    bytes: [u8; 64],
    length: u8,
}

impl Default for Session {
    fn default() -> Self {
        Self {
            index: None,
            proven: false,
            has_answered: false,
            caller: Caller::NOBODY,
            asking: (0, 0),
            own: Challenge::EMPTY,
            peer: Challenge::EMPTY,
        }
    }
}

impl Session {
    /// An association that stands, or does so after the third pass.
    pub(super) const fn begin(&mut self, index: usize, caller: Caller, proven: bool) {
        (self.index, self.caller, self.proven) = (Some(index), caller, proven);
    }

    pub(super) const fn is_proven(&self) -> bool {
        self.index.is_some() && self.proven
    }

    /// Waits for the third pass.
    pub(super) const fn is_pending(&self) -> bool {
        self.index.is_some() && !self.proven
    }

    pub(super) const fn prove(&mut self) {
        self.proven = true;
    }

    /// The client did not prove who it is.
    pub(super) const fn give_up(&mut self) {
        self.index = None;
    }

    /// Whether the client that asks now is the one that is associated.
    pub(super) const fn is_asking(&self) -> bool {
        self.index.is_some() && self.caller.client == self.asking.0
    }

    pub(super) fn association<'s, 'a, K>(
        &self,
        associations: &'s mut [Association<'a, K>],
    ) -> Option<&'s mut Association<'a, K>> {
        associations.get_mut(self.index?)
    }
}

impl Challenge {
    const EMPTY: Self = Self { bytes: [0; 64], length: 0 };

    /// Keeps a challenge; one that is too long is kept as none, which no mechanism takes.
    pub(super) fn new(challenge: &[u8]) -> Self {
        let mut kept = Self::EMPTY;
        let Ok(length @ ..=64) = u8::try_from(challenge.len()) else { return kept };
        kept.length = length;
        kept.bytes.iter_mut().zip(challenge).for_each(|(slot, byte)| *slot = *byte);
        kept
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }
}
