//! The function codes: one table from which names, lengths and limits come.

/// Where a PDU ends, as far as its first bytes tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// After so many bytes, function code included.
    Fixed(u8),
    /// After as many bytes as the byte at this position says.
    Counted(u8),
    /// After as many bytes as the two bytes behind the function code say.
    CountedWide,
    /// Where the frame ends: only its carrier knows.
    Open,
}

impl Extent {
    /// The length of the PDU that starts with `bytes`; nothing while too few bytes are there to tell.
    pub(crate) fn of(self, bytes: &[u8]) -> Option<usize> {
        match self {
            Self::Fixed(length) => Some(length.into()),
            Self::Counted(at) => {
                bytes.get(usize::from(at)).map(|count| usize::from(at) + 1 + usize::from(*count))
            }
            Self::CountedWide => {
                let count = bytes.get(1..)?.first_chunk().copied().map(u16::from_be_bytes)?;
                Some(3 + usize::from(count))
            }
            Self::Open => None,
        }
    }
}

macro_rules! functions {
    ($($(#[$doc:meta])* $code:literal $name:ident, $text:literal, $request:expr, $response:expr, $limit:literal;)*) => {
        /// What a request asks for: the first byte of a PDU (MB-APP 5.1).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        pub enum Function {
            $($(#[$doc])* $name,)*
            /// A code that this crate knows no typed message for.
            Other(u8),
        }

        impl Function {
            /// Every function with a typed message, in the order of their codes.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Names the function of a code.
            pub const fn from_code(code: u8) -> Self {
                match code {
                    $($code => Self::$name,)*
                    _ => Self::Other(code),
                }
            }

            /// The code on the wire.
            pub const fn code(self) -> u8 {
                match self {
                    $(Self::$name => $code,)*
                    Self::Other(code) => code,
                }
            }

            /// The standard's name.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                    Self::Other(_) => "other function",
                }
            }

            /// The most coils, registers or bytes of its own that one message can carry or ask for; 0 where it has no
            /// quantity.
            pub const fn max_quantity(self) -> u16 {
                match self {
                    $(Self::$name => $limit,)*
                    Self::Other(_) => 0,
                }
            }

            pub(crate) const fn request(self) -> Extent {
                match self {
                    $(Self::$name => $request,)*
                    Self::Other(_) => Open,
                }
            }

            pub(crate) const fn response(self) -> Extent {
                match self {
                    $(Self::$name => $response,)*
                    Self::Other(_) => Open,
                }
            }
        }
    };
}

use Extent::{Counted, CountedWide, Fixed, Open};

functions! {
    /// Reads 1 to 2000 coils (MB-APP 6.1).
    0x01 ReadCoils, "read coils", Fixed(5), Counted(1), 2000;
    /// Reads 1 to 2000 discrete inputs (MB-APP 6.2).
    0x02 ReadDiscreteInputs, "read discrete inputs", Fixed(5), Counted(1), 2000;
    /// Reads 1 to 125 holding registers (MB-APP 6.3).
    0x03 ReadHoldingRegisters, "read holding registers", Fixed(5), Counted(1), 125;
    /// Reads 1 to 125 input registers (MB-APP 6.4).
    0x04 ReadInputRegisters, "read input registers", Fixed(5), Counted(1), 125;
    /// Switches one coil (MB-APP 6.5).
    0x05 WriteSingleCoil, "write single coil", Fixed(5), Fixed(5), 1;
    /// Writes one holding register (MB-APP 6.6).
    0x06 WriteSingleRegister, "write single register", Fixed(5), Fixed(5), 1;
    /// Reads eight outputs of the device's own choice (MB-APP 6.7).
    0x07 ReadExceptionStatus, "read exception status", Fixed(1), Fixed(2), 0;
    /// Tests the line and reads its counters: a sub-function and data of its own (MB-APP 6.8).
    0x08 Diagnostics, "diagnostics", Open, Open, 250;
    /// Reads how many requests were carried out (MB-APP 6.9).
    0x0B GetCommEventCounter, "get comm event counter", Fixed(1), Fixed(5), 0;
    /// Reads the last 64 events on the line (MB-APP 6.10).
    0x0C GetCommEventLog, "get comm event log", Fixed(1), Counted(1), 64;
    /// Switches 1 to 1968 coils (MB-APP 6.11).
    0x0F WriteMultipleCoils, "write multiple coils", Counted(5), Fixed(5), 1968;
    /// Writes 1 to 123 holding registers (MB-APP 6.12).
    0x10 WriteMultipleRegisters, "write multiple registers", Counted(5), Fixed(5), 123;
    /// Reads what a device says of itself, in bytes of its own (MB-APP 6.13).
    0x11 ReportServerId, "report server ID", Fixed(1), Counted(1), 250;
    /// Reads groups of registers of files, up to 245 bytes (MB-APP 6.14).
    0x14 ReadFileRecord, "read file record", Counted(1), Counted(1), 245;
    /// Writes groups of registers of files, up to 251 bytes (MB-APP 6.15).
    0x15 WriteFileRecord, "write file record", Counted(1), Counted(1), 251;
    /// Changes single bits of a holding register (MB-APP 6.16).
    0x16 MaskWriteRegister, "mask write register", Fixed(7), Fixed(7), 1;
    /// Writes 1 to 121 holding registers, then reads 1 to 125 (MB-APP 6.17).
    0x17 ReadWriteMultipleRegisters, "read/write multiple registers", Counted(9), Counted(1), 125;
    /// Reads a queue of up to 31 registers without emptying it (MB-APP 6.18).
    0x18 ReadFifoQueue, "read FIFO queue", Fixed(3), CountedWide, 31;
    /// Carries another interface: 13 is CANopen, 14 reads a device's identification (MB-APP 6.19 to 6.21).
    0x2B EncapsulatedInterfaceTransport, "encapsulated interface transport", Open, Open, 251;
}

impl core::fmt::Display for Function {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(formatter, "{} ({:#04x})", self.name(), self.code())
    }
}

/// The most registers that a [`Function::ReadWriteMultipleRegisters`] can write (MB-APP 6.17).
pub(crate) const MAX_READ_WRITE_WRITTEN: u16 = 121;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_functions_name_each_other() {
        for code in 0..=u8::MAX {
            assert_eq!(Function::from_code(code).code(), code);
        }
        for function in Function::ALL {
            assert_eq!(Function::from_code(function.code()), *function);
        }
        assert_eq!(Function::ALL.len(), 19);
    }

    #[test]
    fn a_counted_message_ends_where_its_count_says() {
        let of = |function: Function, bytes: &[u8]| function.request().of(bytes);
        assert_eq!(of(Function::WriteMultipleRegisters, &[16, 0, 0, 0, 123, 246]), Some(252));
        assert_eq!(of(Function::WriteMultipleRegisters, &[16, 0, 0]), None);
        assert_eq!(Function::ReadFifoQueue.response().of(&[24, 0, 64]), Some(67));
        assert_eq!(Function::ReadFifoQueue.response().of(&[24, 0]), None);
        assert_eq!(of(Function::Diagnostics, &[8; 250]), None);
    }
}
