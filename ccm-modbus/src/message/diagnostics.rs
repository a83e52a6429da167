//! Diagnostics: the sub-functions of function 8, and the log of function 12.

macro_rules! sub_functions {
    ($($(#[$doc:meta])* $code:literal $name:ident;)*) => {
        /// What a [`Function::Diagnostics`](crate::Function::Diagnostics) asks for (MB-APP 6.8.1).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub enum SubFunction {
            $($(#[$doc])* $name,)*
            /// A reserved code; a server refuses it as an illegal function.
            Other(u16),
        }

        impl SubFunction {
            /// Every sub-function of the standard, in the order of their codes.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Names the sub-function of a code.
            pub const fn from_code(code: u16) -> Self {
                match code {
                    $($code => Self::$name,)*
                    _ => Self::Other(code),
                }
            }

            /// The code on the wire.
            pub const fn code(self) -> u16 {
                match self {
                    $(Self::$name => $code,)*
                    Self::Other(code) => code,
                }
            }
        }
    };
}

sub_functions! {
    /// Gives the data back.
    0x00 ReturnQueryData;
    /// Begins anew, and leaves listen-only mode; data 0xFF00 clears the event log too.
    0x01 RestartCommunications;
    /// Reads the diagnostic register.
    0x02 ReturnDiagnosticRegister;
    /// Sets the character that ends an ASCII frame in place of the line feed.
    0x03 ChangeAsciiInputDelimiter;
    /// Hears everything and says nothing until communications are restarted. Has no reply.
    0x04 ForceListenOnlyMode;
    /// Sets the diagnostic register and all counters to 0.
    0x0A ClearCounters;
    /// Counts sound messages on the line, other units' included.
    0x0B ReturnBusMessageCount;
    /// Counts wrong checksums.
    0x0C ReturnBusCommunicationErrorCount;
    /// Counts refusals sent.
    0x0D ReturnBusExceptionErrorCount;
    /// Counts messages to this unit, broadcasts included.
    0x0E ReturnServerMessageCount;
    /// Counts messages to this unit that it did not answer.
    0x0F ReturnServerNoResponseCount;
    /// Counts refusals as "negative acknowledge".
    0x10 ReturnServerNakCount;
    /// Counts refusals as "busy".
    0x11 ReturnServerBusyCount;
    /// Counts characters lost because they came too fast.
    0x12 ReturnBusCharacterOverrunCount;
    /// Sets that counter to 0.
    0x14 ClearOverrunCounter;
}

/// An entry of the log that [`Function::GetCommEventLog`](crate::Function::GetCommEventLog) reads (MB-APP 6.10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum CommEvent {
    /// A message came: bit 1 wrong checksum, bit 4 overrun, bit 5 in listen-only mode, bit 6 broadcast.
    Received(u8),
    /// A message was sent: bit 0 exception 1 to 3, bit 1 exception 4, bit 2 exceptions 5 and 6, bit 3 exception 7,
    /// bit 4 time-out, bit 5 in listen-only mode.
    Sent(u8),
    /// The unit went into listen-only mode.
    ListenOnly,
    /// The unit began anew.
    Restarted,
}

impl CommEvent {
    /// Names the event of a byte.
    pub const fn from_byte(byte: u8) -> Self {
        match byte {
            0x80.. => Self::Received(byte & 0x7F),
            0x40.. => Self::Sent(byte & 0x3F),
            0x04 => Self::ListenOnly,
            _ => Self::Restarted,
        }
    }

    /// The byte in the log.
    pub const fn byte(self) -> u8 {
        match self {
            Self::Received(bits) => bits | 0x80,
            Self::Sent(bits) => bits & 0x3F | 0x40,
            Self::ListenOnly => 0x04,
            Self::Restarted => 0x00,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_sub_functions_are_kept_as_numbers() {
        for code in 0..=0x20 {
            assert_eq!(SubFunction::from_code(code).code(), code);
        }
        for reserved in [0x05, 0x09, 0x13, 0x15, 99] {
            assert_eq!(SubFunction::from_code(reserved), SubFunction::Other(reserved));
        }
    }

    #[test]
    fn events_are_told_by_their_upper_bits() {
        let table = [
            (0x80, CommEvent::Received(0)),
            (0xC2, CommEvent::Received(0x42)),
            (0x41, CommEvent::Sent(1)),
            (0x04, CommEvent::ListenOnly),
            (0x00, CommEvent::Restarted),
        ];
        for (byte, event) in table {
            assert_eq!((CommEvent::from_byte(byte), event.byte()), (event, byte));
        }
    }
}
