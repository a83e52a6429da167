//! The header of Modbus TCP as a gateway sees it, which judges the unit by its routes (MB-TCP 3.1.3).

use ccm_core::{Full, Reader, Writer};

use crate::{Frame, FrameError};

/// What stands at the front of a client's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Split<'a> {
    /// A request of `length` bytes.
    Request {
        /// Its transaction identifier.
        transaction: u16,
        /// Unit and PDU.
        frame: Frame<'a>,
        /// Bytes with the header.
        length: usize,
    },
    /// So many bytes are of another protocol or too short for a PDU; nobody answers them.
    Skip(usize),
    /// More bytes are needed.
    More,
}

/// Reads the next message of a client; a buffer of 260 bytes holds each whole.
///
/// # Errors
/// [`FrameError::Stream`] where the header announces more than a message can have: nobody can tell where the next
/// begins, so close the connection.
///
/// ```
/// use ccm_modbus::gateway::mbap::{Split, split};
///
/// let bytes = b"\0\x07\0\0\0\x06\x11\x03\0\x6B\0\x03 and more";
/// let Ok(Split::Request { transaction: 7, frame, length: 12 }) = split(bytes) else { panic!() };
/// assert_eq!((frame.unit, frame.pdu), (17, &bytes[7..12]));
/// assert_eq!(split(&bytes[..11]), Ok(Split::More));
/// ```
pub fn split(bytes: &[u8]) -> Result<Split<'_>, FrameError> {
    let mut reader = Reader::new(bytes);
    let mut field = |name| reader.u16(name).ok();
    let (Some(transaction), Some(protocol), Some(rest)) =
        (field("transaction"), field("protocol"), field("length"))
    else {
        return Ok(Split::More);
    };
    if rest > MAX_REST {
        return Err(FrameError::Stream);
    }
    let Ok(body) = reader.take(rest.into(), "unit and PDU") else { return Ok(Split::More) };
    let length = HEADER + body.len();
    Ok(match body {
        [unit, pdu @ ..] if protocol == 0 && !pdu.is_empty() => {
            Split::Request { transaction, frame: Frame { unit: *unit, pdu }, length }
        }
        _ => Split::Skip(length),
    })
}

/// Writes an answer.
///
/// # Errors
/// [`Full`] where the writer's buffer is too small; it may then hold a part of it.
pub fn emit(transaction: u16, frame: &Frame<'_>, writer: &mut Writer<'_>) -> Result<(), Full> {
    writer.u16(transaction)?;
    writer.u16(0)?;
    writer.u16(u16::try_from(frame.pdu.len() + 1).map_err(|_| Full)?)?;
    writer.u8(frame.unit)?;
    writer.slice(frame.pdu)
}

/// Transaction, protocol and length.
const HEADER: usize = 6;

/// The unit and a PDU of 253 bytes.
const MAX_REST: u16 = 254;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_protocols_and_messages_without_a_pdu_are_stepped_over() {
        for (header, length) in [
            (b"\0\x01\0\x01\0\x06", 12),
            (b"\0\x01\0\0\0\x00", 6),
            (b"\0\x01\0\0\0\x01", 7),
            (b"\0\x01\xFF\xFF\0\xFE", 260),
        ] {
            let mut bytes = [0; 300];
            bytes[..6].copy_from_slice(header);
            assert_eq!(split(&bytes), Ok(Split::Skip(length)), "{header:?}");
            assert_eq!(split(&bytes[..length - 1]), Ok(Split::More), "{header:?}");
        }
    }

    #[test]
    fn a_length_beyond_any_message_ends_the_stream_at_once() {
        for length in [255_u16, 256, 257, 65_535] {
            let [high, low] = length.to_be_bytes();
            assert_eq!(split(&[0, 1, 0, 0, high, low]), Err(FrameError::Stream), "{length}");
            assert_eq!(split(&[0, 1, 9, 9, high, low]), Err(FrameError::Stream), "{length}");
        }
        assert_eq!(split(&[0, 1, 0, 0, 0]), Ok(Split::More));
    }

    #[test]
    fn what_is_emitted_is_split_again() {
        let pdu = [0x2B; 253];
        let mut buffer = [0; 260];
        let mut writer = Writer::new(&mut buffer);
        emit(0xABCD, &Frame { unit: 9, pdu: &pdu }, &mut writer).unwrap();
        assert_eq!(writer.finish(), 260);
        let request =
            Split::Request { transaction: 0xABCD, frame: Frame { unit: 9, pdu: &pdu }, length: 260 };
        assert_eq!(split(&buffer), Ok(request));
    }
}
