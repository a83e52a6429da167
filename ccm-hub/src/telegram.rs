//! What a meter has said, as far as its map wants it.

use core::ops::ControlFlow;

use ccm_iec62056::{Identification, Sink, Value};
use ccm_registry::{CodePoint, Form, MOST_CODES, Map, Said, Unit};
use heapless::{String, Vec};

/// Keeps of a telegram what a map has codes for. What is rejected, because its checksum is wrong, is forgotten.
#[derive(Debug)]
pub struct Telegram {
    map: &'static Map<'static>,
    said: Vec<Said, MOST_CODES>,
    /// There was no room for something.
    overflowed: bool,
    serial: Option<Serial>,
    /// What has been accepted: so many values, and the serial number too.
    sure: (usize, Option<Serial>),
}

/// A serial number, and how good the code is that said it.
#[derive(Clone, Debug)]
struct Serial {
    text: String<32>,
    rank: usize,
}

impl Telegram {
    /// Nothing said yet.
    pub const fn new(map: &'static Map<'static>) -> Self {
        Self { map, said: Vec::new(), overflowed: false, serial: None, sure: (0, None) }
    }

    /// The values.
    pub fn said(&self) -> &[Said] {
        &self.said
    }

    /// The meter's serial number.
    pub fn serial(&self) -> Option<&str> {
        self.serial.as_ref().map(|serial| serial.text.as_str())
    }

    /// Whether there was room for all that the map wants. A map has no more codes than fit, but a meter may say one code
    /// over and over.
    pub const fn is_whole(&self) -> bool {
        !self.overflowed
    }

    fn keep(&mut self, said: Said) {
        let is_wanted = self.map.codes.iter().any(|code| code.form == Form::Number && code.wants(said.code));
        if is_wanted && !self.said.contains(&said) {
            self.overflowed |= self.said.push(said).is_err();
        }
    }

    fn keep_text(&mut self, code: &CodePoint<'_>, rank: usize, text: &[u8]) {
        let is_better = self.serial.as_ref().is_none_or(|known| rank < known.rank);
        if let Some(text) = readable(code.form, text).filter(|_| is_better) {
            self.serial = Some(Serial { text, rank });
        }
    }
}

impl Sink for Telegram {
    /// Another telegram begins, also within one that has lost its end.
    fn identification(&mut self, _identification: &Identification<'_>) {
        *self = Self::new(self.map);
    }

    fn value(&mut self, value: &Value<'_>) -> ControlFlow<()> {
        let Some(address) = value.code().filter(|_| value.group == 0) else {
            return ControlFlow::Continue(());
        };
        let texts = self.map.codes.iter().filter(|code| code.form != Form::Number);
        for code in texts {
            if let Some(rank) = code.rank(address.obis).filter(|_| value.is_whole()) {
                self.keep_text(code, rank, value.text);
            }
        }
        let unit = core::str::from_utf8(value.unit().unwrap_or_default()).ok().and_then(Unit::parse);
        self.keep(Said { code: address.obis, value: value.decimal(), unit });
        ControlFlow::Continue(())
    }

    fn accepted(&mut self) {
        self.sure = (self.said.len(), self.serial.clone());
    }

    fn rejected(&mut self) {
        let (said, serial) = &self.sure;
        self.said.truncate(*said);
        self.serial = serial.clone();
    }
}

/// A text for people; nothing where it is empty or has characters that cannot be printed.
fn readable(form: Form, text: &[u8]) -> Option<String<32>> {
    let mut readable = String::new();
    match form {
        Form::Hex => {
            let (pairs, odd) = text.as_chunks::<2>();
            for pair in pairs.iter().filter(|_| odd.is_empty()) {
                let digits = core::str::from_utf8(pair).ok()?;
                readable.push(char::from(u8::from_str_radix(digits, 16).ok()?)).ok()?;
            }
        }
        Form::Text | Form::Number => {
            readable.push_str(core::str::from_utf8(text).ok()?.trim()).ok()?;
        }
    }
    let is_printable =
        |text: &String<32>| !text.is_empty() && text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    Some(readable).filter(is_printable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value<'a>(address: &'a str, text: &'a str, unit: Option<&'a str>) -> Value<'a> {
        let unit = unit.map(str::as_bytes);
        Value {
            address: address.as_bytes(),
            group: 0,
            text: text.as_bytes(),
            unit,
            continues: false,
            more: false,
        }
    }

    fn telegram(map: &str) -> Telegram {
        Telegram::new(ccm_registry::find(map).unwrap())
    }

    #[test]
    fn what_is_rejected_is_forgotten_and_what_was_accepted_is_kept() {
        let mut telegram = telegram("iec62056-21");
        let _ = telegram.value(&value("1.8.0", "1", Some("kWh")));
        telegram.accepted();
        let _ = telegram.value(&value("2.8.0", "1", Some("kWh")));
        let _ = telegram.value(&value("0.0.0", "4711", None));
        telegram.rejected();
        assert_eq!((telegram.said().len(), telegram.serial()), (1, None));
    }

    #[test]
    fn the_serial_number_is_that_of_the_best_code_and_readable() {
        let mut fiscal = telegram("iec62056-21");
        let _ = fiscal.value(&value("0.0.0", "4711", None));
        let _ = fiscal.value(&value("C.1.0", " 63355730 ", None));
        let _ = fiscal.value(&value("0.0.0", "4712", None));
        assert_eq!(fiscal.serial(), Some("63355730"));
        let mut smart = telegram("p1");
        for unreadable in ["", "4B3", "4G", "00", "4B0A"] {
            let _ = smart.value(&value("0-0:96.1.1", unreadable, None));
            assert_eq!(smart.serial(), None, "{unreadable}");
        }
        let _ = smart.value(&value("0-0:96.1.1", "4B384547303034303436333935353037", None));
        assert_eq!(smart.serial(), Some("K8EG004046395507"));
    }

    #[test]
    fn history_and_second_groups_are_not_kept() {
        let mut telegram = telegram("iec62056-21");
        let _ = telegram.value(&value("1.8.0*01", "1", Some("kWh")));
        let _ = telegram.value(&Value { group: 1, ..value("1.8.0", "1", Some("kWh")) });
        let _ = telegram.value(&value("99.99.99", "1", Some("kWh")));
        assert!(telegram.said().is_empty());
        let _ = telegram.value(&Value { more: true, ..value("1.8.0", "1", Some("kWh")) });
        assert_eq!(telegram.said()[0].value, None, "a piece of a value is no value");
    }

    #[test]
    fn a_meter_that_says_one_code_over_and_over_hides_no_other_unnoticed() {
        let mut telegram = telegram("p1");
        for number in 0..65 {
            assert!(telegram.is_whole());
            let _ = telegram.value(&value("32.7.0", &number.to_string(), Some("V")));
        }
        assert!(!telegram.is_whole());
    }
}
