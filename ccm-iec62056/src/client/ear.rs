//! What a client makes of the events it hears.

use core::ops::ControlFlow;

use heapless::Vec;

use super::Sink;
use crate::message::{Address, Identification, Value};
use crate::{Check, Event, Fault, Terminator};

/// Passes values on to the sink, and keeps of everything else what the exchange is decided by.
#[derive(Debug)]
pub(super) struct Ear<S> {
    pub(super) sink: S,
    /// The identification, the operand of a password, or the words of a refusal.
    text: Vec<u8, TEXT>,
    /// Letter and digit, where the block is a command.
    pub(super) command: Option<(u8, u8)>,
    pub(super) terminator: Terminator,
    pub(super) is_refusal: bool,
    /// The block answers another question.
    pub(super) is_foreign: bool,
    pub(super) is_truncated: bool,
    enough: bool,
    pub(super) count: u32,
    pub(super) faults: u32,
}

/// What an event means to the exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Note {
    Nothing,
    Identification,
    End(Check),
    Acknowledge,
    Repeat,
    /// The sink has enough.
    Enough,
}

impl<S: Sink> Ear<S> {
    pub(super) const fn new(sink: S) -> Self {
        Self {
            sink,
            text: Vec::new(),
            command: None,
            terminator: Terminator::Last,
            is_refusal: false,
            is_foreign: false,
            is_truncated: false,
            enough: false,
            count: 0,
            faults: 0,
        }
    }

    /// Before an exchange.
    pub(super) fn start(&mut self) {
        (self.count, self.faults) = (0, 0);
        self.text.clear();
        self.start_block();
    }

    /// Before a block; a data set may go on from the one before.
    pub(super) fn start_block(&mut self) {
        self.command = None;
        (self.is_refusal, self.is_foreign, self.is_truncated, self.enough) = (false, false, false, false);
    }

    /// What was kept.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    pub(super) fn take(&mut self, event: &Event<'_>, asked: &[u8]) -> Note {
        match *event {
            Event::Identification(line) => return self.identify(line),
            Event::Command(command) => self.command = command.first().copied().zip(command.get(1).copied()),
            Event::Value(value) => self.value(&value, asked),
            Event::EndSet { .. } => return self.end_set(),
            Event::EndBlock(terminator) => self.terminator = terminator,
            Event::End(check) => return Note::End(check),
            Event::Acknowledge => return Note::Acknowledge,
            Event::Repeat => return Note::Repeat,
            Event::Fault(fault) => self.fault(fault),
            Event::Address(_) => {}
        }
        Note::Nothing
    }

    fn value(&mut self, value: &Value<'_>, asked: &[u8]) {
        if let Some(kept) = kept(self.command, value) {
            self.is_refusal = self.command.is_none();
            self.text = Vec::from_slice(kept).unwrap_or_default();
        } else if is_foreign(asked, value.address) {
            self.is_foreign = true;
        } else if self.command.is_none() {
            self.enough |= self.sink.value(value).is_break();
        }
    }

    fn identify(&mut self, line: &[u8]) -> Note {
        let Some(identification) = Identification::parse(line) else { return Note::Nothing };
        self.text = Vec::from_slice(line).unwrap_or_default();
        self.sink.identification(&identification);
        Note::Identification
    }

    fn end_set(&mut self) -> Note {
        self.count = self.count.saturating_add(1);
        let enough = self.enough || self.sink.end_set() == ControlFlow::Break(());
        if enough && self.command.is_none() { Note::Enough } else { Note::Nothing }
    }

    fn fault(&mut self, fault: Fault) {
        self.faults = self.faults.saturating_add(1);
        self.is_truncated |= fault == Fault::Truncated;
        if fault == Fault::Restart {
            // What came of the telegram that broke off has no checksum, and never will.
            self.sink.rejected();
            self.count = 0;
        }
        self.sink.fault(fault);
    }
}

/// The operand of a password, or the words of a refusal.
fn kept<'a>(command: Option<(u8, u8)>, value: &Value<'a>) -> Option<&'a [u8]> {
    let first = value.group == 0 && value.is_whole();
    let is_refusal = command.is_none() && value.address.is_empty() && value.text.starts_with(b"ER");
    (first && (command.is_some() || is_refusal)).then_some(value.text)
}

/// Whether a set at the address `found` does not answer a question for `asked`. Many meters leave the address out.
fn is_foreign(asked: &[u8], found: &[u8]) -> bool {
    if asked.is_empty() || found.is_empty() || asked == found {
        return false;
    }
    match (Address::parse(asked), Address::parse(found)) {
        (Some(asked), Some(found)) => !asked.obis.covers(found.obis),
        _ => true,
    }
}

/// As long as an identification, or a password's operand.
const TEXT: usize = 64;
