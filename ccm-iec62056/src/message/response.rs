//! What a meter says.

use ccm_core::{Full, Line, Writer};

use super::Identification;
use super::request::bcc;
use crate::Check;
use crate::frame::{ACK, ETX, NAK, SOH, STX};

/// What an exchange brought. Data sets have gone to the [`Sink`](crate::Sink) by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Response<'a> {
    /// The meter said who it is.
    Identification(Identification<'a>),
    /// Data came.
    Data {
        /// What the end of it says of the rest.
        check: Check,
        /// How many data sets.
        sets: u32,
        /// How many faults there were; what they cost has not gone to the sink.
        faults: u32,
        /// False where the sink had enough before the end.
        whole: bool,
    },
    /// `P0` and others: the meter wants a password, and gives what it is to be coded with (6.4.1).
    Prompt {
        /// The digit.
        kind: u8,
        /// The operand; empty or anything where the password is sent as it is.
        seed: &'a [u8],
    },
    /// ACK: the command is carried out.
    Acknowledged,
    /// NAK: the meter has not understood.
    Repeat,
    /// `(ER..)`: the meter refuses.
    Refused(&'a [u8]),
    /// `B0`: the meter ends the dialogue.
    Break,
    /// Mode E: the line is at this setting and HDLC may begin.
    Binary(Line),
}

impl Response<'_> {
    /// Writes the messages that are short; nothing for data, which a [`Server`](crate::Server) sends line by line, and
    /// for the hand-over.
    pub fn emit(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        match self {
            Self::Identification(identification) => identification.emit(writer),
            Self::Prompt { kind, seed } => framed(writer, &[SOH, b'P', b'0' + kind % 10, STX], Some(seed)),
            Self::Acknowledged => writer.u8(ACK),
            Self::Repeat => writer.u8(NAK),
            Self::Refused(text) => framed(writer, &[STX], Some(text)),
            Self::Break => framed(writer, &[SOH, b'B', b'0'], None),
            Self::Data { .. } | Self::Binary(_) => Ok(()),
        }
    }
}

fn framed(writer: &mut Writer<'_>, head: &[u8], value: Option<&[u8]>) -> Result<(), Full> {
    let start = writer.written().len();
    writer.slice(head)?;
    if let Some(value) = value {
        writer.u8(b'(')?;
        writer.slice(value)?;
        writer.u8(b')')?;
    }
    writer.u8(ETX)?;
    let check = bcc(writer.written().get(start + 1..).unwrap_or_default());
    writer.u8(check)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_frames_come_out_byte_for_byte() {
        let table: [(Response<'_>, &[u8]); 5] = [
            (Response::Prompt { kind: 0, seed: b"" }, b"\x01P0\x02()\x03\x60"),
            (
                Response::Prompt { kind: 0, seed: b"FD2BA0E29731D230" },
                b"\x01P0\x02(FD2BA0E29731D230)\x03\x6d",
            ),
            (Response::Refused(b"ER07"), b"\x02(ER07)\x03\x12"),
            (Response::Break, b"\x01B0\x03q"),
            (Response::Acknowledged, b"\x06"),
        ];
        for (response, bytes) in table {
            let mut buffer = [0; 40];
            let mut writer = Writer::new(&mut buffer);
            response.emit(&mut writer).unwrap();
            assert!(writer.written().starts_with(bytes), "{response:?}");
        }
    }
}
