//! Object identifiers: joint-iso-ccitt(2) country(16) country-name(756) identified-organisation(5) DLMS-UA(8).

macro_rules! names {
    ($(#[$doc:meta])* $type:ident, $arc:literal; $($(#[$text:meta])* $value:literal $name:ident;)*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub enum $type<'a> {
            $($(#[$text])* $name,)*
            /// Any other object identifier, as its BER content came.
            Other(&'a [u8]),
        }

        impl<'a> $type<'a> {
            /// Names an object identifier, given as BER content.
            pub const fn from_oid(oid: &'a [u8]) -> Self {
                match oid {
                    $([0x60, 0x85, 0x74, 0x05, 0x08, $arc, $value] => Self::$name,)*
                    _ => Self::Other(oid),
                }
            }

            /// The object identifier as BER content.
            pub const fn oid(&self) -> &'a [u8] {
                match self {
                    $(Self::$name => &[0x60, 0x85, 0x74, 0x05, 0x08, $arc, $value],)*
                    Self::Other(oid) => oid,
                }
            }

            /// The last number of a name of the standard.
            pub const fn number(&self) -> Option<u8> {
                match self {
                    $(Self::$name => Some($value),)*
                    Self::Other(_) => None,
                }
            }
        }
    };
}

names! {
    /// How objects are named in an association, and whether services are protected (Green Book 9.4.2.2.2).
    ContextName, 1;
    /// Objects have logical names (OBIS codes); nothing is ciphered.
    1 LogicalName;
    /// Objects have short names; nothing is ciphered.
    2 ShortName;
    /// Objects have logical names; services may be ciphered.
    3 LogicalNameCiphered;
    /// Objects have short names; services may be ciphered.
    4 ShortNameCiphered;
}

impl ContextName<'_> {
    /// Whether services of this association may be ciphered.
    pub const fn is_ciphered(&self) -> bool {
        matches!(self, Self::LogicalNameCiphered | Self::ShortNameCiphered)
    }

    /// Whether objects have short names.
    pub const fn is_short_name(&self) -> bool {
        matches!(self, Self::ShortName | Self::ShortNameCiphered)
    }
}

names! {
    /// How the two ends prove who they are (Green Book 9.4.2.2.3).
    MechanismName, 2;
    /// Not at all.
    0 Lowest;
    /// The client sends a password (LLS).
    1 Low;
    /// The maker's own way (HLS).
    2 High;
    /// MD5 over challenge and secret.
    3 HighMd5;
    /// SHA-1 over challenge and secret.
    4 HighSha1;
    /// GMAC over the challenge.
    5 HighGmac;
    /// SHA-256 over secret, system titles and challenges.
    6 HighSha256;
    /// ECDSA over system titles and challenges.
    7 HighEcdsa;
}

impl MechanismName<'_> {
    /// Whether a third and a fourth pass follow the AARE (high level security).
    pub const fn has_four_passes(&self) -> bool {
        !matches!(self, Self::Lowest | Self::Low)
    }
}
