//! Security setup (class 64).

use ccm_core::{Full, Writer};

use super::list::{Element, List};
use crate::message::data::{Data, DataError, Event, Events, Value};

/// Class 64: which protection an association demands, and the keys and certificates for it.
#[derive(Clone, Copy, Debug)]
pub struct SecuritySetup;

impl SecuritySetup {
    /// The number of the class.
    pub const CLASS_ID: u16 = 64;
    /// Attribute: the policy. Version 0: 0 none, 1 authenticated, 2 encrypted, 3 both. Version 1 has bits: 4/8/16
    /// authenticated, encrypted, signed requests, 32/64/128 the same of responses.
    pub const SECURITY_POLICY: i8 = 2;
    /// Attribute: the suite, 0 to 2.
    pub const SECURITY_SUITE: i8 = 3;
    /// Attribute: the system title of the client, 8 bytes.
    pub const CLIENT_SYSTEM_TITLE: i8 = 4;
    /// Attribute: the system title of the server, 8 bytes.
    pub const SERVER_SYSTEM_TITLE: i8 = 5;
    /// Attribute: see [`SecuritySetup::certificates`].
    pub const CERTIFICATES: i8 = 6;
    /// Method: a stronger policy, an enumeration.
    pub const SECURITY_ACTIVATE: i8 = 1;
    /// Method: see [`SecuritySetup::emit_key_transfer`].
    pub const KEY_TRANSFER: i8 = 2;
    /// Method: agrees on keys, version 1.
    pub const KEY_AGREEMENT: i8 = 3;
    /// Method: makes a key pair, version 1.
    pub const GENERATE_KEY_PAIR: i8 = 4;
    /// Method: makes a request for a certificate, version 1.
    pub const GENERATE_CERTIFICATE_REQUEST: i8 = 5;
    /// Method: takes a certificate, version 1.
    pub const IMPORT_CERTIFICATE: i8 = 6;
    /// Method: gives a certificate, version 1.
    pub const EXPORT_CERTIFICATE: i8 = 7;
    /// Method: removes a certificate, version 1.
    pub const REMOVE_CERTIFICATE: i8 = 8;

    /// The certificates that the server has.
    ///
    /// # Errors
    /// Where it is no array; what is wrong with an element comes with that element.
    pub fn certificates(data: Data<'_>) -> Result<List<'_, Certificate<'_>>, DataError> {
        List::parse(data, "certificates")
    }

    /// Writes the parameter of [`SecuritySetup::KEY_TRANSFER`]: keys that are wrapped with the master key already.
    ///
    /// # Errors
    /// [`Full`] where it does not fit.
    pub fn emit_key_transfer(writer: &mut Writer<'_>, keys: &[(KeyId, &[u8])]) -> Result<(), Full> {
        Event::Array(u32::try_from(keys.len()).map_err(|_| Full)?).emit(writer)?;
        keys.iter().try_for_each(|(id, wrapped)| {
            Event::Structure(2).emit(writer)?;
            Value::Enum(id.code()).emit(writer)?;
            Value::OctetString(wrapped).emit(writer)
        })
    }
}

/// Which key is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum KeyId {
    /// Encrypts what goes to one.
    GlobalUnicastEncryption,
    /// Encrypts what goes to many.
    GlobalBroadcastEncryption,
    /// Authenticates.
    Authentication,
    /// Wraps other keys.
    Master,
}

impl KeyId {
    /// Its code.
    pub const fn code(self) -> u8 {
        match self {
            Self::GlobalUnicastEncryption => 0,
            Self::GlobalBroadcastEncryption => 1,
            Self::Authentication => 2,
            Self::Master => 3,
        }
    }
}

/// What is known of a certificate without having it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Certificate<'a> {
    /// Whose: 0 the server's, 1 the client's, 2 an authority's, 3 another's.
    pub entity: u8,
    /// What for: 0 signing, 1 key agreement, 2 TLS, 3 other.
    pub kind: u8,
    /// Its number.
    pub serial_number: &'a [u8],
    /// Who signed it.
    pub issuer: &'a [u8],
    /// Whom it names.
    pub subject: &'a [u8],
    /// What else it names.
    pub subject_alt_name: &'a [u8],
}

impl<'a> Element<'a> for Certificate<'a> {
    fn read(events: &mut Events<'a>) -> Result<Self, DataError> {
        events.structure_of("certificate_info", 6)?;
        let certificate = Self {
            entity: events.enumeration("certificate_entity")?,
            kind: events.enumeration("certificate_type")?,
            serial_number: events.octets("serial_number")?,
            issuer: events.octets("issuer")?,
            subject: events.octets("subject")?,
            subject_alt_name: events.octets("subject_alt_name")?,
        };
        events.end().map(|()| certificate)
    }
}
