//! Push setup (class 40).

use super::list::{Element, List};
use super::object::CaptureObject;
use crate::message::data::{Data, DataError, DateTime, Events};

/// Class 40: what a meter sends of itself, where to and when.
#[derive(Clone, Copy, Debug)]
pub struct PushSetup;

impl PushSetup {
    /// The number of the class.
    pub const CLASS_ID: u16 = 40;
    /// Attribute: see [`PushSetup::push_object_list`].
    pub const PUSH_OBJECT_LIST: i8 = 2;
    /// Attribute: see [`Service::parse`].
    pub const SEND_DESTINATION_AND_METHOD: i8 = 3;
    /// Attribute: see [`PushSetup::communication_window`].
    pub const COMMUNICATION_WINDOW: i8 = 4;
    /// Attribute: by how many seconds a push may be late, a long-unsigned.
    pub const RANDOMISATION_START_INTERVAL: i8 = 5;
    /// Attribute: how often it is tried again, an unsigned.
    pub const NUMBER_OF_RETRIES: i8 = 6;
    /// Attribute: seconds between two tries, a long-unsigned; a structure in newer versions.
    pub const REPETITION_DELAY: i8 = 7;
    /// Method: sends now; the parameter is the integer 0.
    pub const PUSH: i8 = 1;

    /// What is sent, in its order.
    ///
    /// # Errors
    /// Where it is no array; what is wrong with an element comes with that element.
    pub fn push_object_list(data: Data<'_>) -> Result<List<'_, CaptureObject>, DataError> {
        List::parse(data, "push_object_list")
    }

    /// When it may be sent; always, where there is no window.
    ///
    /// # Errors
    /// Where it is no array; what is wrong with an element comes with that element.
    pub fn communication_window(data: Data<'_>) -> Result<List<'_, Window>, DataError> {
        List::parse(data, "communication_window")
    }
}

/// Where a push goes to, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Service<'a> {
    /// The transport: 0 TCP, 1 UDP, 2 FTP, 3 SMTP, 4 SMS, 5 HDLC, 6 M-Bus, 7 `ZigBee`, from 200 on the maker's.
    pub transport: u8,
    /// The address in the transport's own form, or nothing.
    pub destination: &'a [u8],
    /// The form of the message.
    pub message: MessageType,
}

impl<'a> Service<'a> {
    /// Reads attribute 3.
    ///
    /// # Errors
    /// What is wrong with the data.
    pub fn parse(data: Data<'a>) -> Result<Self, DataError> {
        let mut events = data.events();
        events.structure_of("send_destination_and_method", 3)?;
        let transport = events.enumeration("transport_service")?;
        let destination = events.octets("destination")?;
        let message = events.enumeration("message")?.into();
        events.finish().map(|()| Self { transport, destination, message })
    }
}

/// The form of what is pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum MessageType {
    /// A-XDR: the only one that this crate reads.
    AXdr,
    /// XML.
    Xml,
    /// Another one.
    Other(u8),
}

impl From<u8> for MessageType {
    fn from(code: u8) -> Self {
        match code {
            0 => Self::AXdr,
            1 => Self::Xml,
            _ => Self::Other(code),
        }
    }
}

/// A time within which something may happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Window {
    /// Its beginning, with wildcards where it repeats.
    pub start_time: DateTime,
    /// Its end.
    pub end_time: DateTime,
}

impl<'a> Element<'a> for Window {
    fn read(events: &mut Events<'a>) -> Result<Self, DataError> {
        events.structure_of("window_element", 2)?;
        let (start_time, end_time) = (events.date_time("start_time")?, events.date_time("end_time")?);
        events.end().map(|()| Self { start_time, end_time })
    }
}
