//! What a meter has said, as far as its map wants it.

use core::ops::ControlFlow;

use ccm_config::AssumedUnit;
use ccm_config::limits::Units;
use ccm_core::Obis;
use ccm_iec62056::p1::SubMeters;
use ccm_iec62056::{Address, Identification, Sink, Time, Value};
use ccm_registry::{CodePoint, Form, MOST_CODES, Map, Said, Unit};
use heapless::{String, Vec};

use crate::Behind;
use crate::behind::behind;

/// Keeps of a telegram what a map has codes for. What is rejected, because its checksum is wrong, is forgotten.
#[derive(Debug)]
pub struct Telegram {
    map: &'static Map<'static>,
    units: Units,
    said: Vec<Said, MOST_CODES>,
    /// There was no room for something.
    overflowed: bool,
    texts: Texts,
    /// What has been accepted: so many values, and all of the rest.
    sure: (usize, Texts),
}

/// What a telegram says beside the numbers of its own meter.
#[derive(Clone, Debug)]
struct Texts {
    serial: Option<Serial>,
    /// The time of the telegram.
    clock: Option<Time>,
    meters: SubMeters<MOST_METERS>,
}

impl Texts {
    const NONE: Self = Self { serial: None, clock: None, meters: SubMeters::new() };
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
        Self {
            map,
            units: Units::new(),
            said: Vec::new(),
            overflowed: false,
            texts: Texts::NONE,
            sure: (0, Texts::NONE),
        }
    }

    /// Values without a unit are in these, as the device's settings say.
    pub fn with_units(self, units: Units) -> Self {
        Self { units, ..self }
    }

    /// The values.
    pub fn said(&self) -> &[Said] {
        &self.said
    }

    /// The meter's serial number.
    pub fn serial(&self) -> Option<&str> {
        self.texts.serial.as_ref().map(|serial| serial.text.as_str())
    }

    /// What the meters behind this one have counted, as far as the map wants it.
    pub fn behind(&self) -> Vec<Behind, MOST_BEHIND> {
        let wanted = self.map.codes.iter().filter(|code| code.form == Form::SubMeter);
        wanted.filter_map(|code| behind(&self.texts.meters, self.texts.clock, code.quantity)).collect()
    }

    /// Whether there was room for all that the map wants. A map has no more codes than fit, but a meter may say one code
    /// over and over.
    pub const fn is_whole(&self) -> bool {
        !self.overflowed && !self.texts.meters.is_overfull()
    }

    fn keep(&mut self, said: Said) {
        let is_wanted = self.map.codes.iter().any(|code| code.form == Form::Number && code.wants(said.code));
        if is_wanted && !self.said.contains(&said) {
            self.overflowed |= self.said.push(said).is_err();
        }
    }

    /// What the meter says; where it says nothing, what the settings say.
    fn unit(&self, code: Obis, text: &[u8]) -> Option<(Unit, i8)> {
        if !text.is_empty() {
            return core::str::from_utf8(text).ok().and_then(Unit::parse);
        }
        let assumed = AssumedUnit::all(&self.units).find(|assumed| is_meant(assumed.code, code));
        Unit::parse(assumed.map_or("", |assumed| assumed.unit))
    }

    fn keep_text(&mut self, code: &CodePoint<'_>, rank: usize, text: &[u8]) {
        let is_better = self.texts.serial.as_ref().is_none_or(|known| rank < known.rank);
        if let Some(text) = readable(code.form, text).filter(|_| is_better) {
            self.texts.serial = Some(Serial { text, rank });
        }
    }
}

impl Sink for Telegram {
    /// Another telegram begins, also within one that has lost its end.
    fn identification(&mut self, _identification: &Identification<'_>) {
        *self = Self::new(self.map).with_units(core::mem::take(&mut self.units));
    }

    fn value(&mut self, value: &Value<'_>) -> ControlFlow<()> {
        self.texts.meters.value(value);
        let Some(address) = value.code().filter(|_| value.group == 0) else {
            return ControlFlow::Continue(());
        };
        if CLOCK.covers(address.obis) {
            self.texts.clock = Time::parse_p1(value.text);
        }
        let texts = self.map.codes.iter().filter(|code| matches!(code.form, Form::Text | Form::Hex));
        for code in texts {
            if let Some(rank) = code.rank(address.obis).filter(|_| value.is_whole()) {
                self.keep_text(code, rank, value.text);
            }
        }
        let unit = self.unit(address.obis, value.unit().unwrap_or_default());
        self.keep(Said { code: address.obis, value: value.decimal(), unit });
        ControlFlow::Continue(())
    }

    fn accepted(&mut self) {
        self.sure = (self.said.len(), self.texts.clone());
    }

    fn rejected(&mut self) {
        let (said, texts) = &self.sure;
        self.said.truncate(*said);
        self.texts = texts.clone();
    }
}

/// Whether the code in the settings is this one: its groups that are left open are any, but without a medium it is
/// electricity.
fn is_meant(assumed: &str, code: Obis) -> bool {
    let Some(Address { obis, .. }) = Address::parse(assumed.as_bytes()) else { return false };
    let is = |wanted: Option<u8>, found: Option<u8>| {
        wanted.is_none() || found.is_none_or(|found| Some(found) == wanted)
    };
    let medium = obis.a.or(Some(ELECTRICITY));
    (obis.c, obis.d) == (code.c, code.d)
        && is(medium, code.a)
        && is(obis.b, code.b)
        && (obis.e.is_none() || obis.e.unwrap_or_default() == code.e.unwrap_or_default())
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
        Form::Text | Form::Number | Form::SubMeter => {
            readable.push_str(core::str::from_utf8(text).ok()?.trim()).ok()?;
        }
    }
    let is_printable =
        |text: &String<32>| !text.is_empty() && text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    Some(readable).filter(is_printable)
}

/// Group A of electricity (IEC 62056-61).
const ELECTRICITY: u8 = 1;

/// When a P1 telegram was made (P1 companion standard 5.0.2, 6.12).
const CLOCK: Obis = Obis { a: Some(0), b: Some(0), ..Obis::short(1, 0, 0) };

/// M-Bus has four channels (P1 companion standard 5.0.2, 6.12).
const MOST_METERS: usize = 4;

/// What can be measured behind a meter.
pub(crate) const MOST_BEHIND: usize = 5;

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
