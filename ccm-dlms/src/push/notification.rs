//! A push and its readings.

use ccm_core::{Obis, Reader};

use super::PushError;
use crate::message::cosem::{Layout, PushBody, Reading, Register};
use crate::message::data::{Data, DataError, DateTime};
use crate::message::{AttributeDescriptor, DataNotification, EventNotification, InformationReport, tag};

/// A push, checked down to its last byte.
#[derive(Clone, Debug)]
pub struct Push<'a> {
    /// Which service it came by.
    pub kind: Kind,
    /// When it was sent, as the meter says: in the APDU, else as a reading of its clock. A report's time is text of
    /// another form, and not given.
    pub time: Option<DateTime>,
    readings: Readings<'a>,
}

/// The service of a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Kind {
    /// Data-notification, with its number and priority.
    Data(u32),
    /// Event-notification: an attribute has changed.
    Event(AttributeDescriptor),
    /// Information-report: by short names, which say no code.
    Report,
}

impl<'a> Push<'a> {
    /// Reads an APDU that is in no envelope.
    ///
    /// # Errors
    /// [`PushError::Message`], [`PushError::Data`], [`PushError::Unexpected`].
    pub fn parse(apdu: &'a [u8], layout: Layout) -> Result<Self, PushError> {
        let (kind, time, values, named) = match apdu.first().copied().unwrap_or_default() {
            tag::DATA_NOTIFICATION => {
                let DataNotification { long_invoke_id_and_priority, date_time, body } =
                    DataNotification::parse(apdu)?;
                let time = date_time.copied().map(DateTime::from_bytes);
                let readings = Readings::of(body.0, None, layout);
                return Self { kind: Kind::Data(long_invoke_id_and_priority.0), time, readings }
                    .checked(apdu);
            }
            tag::EVENT_NOTIFICATION => {
                let EventNotification { time, attribute, value } = EventNotification::parse(apdu)?;
                let time = time.copied().map(DateTime::from_bytes);
                (Kind::Event(attribute), time, value.0, named(&attribute, value.0))
            }
            tag::INFORMATION_REPORT => {
                let report = InformationReport::parse(apdu)?;
                let length: usize = report.values.iter().map(|value| value.0.len()).sum();
                // The values are the end of the APDU.
                let values = apdu.get(apdu.len().saturating_sub(length)..).unwrap_or_default();
                (Kind::Report, None, values, None)
            }
            tag => return Err(PushError::Unexpected { tag }),
        };
        let readings = match kind {
            Kind::Report => Readings { values, ..Readings::of(&[], None, layout) },
            _ => Readings::of(values, named, layout),
        };
        Self { kind, time, readings }.checked(apdu)
    }

    /// The readings in the order in which they came.
    pub fn readings(&self) -> Readings<'a> {
        self.readings.clone()
    }

    /// Reads all of it once, so that nothing is given of a push whose end is damaged.
    fn checked(mut self, apdu: &[u8]) -> Result<Self, PushError> {
        let mut readings = self.readings.clone();
        let mut clock = None;
        while let Some(reading) = readings.read(apdu.len())? {
            if clock.is_none() && reading.obis.is_some_and(is_clock) {
                clock = reading.value.date_time().filter(|time| time.is_plausible());
            }
        }
        self.time = self.time.or(clock);
        Ok(self)
    }
}

/// The readings of a push.
#[derive(Clone, Debug)]
pub struct Readings<'a> {
    body: PushBody<'a>,
    /// Bytes of the body, and of all behind it.
    length: usize,
    /// What the one value of the body is.
    named: Option<Obis>,
    /// Further bodies, one behind the other.
    values: &'a [u8],
    layout: Layout,
}

impl<'a> Readings<'a> {
    fn of(body: &'a [u8], named: Option<Obis>, layout: Layout) -> Self {
        Self { body: PushBody::new(body, layout), length: body.len(), named, values: &[], layout }
    }

    /// The next one; places of errors count from the first of `apdu` bytes, whose end the bodies are.
    fn read(&mut self, apdu: usize) -> Result<Option<Reading<'a>>, DataError> {
        loop {
            let start = apdu.saturating_sub(self.length + self.values.len());
            let at = |error: DataError| DataError { offset: error.offset + start, ..error };
            // A report's list may have a body of nothing, which is none.
            let reading = if self.length > 0 { self.body.next() } else { None };
            if let Some(reading) = reading.transpose().map_err(at)? {
                return Ok(Some(Reading { obis: reading.obis.or(self.named), ..reading }));
            }
            if self.values.is_empty() {
                return Ok(None);
            }
            let mut reader = Reader::new(self.values);
            self.length = 0;
            let start = apdu.saturating_sub(self.values.len());
            let data = Data::take(&mut reader)
                .map_err(|error| DataError { offset: error.offset + start, ..error })?;
            let body = data.encoded().unwrap_or_default();
            let values = reader.rest();
            *self = Self { values, ..Self::of(body, None, self.layout) };
        }
    }
}

impl<'a> Iterator for Readings<'a> {
    type Item = Reading<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        // All was read once when the push was made: there is no error any more.
        self.read(0).ok().flatten()
    }
}

/// The name of an event's value: its object's, where the value is one and not a list of others.
fn named(attribute: &AttributeDescriptor, value: &[u8]) -> Option<Obis> {
    let has_parts = matches!(value, [] | [0x01 | 0x02 | 0x13, ..]);
    let is_value = attribute.attribute_id == Register::VALUE;
    (is_value && !has_parts).then(|| Obis::new(attribute.instance_id))
}

/// The clock of any channel.
fn is_clock(obis: Obis) -> bool {
    matches!(obis.bytes(), Some([0, _, 1, 0, 0, 255]))
}
