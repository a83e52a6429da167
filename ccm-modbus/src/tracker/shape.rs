//! Where a frame may end, as far as its first bytes tell: nobody says whether it is a request or a reply.

use super::asked::Asked;
use crate::Function;
use crate::frame::rtu;
use crate::message::{Extent, READ_DEVICE_IDENTIFICATION, REFUSED};

/// What begins at the front of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A sound frame of so many bytes.
    Frame(usize),
    /// Perhaps a frame; more bytes are needed to tell.
    More,
    /// Perhaps a frame that only silence ends.
    Silence,
    /// No frame.
    Never,
}

impl Shape {
    /// Tries the lengths of a request and of a reply. The shortest that the checksum agrees with is the one: zeros behind
    /// a frame leave the checksum right. But one sound beginning in 65 536 is chance: unless these bytes are the `last` or
    /// somebody waits for the reply, a request that may still come whole has the first word.
    pub(super) fn of(window: &[u8], asked: Option<&Asked>, last: bool) -> Self {
        let Some([unit, code]) = window.first_chunk() else { return Self::More };
        if code & !REFUSED == 0 {
            return Self::Never;
        }
        let ends = ends(*code, window.get(1..).unwrap_or_default(), asked);
        let is_here = |length: &usize| window.get(..*length).is_some_and(rtu::is_sound);
        let [request, ..] = ends;
        let is_awaited = asked.is_some_and(|asked| asked.is_about(*unit, *code));
        let asks = request.length().filter(|length| !is_awaited && is_here(length));
        let waits = !last && !is_awaited && request.is_later(window.len());
        let here = asks.or_else(|| ends.iter().filter_map(End::length).filter(is_here).min());
        match here.filter(|_| !waits) {
            Some(length) => Self::Frame(length),
            None if ends.iter().any(|end| end.is_later(window.len())) => Self::More,
            None if ends.contains(&End::Silence) => Self::Silence,
            None => Self::Never,
        }
    }
}

/// The shortest sound frame at the front, of whatever length: for functions whose frames only silence ends.
pub(super) fn shortest(window: &[u8]) -> Option<usize> {
    let is_diagnostics = window.get(1) == Some(&Function::Diagnostics.code());
    let least = if is_diagnostics { DIAGNOSTICS + AROUND } else { SHORTEST };
    (least..=window.len()).find(|length| window.get(..*length).is_some_and(rtu::is_sound))
}

/// Whether `window` is exactly one sound frame; of a function without a length only where `open` ones count.
pub(super) fn is_frame(window: &[u8], open: bool) -> bool {
    let Some(code) = window.get(1).filter(|code| *code & !REFUSED != 0) else { return false };
    // The lengths first: they cost nothing, and most bytes of noise fail there.
    let ends = ends(*code, window.get(1..).unwrap_or_default(), None);
    let fits = |end: &End| open && *end == End::Silence || end.length() == Some(window.len());
    ends.iter().any(fits) && rtu::is_sound(window)
}

/// Whether a PDU is as long as a request of its function.
pub(super) fn fits_request(pdu: &[u8]) -> bool {
    let Some(code) = pdu.first().filter(|code| *code & REFUSED == 0) else { return false };
    fits(Function::from_code(*code).request(), pdu)
}

/// Whether a PDU is as long as a reply of its function.
pub(super) fn fits_reply(pdu: &[u8]) -> bool {
    match pdu.first() {
        Some(code) if code & REFUSED != 0 => pdu.len() == REFUSAL,
        Some(code) => fits(Function::from_code(*code).response(), pdu),
        None => false,
    }
}

fn fits(extent: Extent, pdu: &[u8]) -> bool {
    extent == Extent::Open || extent.of(pdu) == Some(pdu.len())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// The PDU has so many bytes.
    At(usize),
    /// Too few bytes are there to tell.
    Later,
    /// Where the line is silent.
    Silence,
    /// It cannot be.
    Nowhere,
}

impl End {
    fn of(extent: Extent, pdu: &[u8]) -> Self {
        match extent {
            Extent::Open => Self::Silence,
            extent => extent.of(pdu).map_or(Self::Later, Self::At),
        }
    }

    /// The frame's length, where it is known.
    fn length(&self) -> Option<usize> {
        if let Self::At(length) = self { Some(length + AROUND) } else { None }
    }

    /// Whether the end may still come behind the `heard` bytes.
    fn is_later(&self, heard: usize) -> bool {
        let in_reach = |length| heard < length && length <= LONGEST;
        *self == Self::Later || self.length().is_some_and(in_reach)
    }
}

/// The request's end first.
fn ends(code: u8, pdu: &[u8], asked: Option<&Asked>) -> [End; 3] {
    if code & REFUSED != 0 {
        return [End::At(REFUSAL), End::Nowhere, End::Nowhere];
    }
    match Function::from_code(code) {
        // Nearly always one pair of data, never less; more of them end by silence, or as long as was asked.
        Function::Diagnostics => {
            let reply = asked.and_then(|asked| asked.length(pdu)).map_or(End::Nowhere, End::At);
            let more = if pdu.len() > DIAGNOSTICS + 2 { End::Silence } else { End::Nowhere };
            [End::At(DIAGNOSTICS), reply, more]
        }
        Function::EncapsulatedInterfaceTransport => match pdu.get(1) {
            Some(&READ_DEVICE_IDENTIFICATION) => [End::At(4), identification(pdu), End::Silence],
            Some(_) => [End::Silence, End::Nowhere, End::Nowhere],
            None => [End::Later, End::Nowhere, End::Nowhere],
        },
        function => {
            // No reply brings nothing.
            let is_empty = function.response() == Extent::Counted(1) && pdu.get(1) == Some(&0);
            let reply = if is_empty { End::Nowhere } else { End::of(function.response(), pdu) };
            [End::of(function.request(), pdu), reply, End::Nowhere]
        }
    }
}

/// The reply's objects are counted, and each says how long it is (MB-APP 6.21).
fn identification(pdu: &[u8]) -> End {
    let Some(count) = pdu.get(6) else { return End::Later };
    let end = (0..*count).try_fold(7, |end, _| Some(end + 2 + usize::from(*pdu.get(end + 1)?)));
    end.map_or(End::Later, End::At)
}

/// Unit, function code and checksum.
const SHORTEST: usize = 4;

/// MB-SERIAL 2.3.
const LONGEST: usize = 256;

/// Unit and checksum.
const AROUND: usize = 3;

/// Function code and exception.
const REFUSAL: usize = 2;

/// Function code, sub-function and a pair of data (MB-APP 6.8).
const DIAGNOSTICS: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    /// The frame of a PDU.
    fn frame(pdu: &[u8]) -> Vec<u8> {
        let mut frame = [&[17], pdu].concat();
        frame.extend(crate::frame::crc::checksum(&frame).to_le_bytes());
        frame
    }

    #[test]
    fn requests_and_replies_of_every_function_end_where_the_standard_says() {
        let table: [&[u8]; 14] = [
            &[3, 0, 5, 0, 2],
            &[3, 4, 0, 1, 0, 2],
            &[7],
            &[7, 0x55],
            &[8, 0, 0, 0x12, 0x34],
            &[12],
            &[12, 8, 0, 0, 0, 1, 0, 2, 0x20, 0],
            &[16, 0, 1, 0, 1, 2, 0, 9],
            &[16, 0, 1, 0, 1],
            &[24, 0, 4],
            &[24, 0, 4, 0, 1, 0, 7],
            &[0x2B, 14, 1, 0],
            &[0x2B, 14, 1, 1, 0, 0, 1, 0, 3, b'C', b'c', b'M'],
            &[0xE5, 1],
        ];
        for pdu in table {
            let bytes = [frame(pdu), vec![0, 0, 17, 3]].concat();
            assert_eq!(Shape::of(&bytes, None, true), Shape::Frame(pdu.len() + 3), "{pdu:02x?}");
            assert!(is_frame(&frame(pdu), false), "{pdu:02x?}");
            for length in 0..pdu.len() + 3 {
                let shape = Shape::of(&bytes[..length], None, false);
                assert!(matches!(shape, Shape::More), "{pdu:02x?} cut to {length}: {shape:?}");
            }
        }
    }

    #[test]
    fn what_no_length_tells_waits_for_silence_and_what_cannot_be_does_not_wait() {
        assert_eq!(Shape::of(&frame(&[0x65, 1, 2]), None, false), Shape::Silence);
        assert_eq!(Shape::of(&frame(&[8, 0, 0, 1, 2, 3, 4]), None, false), Shape::Silence);
        assert_eq!(Shape::of(&[0, 0, 0, 0], None, false), Shape::Never);
        assert_eq!(Shape::of(&[1, 3, 0, 5, 0, 2, 0, 0], None, false), Shape::Never);
        // A count of 255 is more than a frame holds, so there is nothing to wait for.
        assert_eq!(Shape::of(&[1, 3, 255, 5, 0, 2, 0, 0], None, false), Shape::Never);
        assert_eq!(shortest(&frame(&[0x65, 1, 2])), Some(6));
    }
}
