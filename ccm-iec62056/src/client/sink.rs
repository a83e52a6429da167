//! Where data sets go.

use core::ops::ControlFlow;

use ccm_core::Obis;

use crate::{Address, Fault, Identification, Value};

/// Takes data sets as they come. They are sure only when the exchange's outcome, or
/// [`accepted`](Self::accepted) for a partial block, says so.
pub trait Sink {
    /// A telegram begins; only meters that push say who they are here.
    fn identification(&mut self, identification: &Identification<'_>) {
        let _ = identification;
    }

    /// A value has come; `Break` ends the reading.
    fn value(&mut self, value: &Value<'_>) -> ControlFlow<()>;

    /// The data set is over; `Break` ends the reading.
    fn end_set(&mut self) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// A data set was lost.
    fn fault(&mut self, fault: Fault) {
        let _ = fault;
    }

    /// What has come since the last call is sound, as far as the meter says anything of it.
    fn accepted(&mut self) {}

    /// What has come since the last [`accepted`](Self::accepted) was wrong; it may come again.
    fn rejected(&mut self) {}
}

/// Throws everything away: for exchanges that bring no data.
impl Sink for () {
    fn value(&mut self, _value: &Value<'_>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

impl<S: Sink + ?Sized> Sink for &mut S {
    fn identification(&mut self, identification: &Identification<'_>) {
        (**self).identification(identification);
    }

    fn value(&mut self, value: &Value<'_>) -> ControlFlow<()> {
        (**self).value(value)
    }

    fn end_set(&mut self) -> ControlFlow<()> {
        (**self).end_set()
    }

    fn fault(&mut self, fault: Fault) {
        (**self).fault(fault);
    }

    fn accepted(&mut self) {
        (**self).accepted();
    }

    fn rejected(&mut self) {
        (**self).rejected();
    }
}

/// Lets through what is wanted, and has enough when all of it is there: five minutes of history at 300 Bd are not read.
#[derive(Debug)]
pub struct Wanted<'c, S> {
    codes: &'c [Obis],
    seen: u64,
    sure: u64,
    inner: S,
}

impl<'c, S: Sink> Wanted<'c, S> {
    /// Wants these codes, 64 of them at most; none means everything.
    pub fn new(codes: &'c [Obis], inner: S) -> Self {
        let codes = codes.get(..MOST).unwrap_or(codes);
        Self { codes, seen: 0, sure: 0, inner }
    }

    /// Whether all that is wanted has come.
    pub fn is_complete(&self) -> bool {
        !self.codes.is_empty() && u64::from(self.seen.count_ones()) == self.codes.len() as u64
    }

    /// What it lets through to.
    pub const fn inner(&self) -> &S {
        &self.inner
    }

    /// The same, and gives up wanting.
    pub fn into_inner(self) -> S {
        self.inner
    }

    fn place(&self, address: &[u8]) -> Option<usize> {
        let Address { obis, .. } = Address::parse(address)?;
        self.codes.iter().position(|code| code.covers(obis))
    }
}

impl<S: Sink> Sink for Wanted<'_, S> {
    fn identification(&mut self, identification: &Identification<'_>) {
        self.inner.identification(identification);
    }

    fn value(&mut self, value: &Value<'_>) -> ControlFlow<()> {
        if self.codes.is_empty() {
            return self.inner.value(value);
        }
        let Some(place) = self.place(value.address) else { return ControlFlow::Continue(()) };
        self.seen |= 1 << (place % MOST);
        self.inner.value(value)
    }

    fn end_set(&mut self) -> ControlFlow<()> {
        let inner = self.inner.end_set();
        if self.is_complete() { ControlFlow::Break(()) } else { inner }
    }

    fn fault(&mut self, fault: Fault) {
        self.inner.fault(fault);
    }

    fn accepted(&mut self) {
        self.sure = self.seen;
        self.inner.accepted();
    }

    fn rejected(&mut self) {
        self.seen = self.sure;
        self.inner.rejected();
    }
}

const MOST: usize = 64;
