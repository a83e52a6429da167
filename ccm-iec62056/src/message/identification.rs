//! The identification: who a meter is, how fast it can talk and how fast it reacts (6.3.2).

use ccm_core::{Duration, Full, Writer};

/// What a meter says first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Identification<'a> {
    /// The maker's three letters, as the FLAG association gives them out.
    pub flag: [u8; 3],
    /// The character that says the speed; in mode A anything.
    pub speed: u8,
    /// Escapes, `\` and a character each: `\2` is mode E, all others are the maker's.
    pub escapes: &'a [u8],
    /// What the maker says of the meter, at most 16 characters by the standard.
    pub model: &'a [u8],
}

/// How the dialogue goes on after the identification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Mode {
    /// Data follow at the same speed.
    A,
    /// Data follow at the meter's speed.
    B,
    /// The reader chooses, in an acknowledgement.
    C,
    /// The meter pushes; nobody asks it.
    D,
    /// As C, and binary (DLMS) may be chosen.
    E,
}

impl<'a> Identification<'a> {
    /// Reads an identification, without `/` and end of line.
    pub fn parse(line: &'a [u8]) -> Option<Self> {
        // Slice patterns in place of a parser: every firmware has this, and nom brings panics that cannot happen.
        let (flag, rest) = line.split_first_chunk::<FLAG>()?;
        let (speed, rest) = rest.split_first()?;
        let model = behind_escapes(rest);
        let escapes = rest.get(..rest.len().checked_sub(model.len())?)?;
        let is_flag = flag.iter().all(u8::is_ascii_alphabetic);
        is_flag.then_some(Self { flag: *flag, speed: *speed, escapes, model })
    }

    /// Writes the whole line, `/` and end of line included.
    pub fn emit(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        writer.u8(b'/')?;
        writer.array(self.flag)?;
        writer.u8(self.speed)?;
        writer.slice(self.escapes)?;
        writer.slice(self.model)?;
        writer.array(*b"\r\n")
    }

    /// The mode that the speed character and the escapes offer.
    pub fn mode(&self) -> Mode {
        match self.speed {
            b'0'..=b'9' if self.is_binary() => Mode::E,
            b'0'..=b'9' => Mode::C,
            b'A'..=b'I' => Mode::B,
            _ => Mode::A,
        }
    }

    /// The speed offered; 300 Bd where the character says none, nothing where it is reserved.
    pub fn baud(&self) -> Option<u32> {
        if self.mode() == Mode::A { Some(START) } else { baud(self.speed) }
    }

    /// Whether `\2` is among the escapes: the meter can go on in binary (mode E). `\@` and others say nothing of it.
    pub fn is_binary(&self) -> bool {
        self.escapes.chunks(2).any(|escape| matches!(escape, b"\\2" | b"\x02"))
    }

    /// How long the meter may need to react, at least: 20 ms where the third letter is small, else 200 ms (6.3.2).
    pub fn reaction(&self) -> Duration {
        let [.., third] = self.flag;
        Duration::from_millis(if third.is_ascii_lowercase() { 20 } else { 200 })
    }
}

/// What a speed character means in modes B and C; nothing where it is reserved.
///
/// ```
/// // Mode B starts at 600 Bd, not at 300.
/// assert_eq!([b'A', b'F', b'0', b'5', b'7'].map(ccm_iec62056::baud), [Some(600), Some(19_200), Some(300), Some(9600), None]);
/// ```
pub fn baud(character: u8) -> Option<u32> {
    SPEEDS.iter().find_map(|(c, b, baud)| (*c == character || *b == Some(character)).then_some(*baud))
}

/// The speed character of mode C for a speed.
pub fn speed(baud: u32) -> Option<u8> {
    SPEEDS.iter().find_map(|(character, _, speed)| (*speed == baud).then_some(*character))
}

/// What follows the escapes: `\\` and a character each, or a byte 2 in place of `\\2`.
const fn behind_escapes(mut line: &[u8]) -> &[u8] {
    while let [b'\\', _, rest @ ..] | [0x02, rest @ ..] = line {
        line = rest;
    }
    line
}

/// The speed at which every dialogue begins (6.2).
pub(crate) const START: u32 = 300;

const FLAG: usize = 3;

/// Characters of modes C and B, and the speed (6.3.2). 7 to 9 and G to I are reserved.
const SPEEDS: [(u8, Option<u8>, u32); 7] = [
    (b'0', None, START),
    (b'1', Some(b'A'), 600),
    (b'2', Some(b'B'), 1200),
    (b'3', Some(b'C'), 2400),
    (b'4', Some(b'D'), 4800),
    (b'5', Some(b'E'), 9600),
    (b'6', Some(b'F'), 19_200),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_escape_two_is_mode_e() {
        for (line, mode) in [
            ("ISk5MT174-0001", Mode::C),
            ("LGZ4\\2ZMD3102400.B31", Mode::E),
            ("EMH4\\@01LZQJL0014F", Mode::C),
            ("ABC5\\@\\2XY", Mode::E),
            ("KAM MC", Mode::A),
            ("NWA-WARMTELINK", Mode::A),
            ("LUGCUH50", Mode::B),
        ] {
            assert_eq!(Identification::parse(line.as_bytes()).unwrap().mode(), mode, "{line}");
        }
    }

    #[test]
    fn a_byte_two_in_place_of_the_escape_is_read_and_never_written_by_us() {
        let parsed = Identification::parse(b"ISK5\x02M550T-1012").unwrap();
        assert_eq!((parsed.is_binary(), parsed.model), (true, b"M550T-1012".as_slice()));
    }

    #[test]
    fn a_small_third_letter_is_twenty_milliseconds() {
        let reaction = |line: &[u8]| Identification::parse(line).unwrap().reaction().as_millis();
        assert_eq!([reaction(b"ISk5MT174"), reaction(b"LGZ5ZMD")], [20, 200]);
    }

    #[test]
    fn what_has_no_three_letters_is_none() {
        for line in ["", "?!", "IS", "ISk", "12345", "SX330)"] {
            assert_eq!(Identification::parse(line.as_bytes()), None, "{line}");
        }
    }
}
