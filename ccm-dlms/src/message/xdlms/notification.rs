//! What a server says unasked.

use ccm_core::{Full, Writer};

use super::descriptor::AttributeDescriptor;
use super::encoded::Encoded;
use super::invoke::LongInvokeIdAndPriority;
use super::list::{Item, List};
use super::read::VariableAccess;
use super::set::paired;
use crate::message::codes::apdu;
use crate::message::cursor::{Cursor, emit_octets, emit_optional, emit_u32};
use crate::message::{Fault, MessageError, tag};

/// A push (Green Book 9.3.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct DataNotification<'a> {
    /// The number of the notification.
    pub long_invoke_id_and_priority: LongInvokeIdAndPriority,
    /// When it was sent: the twelve bytes of a date-time.
    pub date_time: Option<&'a [u8; 12]>,
    /// What is notified: up to the end of the APDU, unchecked.
    pub body: Encoded<'a>,
}

impl<'a> DataNotification<'a> {
    pub(crate) fn read(cursor: &mut Cursor<'a>) -> Result<Self, MessageError> {
        Ok(Self {
            long_invoke_id_and_priority: LongInvokeIdAndPriority(cursor.u32("long-invoke-id-and-priority")?),
            date_time: read_date_time(cursor)?,
            body: Encoded::rest(cursor, "notification-body")?,
        })
    }

    pub(crate) fn write(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        emit_u32(writer, self.long_invoke_id_and_priority.0)?;
        emit_octets(writer, self.date_time.map_or(&[], |date_time| date_time))?;
        self.body.write(writer)
    }
}

apdu!(DataNotification<'a>, tag::DATA_NOTIFICATION, "data-notification");

/// The change of an attribute (Green Book 9.3.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct EventNotification<'a> {
    /// When it happened: the twelve bytes of a date-time.
    pub time: Option<&'a [u8; 12]>,
    /// Which attribute.
    pub attribute: AttributeDescriptor,
    /// Its value: up to the end of the APDU, unchecked.
    pub value: Encoded<'a>,
}

impl<'a> EventNotification<'a> {
    pub(crate) fn read(cursor: &mut Cursor<'a>) -> Result<Self, MessageError> {
        let time = if cursor.present("time")? { read_date_time(cursor)? } else { None };
        let attribute = AttributeDescriptor::read(cursor)?;
        Ok(Self { time, attribute, value: Encoded::rest(cursor, "attribute-value")? })
    }

    pub(crate) fn write(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        emit_optional(writer, self.time, |writer, time| emit_octets(writer, time))?;
        self.attribute.write(writer)?;
        self.value.write(writer)
    }
}

apdu!(EventNotification<'a>, tag::EVENT_NOTIFICATION, "event-notification-request");

/// Values by short name (Green Book 9.3.17).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct InformationReport<'a> {
    /// When: a `GeneralizedTime`, which is text.
    pub current_time: Option<&'a [u8]>,
    /// Which variables.
    pub variables: List<'a, VariableAccess<'a>>,
    /// Their values, in the same order.
    pub values: List<'a, Encoded<'a>>,
}

impl<'a> InformationReport<'a> {
    pub(crate) fn read(cursor: &mut Cursor<'a>) -> Result<Self, MessageError> {
        let timed = cursor.present("current-time")?;
        let current_time = if timed { Some(cursor.octets("current-time")?) } else { None };
        let variables = List::read(cursor, "variable-access-specification")?;
        let values = paired(cursor, variables.len(), "list-of-data")?;
        Ok(Self { current_time, variables, values })
    }

    pub(crate) fn write(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        emit_optional(writer, self.current_time, emit_octets)?;
        self.variables.write(writer)?;
        self.values.write(writer)
    }
}

apdu!(InformationReport<'a>, tag::INFORMATION_REPORT, "information-report-request");

/// An OCTET STRING of no bytes or twelve. Kaifa writes the tag of an octet string before it, although its type is known.
fn read_date_time<'a>(cursor: &mut Cursor<'a>) -> Result<Option<&'a [u8; 12]>, MessageError> {
    let start = *cursor;
    match cursor.u8("date-time")? {
        0 => Ok(None),
        DATE_TIME_LENGTH => cursor.array("date-time").map(Some),
        OCTET_STRING => {
            cursor.expect(DATE_TIME_LENGTH, "date-time")?;
            cursor.array("date-time").map(Some)
        }
        found => Err(start.fail("date-time", Fault::Length { found: found.into() })),
    }
}

const DATE_TIME_LENGTH: u8 = 12;
const OCTET_STRING: u8 = 9;

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: [u8; 12] = [7, 0xE6, 11, 12, 6, 16, 0x36, 0, 0, 0xFF, 0xC4, 0];

    fn date_time(encoded: &[u8]) -> Result<Option<[u8; 12]>, MessageError> {
        let apdu = [&[0x0F, 0, 0, 0, 1][..], encoded, &[0]].concat();
        DataNotification::parse(&apdu).map(|notification| notification.date_time.copied())
    }

    #[test]
    fn a_date_time_comes_with_its_length_with_a_tag_too_or_not_at_all() {
        assert_eq!(date_time(&[0]), Ok(None));
        assert_eq!(date_time(&[&[12][..], &TIME].concat()), Ok(Some(TIME)));
        assert_eq!(date_time(&[&[9, 12][..], &TIME].concat()), Ok(Some(TIME)));
    }

    #[test]
    fn a_date_time_of_five_bytes_is_refused() {
        let error = date_time(&[5, 1, 2, 3, 4, 5]).unwrap_err();
        assert_eq!((error.offset, error.fault), (5, Fault::Length { found: 5 }));
    }

    #[test]
    fn a_notification_without_a_body_is_cut_off() {
        let error = DataNotification::parse(&[0x0F, 0, 0, 0, 1, 0]).unwrap_err();
        assert_eq!(error.to_string(), "notification-body at byte 6 is cut off");
    }
}
