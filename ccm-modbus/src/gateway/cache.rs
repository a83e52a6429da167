//! Values that are still fresh enough for the next who asks the same.

use ccm_core::{Duration, Instant};

use super::MAX_PDU;
use crate::Frame;

/// The last `N` values that were read.
#[derive(Debug)]
pub(super) struct Cache<const N: usize> {
    values: [Value; N],
}

#[derive(Clone, Copy, Debug)]
struct Value {
    /// 0, which nobody can be read as, where there is no value.
    unit: u8,
    request: [u8; 5],
    /// When the request left the queue: the value is younger.
    at: Instant,
    length: usize,
    pdu: [u8; MAX_PDU],
}

impl<const N: usize> Cache<N> {
    pub(super) const EMPTY: Self = Self {
        values: [Value { unit: 0, request: [0; 5], at: Instant::ZERO, length: 0, pdu: [0; MAX_PDU] }; N],
    };

    /// The place of the value that answers this request and is not older than `limit`.
    pub(super) fn find(&self, frame: &Frame<'_>, now: Instant, limit: Duration) -> Option<usize> {
        let fits = |value: &Value| value.unit == frame.unit && value.request == frame.pdu;
        self.values.iter().position(|value| fits(value) && now.since(value.at) < limit)
    }

    /// The PDU of the value at this place.
    pub(super) fn pdu(&self, index: usize) -> &[u8] {
        self.values.get(index).and_then(|value| value.pdu.get(..value.length)).unwrap_or_default()
    }

    /// Keeps a value in place of an older one of the same, or of the oldest.
    pub(super) fn keep(&mut self, unit: u8, request: [u8; 5], at: Instant, pdu: &[u8]) {
        let age = |value: &&mut Value| {
            let is_same = value.unit == unit && value.request == request;
            (!is_same, value.unit != 0, value.at)
        };
        let Some(value) = self.values.iter_mut().min_by_key(age) else { return };
        if let Some(slot) = value.pdu.get_mut(..pdu.len()) {
            slot.copy_from_slice(pdu);
            (value.unit, value.request, value.at, value.length) = (unit, request, at, pdu.len());
        }
    }

    /// Forgets what is known of a unit; 0 is all of them.
    pub(super) fn drop_unit(&mut self, unit: u8) {
        let known = self.values.iter_mut().filter(|value| unit == 0 || value.unit == unit);
        known.for_each(|value| value.unit = 0);
    }
}
