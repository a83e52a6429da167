//! Why a device refused.

macro_rules! exceptions {
    ($($(#[$doc:meta])* $code:literal $name:ident, $text:literal;)*) => {
        /// The reason a device gives for refusing a request (MB-APP 7).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        pub enum Exception {
            $($(#[$doc])* $name,)*
            /// A code the standard does not define; kept as it came.
            Other(u8),
        }

        impl Exception {
            /// Names the exception of a code.
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
                    Self::Other(_) => "exception of its own",
                }
            }
        }
    };
}

exceptions! {
    /// The device does not know the function.
    0x01 IllegalFunction, "illegal function";
    /// The device has no such coil or register.
    0x02 IllegalDataAddress, "illegal data address";
    /// The request contradicts itself or asks for too much.
    0x03 IllegalDataValue, "illegal data value";
    /// The device failed while it did what was asked.
    0x04 ServerDeviceFailure, "server device failure";
    /// The device has begun and needs long.
    0x05 Acknowledge, "acknowledge";
    /// The device is busy; ask again later.
    0x06 ServerDeviceBusy, "server device busy";
    /// The device's memory failed its parity check.
    0x08 MemoryParityError, "memory parity error";
    /// The gateway knows no way to this unit.
    0x0A GatewayPathUnavailable, "gateway path unavailable";
    /// The device behind the gateway did not answer.
    0x0B GatewayTargetFailed, "gateway target device failed to respond";
}

impl core::fmt::Display for Exception {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(formatter, "{} ({:#04x})", self.name(), self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_exceptions_are_kept_as_numbers() {
        for code in 0..=u8::MAX {
            assert_eq!(Exception::from_code(code).code(), code);
        }
        assert_eq!(Exception::from_code(0x07), Exception::Other(0x07));
    }
}
