//! What the tools print: for people, or one JSON object a line.

use std::ops::ControlFlow;

use ccm_iec62056::{Check, Error, Fault, FrameError, Identification, Mode, Sink, Value};
use serde::Serialize;

use crate::cli::stop::{Stop, print, say};

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        let tag = match error {
            Error::Timeout => "timeout",
            Error::Frame(FrameError::Checksum(_)) => "checksum",
            Error::Frame(FrameError::Key) => "key",
            Error::Frame(_) => "frame",
            Error::Refused(_) => "refused",
            Error::Repeat => "nak",
            Error::Break => "break",
            Error::Unexpected => "unexpected",
            _ => "request",
        };
        Self::failed(tag, error)
    }
}

#[derive(Serialize)]
struct IdentLine<'a> {
    ident: &'a Ident,
}

/// Who a meter is.
#[derive(Clone, Debug, Serialize)]
struct Ident {
    flag: String,
    mode: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    baud: Option<u32>,
    model: String,
}

/// One value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Entry {
    pub(super) code: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) unit: Option<String>,
    pub(super) text: String,
}

impl Entry {
    fn new(value: &Value<'_>, before: &[u8]) -> Self {
        let mut sent = [before, value.text].concat();
        if let Some(unit) = value.unit {
            sent.push(b'*');
            sent.extend(unit);
        }
        Self {
            code: text(value.address),
            value: value.decimal().map(|number| number.to_string()),
            unit: value.unit().map(text),
            text: text(&sent),
        }
    }
}

/// Characters as they were sent; what is no UTF-8 is replaced.
pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Prints telegrams. What may yet turn out to be wrong is kept back until it has not.
#[derive(Debug)]
pub(super) struct Printer {
    json: bool,
    pushes: bool,
    ident: Option<Ident>,
    /// Not sure yet.
    entries: Vec<Entry>,
    /// Pieces of a long value.
    pieces: Vec<u8>,
    /// How much memory that takes, about.
    kept: usize,
    set: bool,
    sets: u32,
    sure_sets: u32,
    stopped: Result<(), Stop>,
}

impl Printer {
    /// `pushes` where nobody asked the meter.
    pub(super) const fn new(json: bool, pushes: bool) -> Self {
        Self {
            json,
            pushes,
            ident: None,
            entries: Vec::new(),
            pieces: Vec::new(),
            kept: 0,
            set: false,
            sets: 0,
            sure_sets: 0,
            stopped: Ok(()),
        }
    }

    /// Prints all that is kept back.
    pub(super) fn release(&mut self) {
        (self.sure_sets, self.kept) = (self.sets, 0);
        if self.stopped.is_ok() {
            self.stopped = self.print();
        }
    }

    /// Prints what came of the telegram; gives whether its checksum is not wrong.
    pub(super) fn finish(&mut self, check: Check) -> Result<bool, Stop> {
        self.finish_with(check, self.sets, "data sets")
    }

    /// The same with another count, of what is called so.
    pub(super) fn finish_with(&mut self, check: Check, sets: u32, called: &str) -> Result<bool, Stop> {
        self.release();
        std::mem::replace(&mut self.stopped, Ok(()))?;
        let word = word(check);
        match self.json {
            true => print(&serde_json::json!({"end": {"check": word, "sets": sets}}))?,
            false => say(&format!("{sets} {called}, checksum: {word}"))?,
        }
        Ok(!check.is_wrong())
    }

    fn print(&mut self) -> Result<(), Stop> {
        if let Some(ident) = self.ident.take() {
            match self.json {
                true => print(&IdentLine { ident: &ident })?,
                false => say(&ident.line())?,
            }
        }
        for entry in self.entries.drain(..) {
            match self.json {
                true => print(&entry)?,
                false => say(&entry.line())?,
            }
        }
        Ok(())
    }
}

impl Ident {
    fn line(&self) -> String {
        let Self { flag, mode, baud, model } = self;
        let baud = baud.map_or(String::new(), |baud| format!(", offers {baud} baud"));
        format!("{flag} {model} (mode {mode}{baud})")
    }
}

impl Entry {
    fn line(&self) -> String {
        let unit = self.unit.as_deref().unwrap_or_default();
        match &self.value {
            Some(value) => format!("  {:<18} {value:>16} {unit}", self.code).trim_end().into(),
            None => format!("  {:<18} {:>16}", self.code, self.text),
        }
    }
}

/// What the end of a telegram says of it.
pub(super) const fn word(check: Check) -> &'static str {
    match check {
        Check::None => "none",
        check if check.is_wrong() => "wrong",
        _ => "ok",
    }
}

impl Sink for Printer {
    fn identification(&mut self, identification: &Identification<'_>) {
        let mode = if self.pushes { Mode::D } else { identification.mode() };
        self.ident = Some(Ident {
            flag: text(&identification.flag),
            mode: match mode {
                Mode::A => "A",
                Mode::B => "B",
                Mode::C => "C",
                Mode::D => "D",
                Mode::E => "E",
            },
            baud: identification.baud(),
            model: text(identification.model).trim_end().into(),
        });
    }

    fn value(&mut self, value: &Value<'_>) -> ControlFlow<()> {
        self.set = true;
        self.kept += size_of::<Entry>() + value.text.len();
        if self.kept > MOST {
            // An end that never comes must not cost all memory.
            self.stopped = Err(Stop::failed("frame", "what comes has no end: no meter says so much"));
            return ControlFlow::Break(());
        }
        if value.more {
            self.pieces.extend(value.text);
        } else {
            self.entries.push(Entry::new(value, &self.pieces));
            self.pieces.clear();
        }
        if self.stopped.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }

    fn end_set(&mut self) -> ControlFlow<()> {
        self.sets += u32::from(std::mem::take(&mut self.set));
        ControlFlow::Continue(())
    }

    fn fault(&mut self, fault: Fault) {
        self.pieces.clear();
        tracing::warn!("a data set is lost: {fault}");
    }

    fn accepted(&mut self) {
        self.release();
    }

    fn rejected(&mut self) {
        self.entries.clear();
        self.pieces.clear();
        (self.sets, self.set, self.kept) = (self.sure_sets, false, 0);
    }
}

/// What is kept back at most: a load profile of a year with all its channels is less.
const MOST: usize = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_telegram_without_an_end_does_not_cost_all_memory() {
        let mut printer = Printer::new(true, true);
        let piece = Value {
            address: b"96.13.0",
            group: 0,
            text: &[b'3'; 192],
            unit: None,
            continues: false,
            more: true,
        };
        let count = (0..1_000_000).take_while(|_| printer.value(&piece).is_continue()).count();
        assert!((1000..400_000).contains(&count), "{count}");
        assert!(matches!(printer.finish(Check::None), Err(Stop::Failed { error: "frame", .. })));
    }
}
