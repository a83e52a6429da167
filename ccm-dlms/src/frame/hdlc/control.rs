//! The control field: what a frame is for (Green Book 8.4.3.3).

/// What a frame is for. `poll` is the P bit of a command or the F bit of a response: the right to send passes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Control {
    /// I: an APDU or a segment of one, number `send` modulo 8; `receive` is the number expected next.
    Information {
        /// N(S), 0 to 7.
        send: u8,
        /// N(R), 0 to 7.
        receive: u8,
        /// The P or F bit.
        poll: bool,
    },
    /// RR: ready, and all before `receive` has come.
    ReceiveReady {
        /// N(R), 0 to 7.
        receive: u8,
        /// The P or F bit.
        poll: bool,
    },
    /// RNR: all before `receive` has come, but no more can be taken now.
    ReceiveNotReady {
        /// N(R), 0 to 7.
        receive: u8,
        /// The P or F bit.
        poll: bool,
    },
    /// REJ: `receive` and all behind it must come again.
    Reject {
        /// N(R), 0 to 7.
        receive: u8,
        /// The P or F bit.
        poll: bool,
    },
    /// One of the frames without numbers.
    Unnumbered {
        /// Which.
        kind: Unnumbered,
        /// The P or F bit.
        poll: bool,
    },
}

/// The frames without numbers, by their code without the P/F bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Unnumbered {
    /// SNRM: the client links.
    SetNormalResponseMode,
    /// DISC: the client ends the link.
    Disconnect,
    /// UA: the server agrees.
    Acknowledge,
    /// DM: the server is not linked.
    DisconnectedMode,
    /// FRMR: the server cannot make sense of a frame.
    FrameReject,
    /// UI: an APDU outside of any link, as in pushes.
    Information,
    /// A code that the profile does not use.
    Other(u8),
}

impl Control {
    /// A frame without numbers that passes the right to send on.
    pub(crate) const fn unnumbered(kind: Unnumbered) -> Self {
        Self::Unnumbered { kind, poll: true }
    }

    /// Reads the control field. Every byte is one.
    pub const fn from_byte(byte: u8) -> Self {
        let (receive, poll) = (byte >> 5, byte & POLL != 0);
        match byte & 0x0F {
            0x01 => Self::ReceiveReady { receive, poll },
            0x05 => Self::ReceiveNotReady { receive, poll },
            0x09 => Self::Reject { receive, poll },
            low if low & 1 == 0 => Self::Information { send: low >> 1, receive, poll },
            _ => Self::Unnumbered { kind: Unnumbered::from_code(byte & !POLL), poll },
        }
    }

    /// The byte on the wire; numbers count modulo 8.
    pub const fn byte(self) -> u8 {
        let (byte, poll) = match self {
            Self::Information { send, receive, poll } => (receive << 5 | (send & 7) << 1, poll),
            Self::ReceiveReady { receive, poll } => (receive << 5 | 0x01, poll),
            Self::ReceiveNotReady { receive, poll } => (receive << 5 | 0x05, poll),
            Self::Reject { receive, poll } => (receive << 5 | 0x09, poll),
            Self::Unnumbered { kind, poll } => (kind.code(), poll),
        };
        if poll { byte | POLL } else { byte }
    }

    /// The P or F bit.
    pub const fn poll(self) -> bool {
        self.byte() & POLL != 0
    }
}

impl Unnumbered {
    const fn from_code(code: u8) -> Self {
        match code {
            0x83 => Self::SetNormalResponseMode,
            0x43 => Self::Disconnect,
            0x63 => Self::Acknowledge,
            0x0F => Self::DisconnectedMode,
            0x87 => Self::FrameReject,
            0x03 => Self::Information,
            other => Self::Other(other),
        }
    }

    const fn code(self) -> u8 {
        match self {
            Self::SetNormalResponseMode => 0x83,
            Self::Disconnect => 0x43,
            Self::Acknowledge => 0x63,
            Self::DisconnectedMode => 0x0F,
            Self::FrameReject => 0x87,
            Self::Information => 0x03,
            Self::Other(code) => code & !POLL,
        }
    }
}

const POLL: u8 = 0x10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_a_control_field_and_itself_again() {
        for byte in 0..=u8::MAX {
            assert_eq!(Control::from_byte(byte).byte(), byte, "{:?}", Control::from_byte(byte));
            assert_eq!(Control::from_byte(byte).poll(), byte & 0x10 != 0);
        }
    }

    #[test]
    fn the_bytes_are_the_standards() {
        let unnumbered = |kind| Control::unnumbered(kind).byte();
        assert_eq!(unnumbered(Unnumbered::SetNormalResponseMode), 0x93);
        assert_eq!(unnumbered(Unnumbered::Disconnect), 0x53);
        assert_eq!(unnumbered(Unnumbered::Acknowledge), 0x73);
        assert_eq!(unnumbered(Unnumbered::DisconnectedMode), 0x1F);
        assert_eq!(unnumbered(Unnumbered::FrameReject), 0x97);
        assert_eq!(unnumbered(Unnumbered::Information), 0x13);
        assert_eq!(Control::from_byte(0x52), Control::Information { send: 1, receive: 2, poll: true });
        assert_eq!(Control::from_byte(0xB1), Control::ReceiveReady { receive: 5, poll: true });
    }
}
