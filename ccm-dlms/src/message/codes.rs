//! Numbers with names: one table gives the variants, the codes and the words.

/// Makes an enum of the codes of the standard; a code that it does not define is kept as it came.
macro_rules! codes {
    ($(#[$doc:meta])* $type:ident; $($code:literal $name:ident, $text:literal;)*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        pub enum $type {
            $(#[doc = concat!("`", $text, "`.")] $name,)*
            /// A code that the standard does not define; kept as it came.
            Other(u8),
        }

        impl $type {
            /// Names a code.
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

            /// The standard's words.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                    Self::Other(_) => "undefined code",
                }
            }
        }

        impl core::fmt::Display for $type {
            fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                write!(formatter, "{} ({})", self.name(), self.code())
            }
        }
    };
}

/// Gives an APDU `parse` and `emit` around its `read` and `write`, which begin behind the tag.
macro_rules! apdu {
    ($type:ty, $tag:expr, $name:literal) => {
        impl<'a> $type {
            #[doc = concat!("Reads a whole `", $name, "`, tag first.")]
            pub fn parse(apdu: &'a [u8]) -> Result<Self, crate::message::MessageError> {
                let mut cursor = crate::message::cursor::Cursor::new(apdu);
                cursor.expect($tag, concat!($name, " tag"))?;
                let message = Self::read(&mut cursor)?;
                cursor.finish($name)?;
                Ok(message)
            }

            #[doc = concat!("Writes the whole `", $name, "`, tag first.")]
            pub fn emit(&self, writer: &mut ccm_core::Writer<'_>) -> Result<(), ccm_core::Full> {
                writer.u8($tag)?;
                self.write(writer)
            }
        }
    };
}

pub(crate) use {apdu, codes};
