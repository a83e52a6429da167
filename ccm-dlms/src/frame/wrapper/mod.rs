//! The wrapper, the link layer of TCP and UDP (Green Book 7.3; IEC 62056-47).

mod link;
mod service;

use ccm_core::{Missing, Reader};
pub use link::Wrapper;
pub use service::Service;

use super::{Buffer, FrameError};

/// The header before an APDU: version 1, the two ports and the APDU's length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Header {
    /// The sender's wrapper port: a client's or server's address.
    pub source: u16,
    /// The receiver's.
    pub destination: u16,
    /// Bytes of APDU behind the header.
    pub length: u16,
}

impl Header {
    /// How many bytes it has.
    pub const LENGTH: usize = 8;

    /// Reads a header.
    ///
    /// # Errors
    /// [`FrameError::Version`] where it is of no version that there is.
    pub fn parse(bytes: [u8; Self::LENGTH]) -> Result<Self, FrameError> {
        let [v, w, a, b, c, d, e, f] = bytes;
        let (version, source) = (u16::from_be_bytes([v, w]), u16::from_be_bytes([a, b]));
        if version != VERSION {
            return Err(FrameError::Version { found: version });
        }
        let (destination, length) = (u16::from_be_bytes([c, d]), u16::from_be_bytes([e, f]));
        Ok(Self { source, destination, length })
    }

    /// The header's bytes.
    pub const fn to_bytes(self) -> [u8; Self::LENGTH] {
        let ([v, w], [a, b]) = (VERSION.to_be_bytes(), self.source.to_be_bytes());
        let ([c, d], [e, f]) = (self.destination.to_be_bytes(), self.length.to_be_bytes());
        [v, w, a, b, c, d, e, f]
    }
}

/// An APDU and the ports it goes between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Frame<'a> {
    /// The sender's wrapper port.
    pub source: u16,
    /// The receiver's.
    pub destination: u16,
    /// What it carries.
    pub apdu: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Reads a datagram: one header and one APDU that fills the rest.
    ///
    /// # Errors
    /// A [`FrameError`] that says what keeps it from being one.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, FrameError> {
        let (header, apdu) =
            datagram.split_first_chunk().ok_or(FrameError::Missing(Missing { field: "wrapper header" }))?;
        let Header { source, destination, length } = Header::parse(*header)?;
        if usize::from(length) != apdu.len() {
            return Err(FrameError::Length { announced: length.into(), found: apdu.len() });
        }
        Ok(Self { source, destination, apdu })
    }
}

/// Finds APDUs in a TCP stream, over the caller's buffer.
#[derive(Debug)]
pub struct Decoder<'b> {
    stream: Stream,
    buffer: &'b mut [u8],
}

impl<'b> Decoder<'b> {
    /// A decoder of APDUs that fit `buffer`.
    pub const fn new(buffer: &'b mut [u8]) -> Self {
        Self { stream: Stream::new(), buffer }
    }

    /// Takes bytes and says how many, and the frame that they complete. Offer the rest again.
    ///
    /// # Errors
    /// [`FrameError::Version`]: the stream is out of step for good, connect anew. [`FrameError::TooLong`] where the APDU
    /// was longer than the buffer; it is stepped over.
    pub fn push(&mut self, bytes: &[u8]) -> (usize, Result<Option<Frame<'_>>, FrameError>) {
        let (taken, found) = self.stream.take(bytes, self.buffer);
        let room = self.buffer.len();
        let frame = found.and_then(|header| header.map(|header| header.frame(self.buffer, room)).transpose());
        (taken, frame)
    }
}

impl Header {
    /// The frame of this header and the APDU that lies in the buffer.
    fn before<'a>(self, buffer: &'a mut Buffer<'_>) -> &'a [u8] {
        let (room, _) = buffer.split();
        if let Some(place) = room.first_chunk_mut() {
            *place = self.to_bytes();
        }
        buffer.whole().get(..Self::LENGTH + usize::from(self.length)).unwrap_or_default()
    }

    fn frame(self, buffer: &[u8], room: usize) -> Result<Frame<'_>, FrameError> {
        let Self { source, destination, length } = self;
        let apdu = buffer.get(..length.into()).ok_or(FrameError::TooLong { length: length.into(), room })?;
        Ok(Frame { source, destination, apdu })
    }
}

/// A stream's header and how much of its APDU has come; the APDU itself lies in a buffer lent to each call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stream {
    header: [u8; Header::LENGTH],
    /// Bytes of header and APDU that have come.
    come: usize,
}

impl Stream {
    pub(crate) const fn new() -> Self {
        Self { header: [0; Header::LENGTH], come: 0 }
    }

    /// Takes bytes up to the end of a frame, whose header it then gives. What does not fit is stepped over.
    pub(crate) fn take(
        &mut self,
        bytes: &[u8],
        apdu: &mut [u8],
    ) -> (usize, Result<Option<Header>, FrameError>) {
        let mut reader = Reader::new(bytes);
        let outcome = self.read(&mut reader, apdu);
        (bytes.len() - reader.rest().len(), outcome)
    }

    fn read(&mut self, reader: &mut Reader<'_>, apdu: &mut [u8]) -> Result<Option<Header>, FrameError> {
        while let Some(slot) = self.header.get_mut(self.come) {
            let Ok(byte) = reader.u8("wrapper header") else { return Ok(None) };
            *slot = byte;
            self.come += 1;
        }
        let header = Header::parse(self.header).inspect_err(|_| self.come = 0)?;
        let position = self.come - Header::LENGTH;
        let left = usize::from(header.length).saturating_sub(position);
        let part = reader.take(left.min(reader.rest().len()), "APDU").unwrap_or_default();
        for (slot, byte) in apdu.get_mut(position..).unwrap_or_default().iter_mut().zip(part) {
            *slot = *byte;
        }
        self.come += part.len();
        if part.len() < left {
            return Ok(None);
        }
        self.come = 0;
        Ok(Some(header))
    }

    pub(crate) const fn is_within(&self) -> bool {
        self.come > 0
    }
}

const VERSION: u16 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_may_split_and_join_frames() {
        let stream = [&[0, 1, 0, 16, 0, 1, 0, 2, 7, 8][..], &[0, 1, 0, 16, 0, 1, 0, 1, 9]].concat();
        for step in 1..=stream.len() {
            let mut buffer = [0; 4];
            let mut decoder = Decoder::new(&mut buffer);
            let mut apdus = Vec::new();
            for mut piece in stream.chunks(step) {
                while !piece.is_empty() {
                    let (taken, frame) = decoder.push(piece);
                    apdus.extend(frame.unwrap().map(|frame| frame.apdu.to_vec()));
                    piece = &piece[taken..];
                }
            }
            assert_eq!(apdus, [vec![7, 8], vec![9]], "in pieces of {step}");
        }
    }

    #[test]
    fn an_apdu_longer_than_the_buffer_is_stepped_over() {
        let mut buffer = [0; 1];
        let mut decoder = Decoder::new(&mut buffer);
        let (taken, frame) = decoder.push(&[0, 1, 0, 16, 0, 1, 0, 2, 7, 8, 0]);
        assert_eq!((taken, frame), (10, Err(FrameError::TooLong { length: 2, room: 1 })));
        let (_, frame) = decoder.push(&[0, 1, 0, 16, 0, 1, 0, 1, 9]);
        assert_eq!(frame.unwrap().unwrap().apdu, [9]);
    }

    #[test]
    fn a_datagram_is_one_frame() {
        let datagram = [0, 1, 0, 16, 0, 1, 0, 1, 9];
        assert_eq!(Frame::parse(&datagram), Ok(Frame { source: 16, destination: 1, apdu: &[9] }));
        assert!(matches!(Frame::parse(&datagram[..8]), Err(FrameError::Length { announced: 1, found: 0 })));
        assert!(matches!(Frame::parse(&datagram[..7]), Err(FrameError::Missing(_))));
        assert_eq!(Frame::parse(&[0, 2, 0, 16, 0, 1, 0, 1, 9]), Err(FrameError::Version { found: 2 }));
    }
}
