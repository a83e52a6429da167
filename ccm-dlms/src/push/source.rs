//! Where pushes come from.

use crate::frame::hdlc::{Assembler, FLAG, Frame, Window, strip};
use crate::frame::{FrameError, wrapper};

/// What pushes come in: [`Hdlc`], [`Stream`], [`Datagram`] or [`Mixed`]. Sealed.
pub trait Source: sealed::Source {}

impl<S: sealed::Source> Source for S {}

/// The caller's memory. What does not fit is a named error; 1.7 KB each are enough for all meters that we know.
#[derive(Debug)]
pub struct Buffers<'b> {
    /// For a frame of HDLC, flags and all: up to 2050 bytes. Only [`Hdlc`] and [`Mixed`] need it.
    pub frames: &'b mut [u8],
    /// For an APDU, put together of segments.
    pub apdu: &'b mut [u8],
    /// For an APDU that comes in blocks; empty where none does.
    pub blocks: &'b mut [u8],
}

/// A serial line: frames of HDLC, in segments or not.
#[derive(Debug)]
pub struct Hdlc<'b> {
    window: Window,
    frames: &'b mut [u8],
    assembler: Assembler<'b>,
    /// A push was given up, which nobody was told yet.
    torn: bool,
}

impl<'b> Hdlc<'b> {
    /// A line, and the memory for blocks.
    pub const fn new(buffers: Buffers<'b>) -> (Self, &'b mut [u8]) {
        let Buffers { frames, apdu, blocks } = buffers;
        (Self { window: Window::new(), frames, assembler: Assembler::new(apdu), torn: false }, blocks)
    }

    fn next(&mut self, last: bool) -> Option<Result<Found, FrameError>> {
        loop {
            if core::mem::replace(&mut self.torn, false) {
                return Some(Err(FrameError::Incomplete));
            }
            let frame = self.window.next_frame(self.frames, last)?;
            // Noise between two segments may have been a third one, and nothing else would tell.
            if self.window.take_noise() && self.assembler.is_within() {
                self.torn = self.assembler.lost() && frame.is_ok();
            }
            match frame {
                Ok(frame) => match assemble(&mut self.assembler, &frame) {
                    Ok(None) => {}
                    Ok(Some(found)) => return Some(Ok(found)),
                    Err(error) => return Some(Err(error)),
                },
                Err(error) => {
                    self.assembler.lost();
                    return Some(Err(error));
                }
            }
        }
    }
}

impl sealed::Source for Hdlc<'_> {
    fn take(&mut self, bytes: &[u8]) -> (usize, Result<Option<Found>, FrameError>) {
        let mut taken = 0;
        loop {
            if let Some(found) = self.next(false) {
                return (taken, found.map(Some));
            }
            let rest = bytes.get(taken..).unwrap_or_default();
            if rest.is_empty() {
                return (taken, Ok(None));
            }
            match self.window.push(rest, self.frames) {
                // Only a buffer that is too small for any frame takes nothing.
                0 => return (bytes.len(), Err(FrameError::TooLong { length: 0, room: self.frames.len() })),
                count => taken += count,
            }
        }
    }

    fn last(&mut self) -> Option<Result<Found, FrameError>> {
        let found = self.next(true);
        if found.is_none() && self.assembler.is_within() {
            self.assembler.lost();
            return Some(Err(FrameError::Incomplete));
        }
        found
    }

    fn apdu_mut(&mut self) -> &mut [u8] {
        self.assembler.apdu_mut()
    }

    fn is_within(&self) -> bool {
        self.assembler.is_within() || self.window.is_reading()
    }
}

fn assemble(assembler: &mut Assembler<'_>, frame: &Frame<'_>) -> Result<Option<Found>, FrameError> {
    let number = |address: crate::hdlc::Address| {
        u32::from(address.upper()) << 16 | u32::from(address.lower().unwrap_or_default())
    };
    let stations = (number(frame.source), number(frame.destination));
    Ok(assembler.take_length(frame)?.map(|length| Found { length, stations }))
}

/// A TCP connection: the wrapper.
#[derive(Debug)]
pub struct Stream<'b> {
    stream: wrapper::Stream,
    apdu: &'b mut [u8],
    /// Out of step: where a frame begins nobody knows.
    is_lost: bool,
}

impl<'b> Stream<'b> {
    /// A connection, and the memory for blocks. After [`FrameError::Version`] the bytes are out of step, and none is heard
    /// until the connection ends or is silent.
    pub const fn new(buffers: Buffers<'b>) -> (Self, &'b mut [u8]) {
        let Buffers { apdu, blocks, .. } = buffers;
        (Self { stream: wrapper::Stream::new(), apdu, is_lost: false }, blocks)
    }
}

impl sealed::Source for Stream<'_> {
    fn take(&mut self, bytes: &[u8]) -> (usize, Result<Option<Found>, FrameError>) {
        if self.is_lost {
            return (bytes.len(), Ok(None));
        }
        let (taken, header) = self.stream.take(bytes, self.apdu);
        self.is_lost = matches!(header, Err(FrameError::Version { .. }));
        let room = self.apdu.len();
        let found = header.and_then(|header| header.map(|header| of_wrapper(header, room)).transpose());
        (taken, found)
    }

    fn last(&mut self) -> Option<Result<Found, FrameError>> {
        let is_within = self.stream.is_within();
        (self.stream, self.is_lost) = (wrapper::Stream::new(), false);
        is_within.then_some(Err(FrameError::Incomplete))
    }

    fn apdu_mut(&mut self) -> &mut [u8] {
        self.apdu
    }

    fn is_within(&self) -> bool {
        self.is_lost || self.stream.is_within()
    }
}

fn of_wrapper(header: wrapper::Header, room: usize) -> Result<Found, FrameError> {
    let length = header.length.into();
    if length > room {
        return Err(FrameError::TooLong { length, room });
    }
    Ok(Found { length, stations: (header.source.into(), header.destination.into()) })
}

/// Datagrams of UDP: the wrapper, one whole frame at each call. One sender only, where it sends in blocks.
#[derive(Debug)]
pub struct Datagram<'b> {
    apdu: &'b mut [u8],
}

impl<'b> Datagram<'b> {
    /// Datagrams, and the memory for blocks.
    pub const fn new(buffers: Buffers<'b>) -> (Self, &'b mut [u8]) {
        let Buffers { apdu, blocks, .. } = buffers;
        (Self { apdu }, blocks)
    }
}

impl sealed::Source for Datagram<'_> {
    fn take(&mut self, bytes: &[u8]) -> (usize, Result<Option<Found>, FrameError>) {
        if bytes.is_empty() {
            return (0, Ok(None));
        }
        (bytes.len(), datagram(bytes, self.apdu).map(Some))
    }

    fn last(&mut self) -> Option<Result<Found, FrameError>> {
        None
    }

    fn apdu_mut(&mut self) -> &mut [u8] {
        self.apdu
    }

    fn is_within(&self) -> bool {
        false
    }
}

fn datagram(bytes: &[u8], apdu: &mut [u8]) -> Result<Found, FrameError> {
    let frame = wrapper::Frame::parse(bytes)?;
    copy(frame.apdu, apdu, (frame.source.into(), frame.destination.into()))
}

/// Whole frames or APDUs of any kind, one at each call, or several of HDLC: what people have written down. An APDU may
/// have its LLC header, a frame of HDLC may lack its flags.
#[derive(Debug)]
pub struct Mixed<'b> {
    hdlc: Hdlc<'b>,
}

impl<'b> Mixed<'b> {
    /// Recordings, and the memory for blocks.
    pub const fn new(buffers: Buffers<'b>) -> (Self, &'b mut [u8]) {
        let (hdlc, blocks) = Hdlc::new(buffers);
        (Self { hdlc }, blocks)
    }

    fn whole(&mut self, bytes: &[u8]) -> Result<Option<Found>, FrameError> {
        let assembler = &mut self.hdlc.assembler;
        match bytes {
            [] => return Ok(None),
            // No tag of an APDU begins like the format field.
            [0xA0..=0xAF, ..] => {
                let frame = Frame::parse(bytes).inspect_err(|_| {
                    assembler.lost();
                })?;
                return assemble(assembler, &frame);
            }
            _ => {}
        }
        // An APDU takes the place of what has come of another one in segments.
        self.hdlc.torn |= assembler.lost();
        match bytes {
            [0x00, ..] => datagram(bytes, assembler.apdu_mut()).map(Some),
            _ => copy(strip(bytes), assembler.apdu_mut(), (0, 0)).map(Some),
        }
    }
}

impl sealed::Source for Mixed<'_> {
    fn take(&mut self, bytes: &[u8]) -> (usize, Result<Option<Found>, FrameError>) {
        if !matches!(bytes, [] | [FLAG, ..]) && !self.hdlc.window.is_reading() && !self.hdlc.torn {
            return (bytes.len(), self.whole(bytes));
        }
        match self.hdlc.take(bytes) {
            // The frame is whole or never will be.
            (taken, Ok(None)) if taken == bytes.len() => (taken, self.hdlc.next(true).transpose()),
            found => found,
        }
    }

    fn last(&mut self) -> Option<Result<Found, FrameError>> {
        self.hdlc.last()
    }

    fn apdu_mut(&mut self) -> &mut [u8] {
        self.hdlc.apdu_mut()
    }

    fn is_within(&self) -> bool {
        self.hdlc.is_within()
    }
}

fn copy(bytes: &[u8], apdu: &mut [u8], stations: Stations) -> Result<Found, FrameError> {
    let (length, room) = (bytes.len(), apdu.len());
    if length > room {
        return Err(FrameError::TooLong { length, room });
    }
    for (slot, byte) in apdu.iter_mut().zip(bytes) {
        *slot = *byte;
    }
    Ok(Found { length, stations })
}

/// Who sends, and to whom, as numbers of the link.
pub(super) type Stations = (u32, u32);

/// An APDU has come.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// It is so many bytes of the buffer.
    pub(super) length: usize,
    pub(super) stations: Stations,
}

pub(super) mod sealed {
    use super::{Found, FrameError};

    pub trait Source {
        /// Takes bytes, at most up to the end of an APDU. To be called again until it gives nothing and has taken all.
        fn take(&mut self, bytes: &[u8]) -> (usize, Result<Option<Found>, FrameError>);

        /// No more bytes will come: what is left of those that came. To be called until it gives nothing.
        fn last(&mut self) -> Option<Result<Found, FrameError>>;

        /// Where the APDU lies.
        fn apdu_mut(&mut self) -> &mut [u8];

        /// Whether something has begun that has not ended.
        fn is_within(&self) -> bool;
    }
}
