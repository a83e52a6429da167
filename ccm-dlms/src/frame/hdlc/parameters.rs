//! What SNRM and UA negotiate (Green Book 8.4.5.3.2).

use ccm_core::{Full, Missing, Reader, Writer};

use crate::frame::{FrameError, RequestError};

/// How much the sender of the parameters sends and takes at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Parameters {
    /// Bytes in the longest information field that it sends: 1 to 2030.
    pub max_information_transmit: u16,
    /// Bytes in the longest information field that it takes: 1 to 2030.
    pub max_information_receive: u16,
    /// Frames that it sends before it wants an answer: 1 to 7.
    pub window_transmit: u8,
    /// Frames that it takes before it answers: 1 to 7.
    pub window_receive: u8,
}

impl Parameters {
    /// What holds where nothing is said: 128 bytes, one frame.
    pub const DEFAULT: Self = Self {
        max_information_transmit: 128,
        max_information_receive: 128,
        window_transmit: 1,
        window_receive: 1,
    };

    /// The same length and window in both directions.
    ///
    /// # Errors
    /// [`RequestError::Parameters`] where they are out of range.
    pub const fn new(max_information: u16, window: u8) -> Result<Self, RequestError> {
        if !(is_length(max_information) && is_window(window)) {
            return Err(RequestError::Parameters);
        }
        Ok(Self {
            max_information_transmit: max_information,
            max_information_receive: max_information,
            window_transmit: window,
            window_receive: window,
        })
    }

    /// Reads an information field of SNRM or UA; an empty one, and items that are not there, mean the default.
    ///
    /// # Errors
    /// [`FrameError::Parameters`] where an item ends too early or is out of range; unknown items are stepped over.
    pub fn parse(information: &[u8]) -> Result<Self, FrameError> {
        let mut parameters = Self::DEFAULT;
        if !information.is_empty() {
            parameters.read(Reader::new(information)).map_err(|Missing { .. }| FrameError::Parameters)?;
        }
        if parameters.is_valid() { Ok(parameters) } else { Err(FrameError::Parameters) }
    }

    /// Writes the information field of SNRM or UA: 20 to 22 bytes.
    pub(crate) fn emit(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        let wide = |length: u16| u8::from(length > 0xFF);
        let length = 18 + wide(self.max_information_transmit) + wide(self.max_information_receive);
        writer.array([FORMAT, GROUP, length])?;
        emit_length(writer, MAX_INFORMATION_TRANSMIT, self.max_information_transmit)?;
        emit_length(writer, MAX_INFORMATION_RECEIVE, self.max_information_receive)?;
        writer.array([WINDOW_TRANSMIT, 4, 0, 0, 0, self.window_transmit])?;
        writer.array([WINDOW_RECEIVE, 4, 0, 0, 0, self.window_receive])
    }

    /// What holds for this side once the other has told its own: each direction the smaller of the two.
    pub(crate) fn agree(&self, other: &Self) -> Self {
        Self {
            max_information_transmit: self.max_information_transmit.min(other.max_information_receive),
            max_information_receive: self.max_information_receive.min(other.max_information_transmit),
            window_transmit: self.window_transmit.min(other.window_receive),
            window_receive: self.window_receive.min(other.window_transmit),
        }
    }

    pub(crate) const fn is_valid(&self) -> bool {
        is_length(self.max_information_transmit)
            && is_length(self.max_information_receive)
            && is_window(self.window_transmit)
            && is_window(self.window_receive)
    }

    fn read(&mut self, mut reader: Reader<'_>) -> Result<(), Missing> {
        let [_, _, length] = [reader.u8("format")?, reader.u8("group")?, reader.u8("group length")?];
        let mut items = Reader::new(reader.take(length.into(), "group")?);
        while !items.is_empty() {
            let item = items.u8("item")?;
            let length = items.u8("item length")?;
            self.set(item, number(items.take(length.into(), "item value")?));
        }
        Ok(())
    }

    /// A number out of range becomes one that [`is_valid`](Self::is_valid) refuses.
    fn set(&mut self, item: u8, value: u32) {
        let length = u16::try_from(value).unwrap_or_default();
        let window = u8::try_from(value).unwrap_or_default();
        match item {
            MAX_INFORMATION_TRANSMIT => self.max_information_transmit = length,
            MAX_INFORMATION_RECEIVE => self.max_information_receive = length,
            WINDOW_TRANSMIT => self.window_transmit = window,
            WINDOW_RECEIVE => self.window_receive = window,
            _ => {}
        }
    }
}

impl Default for Parameters {
    fn default() -> Self {
        Self::DEFAULT
    }
}

fn emit_length(writer: &mut Writer<'_>, item: u8, length: u16) -> Result<(), Full> {
    match length.to_be_bytes() {
        [0, low] => writer.array([item, 1, low]),
        [high, low] => writer.array([item, 2, high, low]),
    }
}

/// A big-endian number of any length; what does not fit is as large as can be.
fn number(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |number, byte| match number {
        0..=0xFF_FFFF => number << 8 | u32::from(*byte),
        _ => u32::MAX,
    })
}

const fn is_length(length: u16) -> bool {
    matches!(length, 1..=2030)
}

const fn is_window(window: u8) -> bool {
    matches!(window, 1..=7)
}

const FORMAT: u8 = 0x81;
const GROUP: u8 = 0x80;
const MAX_INFORMATION_TRANSMIT: u8 = 5;
const MAX_INFORMATION_RECEIVE: u8 = 6;
const WINDOW_TRANSMIT: u8 = 7;
const WINDOW_RECEIVE: u8 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_the_default() {
        assert_eq!(Parameters::parse(&[]), Ok(Parameters::DEFAULT));
        assert_eq!(Parameters::parse(&[0x81, 0x80, 0]), Ok(Parameters::DEFAULT));
        let one = Parameters::parse(&[0x81, 0x80, 6, 6, 1, 154, 9, 1, 3]).unwrap();
        assert_eq!(one, Parameters { max_information_receive: 154, ..Parameters::DEFAULT });
    }

    #[test]
    fn cut_items_and_numbers_out_of_range_are_errors() {
        for bytes in [
            &[0x81][..],
            &[0x81, 0x80, 3, 5, 1],
            &[0x81, 0x80, 2, 5, 1],
            &[0x81, 0x80, 3, 5, 1, 0],
            &[0x81, 0x80, 3, 7, 1, 8],
            &[0x81, 0x80, 6, 7, 4, 1, 0, 0, 1],
            &[0x81, 0x80, 4, 6, 2, 0x08, 0],
            &[0x81, 0x80, 7, 6, 5, 1, 0, 0, 0, 1],
        ] {
            assert_eq!(Parameters::parse(bytes), Err(FrameError::Parameters), "{bytes:02x?}");
        }
    }

    #[test]
    fn each_direction_gets_the_smaller_side() {
        let client = Parameters { max_information_receive: 512, ..Parameters::new(128, 3).unwrap() };
        let server = Parameters { max_information_transmit: 154, ..Parameters::new(100, 7).unwrap() };
        let agreed = client.agree(&server);
        assert_eq!((agreed.max_information_transmit, agreed.max_information_receive), (100, 154));
        assert_eq!((agreed.window_transmit, agreed.window_receive), (3, 3));
    }
}
