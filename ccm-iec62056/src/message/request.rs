//! What a reader says: request, acknowledgement, commands (6.3, 6.4).

use ccm_core::{Full, Writer};
use nom::branch::alt;
use nom::bytes::complete::{tag, take, take_till, take_while_m_n};
use nom::character::complete::one_of;
use nom::combinator::{all_consuming, opt, rest, verify};
use nom::sequence::{delimited, preceded};
use nom::{IResult, Parser};

use crate::frame::{ACK, CR, ETX, LF, SOH, STX};

/// A message to the meter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Request<'a> {
    /// `/?address!`: whoever has the address, or everybody where it is empty, says who it is (6.3.1).
    SignOn {
        /// `?`; some makers have tables behind `1` to `4`.
        table: u8,
        /// At most 32 characters.
        address: &'a [u8],
    },
    /// The acknowledgement with what is wanted next (6.3.3).
    Select(Select),
    /// A command of programming mode (6.4).
    Command(Command<'a>),
    /// Nothing is said: data come by themselves (modes A, B, D and P1).
    Listen {
        /// At this speed; nothing leaves the line as it is.
        baud: Option<u32>,
    },
}

/// The three characters of an acknowledgement: `ACK V Z Y` (6.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Select {
    /// V: `0` normal, `2` HDLC.
    pub protocol: u8,
    /// Z: the speed offered, or `0` for none but the first.
    pub speed: u8,
    /// Y: `0` readout, `1` programming, `2` binary, `6` to `9` the maker's.
    pub option: u8,
}

/// A command of programming mode: a letter, a digit and perhaps data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Command<'a> {
    /// What is done.
    pub code: Code,
    /// The digit: 1 plain, 2 coded, 3 and 4 by communication and formatted, 5 and 6 in partial blocks (6.4.2).
    pub kind: u8,
    /// Address and value.
    pub data: Data<'a>,
}

/// The letter of a command (6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Code {
    /// P
    Password,
    /// W
    Write,
    /// R
    Read,
    /// E
    Execute,
    /// B
    Exit,
    /// Any other.
    Other(u8),
}

/// The data of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Data<'a> {
    /// No STX either.
    None,
    /// `address(value)` or `address(value)(second)`.
    Set {
        /// It may be empty.
        address: &'a [u8],
        /// With its unit behind `*`, if it has one; it may be empty.
        value: &'a [u8],
        /// EMH meters want the password of a write here.
        second: Option<&'a [u8]>,
    },
    /// Anything else.
    Raw(&'a [u8]),
}

impl<'a> Request<'a> {
    /// Reads a whole message: from `/` to the end of line, from ACK to the end of line, from SOH to the check character.
    pub fn parse(message: &'a [u8]) -> Option<Self> {
        let sign_on = sign_on.map(|(table, address)| Self::SignOn { table, address });
        let mut message_of =
            all_consuming(alt((sign_on, select.map(Self::Select), command.map(Self::Command))));
        message_of.parse(message).ok().map(|(_, request)| request)
    }

    /// Writes the message; nothing for [`Listen`](Self::Listen).
    pub fn emit(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        match self {
            Self::SignOn { table, address } => {
                writer.array([b'/', *table])?;
                writer.slice(address)?;
                writer.array(*b"!\r\n")
            }
            Self::Select(Select { protocol, speed, option }) => {
                writer.array([ACK, *protocol, *speed, *option, CR, LF])
            }
            Self::Command(command) => command.emit(writer),
            Self::Listen { .. } => Ok(()),
        }
    }
}

impl<'a> Command<'a> {
    /// Reads `address`, for instance `R5 1.8.0()`; `value` says how much of it, and is mostly empty.
    pub const fn read(kind: u8, address: &'a [u8], value: &'a [u8]) -> Self {
        Self { code: Code::Read, kind, data: Data::Set { address, value, second: None } }
    }

    /// Writes `value` at `address`.
    pub const fn write(kind: u8, address: &'a [u8], value: &'a [u8]) -> Self {
        Self { code: Code::Write, kind, data: Data::Set { address, value, second: None } }
    }

    /// Carries something out.
    pub const fn execute(kind: u8, address: &'a [u8], value: &'a [u8]) -> Self {
        Self { code: Code::Execute, kind, data: Data::Set { address, value, second: None } }
    }

    /// Gives a password: 1 as it is, 2 as the meter's algorithm makes it.
    pub const fn password(kind: u8, password: &'a [u8]) -> Self {
        Self { code: Code::Password, kind, data: Data::Set { address: &[], value: password, second: None } }
    }

    /// `B0`: ends the dialogue.
    pub const fn exit() -> Self {
        Self { code: Code::Exit, kind: 0, data: Data::None }
    }

    /// The same command with a second value.
    pub const fn with_second(self, second: &'a [u8]) -> Self {
        match self.data {
            Data::Set { address, value, .. } => {
                Self { data: Data::Set { address, value, second: Some(second) }, ..self }
            }
            _ => self,
        }
    }

    /// The address that is asked for; empty where there is none.
    pub const fn address(&self) -> &'a [u8] {
        match self.data {
            Data::Set { address, .. } => address,
            _ => &[],
        }
    }

    /// The value given; empty where there is none.
    pub const fn value(&self) -> &'a [u8] {
        match self.data {
            Data::Set { value, .. } => value,
            _ => &[],
        }
    }

    fn emit(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        let start = writer.written().len();
        writer.array([SOH, self.code.letter(), b'0' + self.kind % 10])?;
        if self.data != Data::None {
            writer.u8(STX)?;
            self.data.emit(writer)?;
        }
        writer.u8(ETX)?;
        let bcc = bcc(writer.written().get(start + 1..).unwrap_or_default());
        writer.u8(bcc)
    }
}

impl Code {
    /// The letter.
    pub const fn letter(self) -> u8 {
        match self {
            Self::Password => b'P',
            Self::Write => b'W',
            Self::Read => b'R',
            Self::Execute => b'E',
            Self::Exit => b'B',
            Self::Other(letter) => letter,
        }
    }

    /// What the letter means.
    pub fn from_letter(letter: u8) -> Self {
        let known = [Self::Password, Self::Write, Self::Read, Self::Execute, Self::Exit];
        known.into_iter().find(|code| code.letter() == letter).unwrap_or(Self::Other(letter))
    }
}

impl Data<'_> {
    fn emit(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        match self {
            Self::None => Ok(()),
            Self::Raw(raw) => writer.slice(raw),
            Self::Set { address, value, second } => {
                writer.slice(address)?;
                bracketed(writer, value)?;
                second.map_or(Ok(()), |second| bracketed(writer, second))
            }
        }
    }
}

fn bracketed(writer: &mut Writer<'_>, value: &[u8]) -> Result<(), Full> {
    writer.u8(b'(')?;
    writer.slice(value)?;
    writer.u8(b')')
}

/// The check character over these bytes: all after the first SOH or STX, ETX or EOT included.
pub(crate) fn bcc(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |bcc, byte| bcc ^ byte) & 0x7F
}

fn sign_on(message: &[u8]) -> IResult<&[u8], (u8, &[u8])> {
    let table = one_of("?123456789").map(|table| u8::try_from(table).unwrap_or(b'?'));
    let address = take_while_m_n(0, 32, |byte: u8| byte != b'!' && byte.is_ascii_graphic());
    delimited(tag("/"), (table, address), tag("!\r\n")).parse(message)
}

fn select(message: &[u8]) -> IResult<&[u8], Select> {
    let characters = verify(take(3_usize), |characters: &[u8]| characters.iter().all(u8::is_ascii_graphic));
    let (message, characters) = delimited(tag("\x06"), characters, tag("\r\n")).parse(message)?;
    let (protocol, speed, option) = match *characters {
        [protocol, speed, option] => (protocol, speed, option),
        _ => (0, 0, 0),
    };
    Ok((message, Select { protocol, speed, option }))
}

/// SOH, letter, digit, STX and data, ETX and a check character that fits.
fn command(message: &[u8]) -> IResult<&[u8], Command<'_>> {
    let (_, body) = preceded(tag("\x01"), rest).parse(message)?;
    let body = match body.split_last() {
        Some((given, body)) if bcc(body) == *given => body,
        _ => return Err(failure(message)),
    };
    let letter = verify(take(1_usize), |letter: &[u8]| letter.iter().all(u8::is_ascii_uppercase));
    let (_, (letter, kind, data)) = all_consuming((
        letter,
        one_of("0123456789"),
        opt(preceded(tag("\x02"), take_till(|b| b == ETX))),
        tag("\x03"),
    ))
    .map(|(letter, kind, data, _)| (letter, kind, data))
    .parse(body)?;
    let code = Code::from_letter(letter.first().copied().unwrap_or_default());
    let kind = kind.to_digit(10).and_then(|digit| u8::try_from(digit).ok()).unwrap_or_default();
    Ok((&[], Command { code, kind, data: data.map_or(Data::None, data_of) }))
}

fn data_of(data: &[u8]) -> Data<'_> {
    let address = take_till(|byte| matches!(byte, b'(' | b')'));
    let set = all_consuming((address, group, opt(group))).parse(data);
    set.map_or(Data::Raw(data), |(_, (address, value, second))| Data::Set { address, value, second })
}

fn group(data: &[u8]) -> IResult<&[u8], &[u8]> {
    delimited(tag("("), take_till(|byte| matches!(byte, b'(' | b')')), tag(")")).parse(data)
}

fn failure(message: &[u8]) -> nom::Err<nom::error::Error<&[u8]>> {
    nom::Err::Error(nom::error::Error::new(message, nom::error::ErrorKind::Verify))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn emitted(request: Request<'_>) -> std::vec::Vec<u8> {
        let mut buffer = [0; 80];
        let mut writer = Writer::new(&mut buffer);
        request.emit(&mut writer).unwrap();
        writer.written().to_vec()
    }

    #[test]
    fn the_published_frames_come_out_byte_for_byte_and_are_read_back() {
        let ack = |protocol, speed, option| Request::Select(Select { protocol, speed, option });
        let emh = Command::write(5, b"0.9.1", b"0102350").with_second(b"00000000");
        let frames: [(Request<'_>, &[u8]); 13] = [
            (Request::Command(Command::exit()), b"\x01B0\x03q"),
            (Request::Command(Command::password(1, b"00000000")), b"\x01P1\x02(00000000)\x03\x61"),
            (Request::Command(Command::password(0, b"")), b"\x01P0\x02()\x03\x60"),
            (Request::Command(Command::read(5, b"1.8.0", b"")), b"\x01R5\x021.8.0()\x03\x5e"),
            (
                Request::Command(Command::read(5, b"P.01", b"0130131080000;0130201080000")),
                b"\x01R5\x02P.01(0130131080000;0130201080000)\x03\x23",
            ),
            (Request::Command(Command::read(6, b"P.01", b";")), b"\x01R6\x02P.01(;)\x03\x20"),
            (Request::Command(emh), b"\x01W5\x020.9.1(0102350)(00000000)\x03\x6e"),
            (Request::Command(Command::execute(1, b"131.132", b"zero")), b"\x01E1\x02131.132(zero)\x03["),
            (Request::SignOn { table: b'?', address: b"" }, b"/?!\r\n"),
            (Request::SignOn { table: b'?', address: b"12345678" }, b"/?12345678!\r\n"),
            (ack(b'0', b'5', b'0'), b"\x06050\r\n"),
            (ack(b'0', b'5', b'1'), b"\x06051\r\n"),
            (ack(b'2', b'5', b'2'), b"\x06252\r\n"),
        ];
        for (request, bytes) in frames {
            assert_eq!(emitted(request), bytes);
            assert_eq!(Request::parse(bytes), Some(request));
        }
    }

    #[test]
    fn a_wrong_check_character_is_no_command() {
        assert_eq!(Request::parse(b"\x01B0\x03r"), None);
        assert_eq!(Request::parse(b"\x01B0\x03"), None);
    }
}
