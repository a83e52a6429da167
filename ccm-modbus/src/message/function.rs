//! The function codes: one table from which names, lengths and limits come.

/// Where a PDU ends, as far as its first bytes tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// After so many bytes, function code included.
    Fixed(usize),
    /// After as many bytes as the byte at this position says.
    Counted(usize),
}

impl Extent {
    /// The length of the PDU that starts with `bytes`; nothing while too few bytes are there to tell.
    pub(crate) fn of(self, bytes: &[u8]) -> Option<usize> {
        match self {
            Self::Fixed(length) => Some(length),
            Self::Counted(at) => bytes.get(at).map(|count| at + 1 + usize::from(*count)),
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

            /// The most coils or registers that one request can carry or ask for; 0 where it has no quantity.
            pub const fn max_quantity(self) -> u16 {
                match self {
                    $(Self::$name => $limit,)*
                    Self::Other(_) => 0,
                }
            }

            pub(crate) const fn request(self) -> Option<Extent> {
                match self {
                    $(Self::$name => Some($request),)*
                    Self::Other(_) => None,
                }
            }

            pub(crate) const fn response(self) -> Option<Extent> {
                match self {
                    $(Self::$name => Some($response),)*
                    Self::Other(_) => None,
                }
            }
        }
    };
}

use Extent::{Counted, Fixed};

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
    /// Switches 1 to 1968 coils (MB-APP 6.11).
    0x0F WriteMultipleCoils, "write multiple coils", Counted(5), Fixed(5), 1968;
    /// Writes 1 to 123 holding registers (MB-APP 6.12).
    0x10 WriteMultipleRegisters, "write multiple registers", Counted(5), Fixed(5), 123;
    /// Changes single bits of a holding register (MB-APP 6.16).
    0x16 MaskWriteRegister, "mask write register", Fixed(7), Fixed(7), 1;
    /// Writes 1 to 121 holding registers, then reads 1 to 125 (MB-APP 6.17).
    0x17 ReadWriteMultipleRegisters, "read/write multiple registers", Counted(9), Counted(1), 125;
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
    }

    #[test]
    fn no_message_at_its_limit_is_longer_than_a_pdu() {
        for function in Function::ALL {
            let bytes = [250; 16];
            for extent in [function.request().unwrap(), function.response().unwrap()] {
                assert!(extent.of(&bytes).unwrap() <= 16 + 250, "{function}");
            }
        }
        assert_eq!(
            Function::WriteMultipleRegisters.request().unwrap().of(&[16, 0, 0, 0, 123, 246]),
            Some(252)
        );
        assert_eq!(Function::WriteMultipleRegisters.request().unwrap().of(&[16, 0, 0]), None);
    }
}
