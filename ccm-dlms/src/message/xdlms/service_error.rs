//! The refusal of Initiate, Read and Write.

use core::fmt;

use ccm_core::{Full, Writer};

use crate::message::codes::{apdu, codes};
use crate::message::cursor::Cursor;
use crate::message::{Fault, MessageError, tag};

macro_rules! service_errors {
    ($($class:literal $class_name:literal { $($value:literal $text:literal),* })*) => {
        /// What is wrong: a class of errors and one of the class (`ServiceError`).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[cfg_attr(feature = "defmt", derive(defmt::Format))]
        pub struct ServiceError {
            /// The class: 0 to 10.
            pub class: u8,
            /// The error of the class; 0 is any other.
            pub value: u8,
        }

        impl ServiceError {
            /// The standard's words for the class.
            pub const fn class_name(self) -> &'static str {
                match self.class {
                    $($class => $class_name,)*
                    _ => "undefined class",
                }
            }

            /// The standard's words for the error.
            pub const fn name(self) -> &'static str {
                match (self.class, self.value) {
                    $($(($class, $value) => $text,)*)*
                    (_, 0) => "other",
                    _ => "undefined error",
                }
            }
        }
    };
}

service_errors! {
    0 "application-reference" {
        1 "time-elapsed", 2 "application-unreachable", 3 "application-reference-invalid",
        4 "application-context-unsupported", 5 "provider-communication-error", 6 "deciphering-error"
    }
    1 "hardware-resource" {
        1 "memory-unavailable", 2 "processor-resource-unavailable", 3 "mass-storage-unavailable",
        4 "other-resource-unavailable"
    }
    2 "vde-state-error" {
        1 "no-dlms-context", 2 "loading-data-set", 3 "status-nochange", 4 "status-inoperable"
    }
    3 "service" { 1 "pdu-size", 2 "service-unsupported" }
    4 "definition" {
        1 "object-undefined", 2 "object-class-inconsistent", 3 "object-attribute-inconsistent"
    }
    5 "access" {
        1 "scope-of-access-violated", 2 "object-access-invalid", 3 "hardware-fault", 4 "object-unavailable"
    }
    6 "initiate" {
        1 "dlms-version-too-low", 2 "incompatible-conformance", 3 "pdu-size-too-short",
        4 "refused-by-the-VDE-handler"
    }
    7 "load-data-set" {
        1 "primitive-out-of-sequence", 2 "not-loadable", 3 "dataset-size-too-large", 4 "not-awaited-segment",
        5 "interpretation-failure", 6 "storage-failure", 7 "data-set-not-ready"
    }
    8 "change-scope" {}
    9 "task" { 1 "no-remote-control", 2 "ti-stopped", 3 "ti-running", 4 "ti-unusable" }
    10 "other" {}
}

impl fmt::Display for ServiceError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} / {} ({}/{})", self.class_name(), self.name(), self.class, self.value)
    }
}

codes! {
    /// The service that is refused (the choice of `ConfirmedServiceError`).
    ConfirmedService;
    1 Initiate, "initiate";
    2 GetStatus, "get-status";
    3 GetNameList, "get-name-list";
    4 GetVariableAttribute, "get-variable-attribute";
    5 Read, "read";
    6 Write, "write";
    7 GetDataSetAttribute, "get-data-set-attribute";
    19 Terminate, "terminate-load";
}

/// The server refuses a confirmed service (Green Book 9.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ConfirmedServiceError {
    /// Which.
    pub service: ConfirmedService,
    /// Why.
    pub error: ServiceError,
}

impl ConfirmedServiceError {
    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, MessageError> {
        let service = ConfirmedService::from_code(cursor.u8("confirmed service")?);
        let wrong = *cursor;
        let class = cursor.u8("service-error")?;
        if class > LAST_CLASS {
            return Err(wrong.fail("service-error", Fault::Choice { found: class }));
        }
        Ok(Self { service, error: ServiceError { class, value: cursor.u8("service-error")? } })
    }

    pub(crate) fn write(&self, writer: &mut Writer<'_>) -> Result<(), Full> {
        writer.array([self.service.code(), self.error.class, self.error.value])
    }
}

apdu!(ConfirmedServiceError, tag::CONFIRMED_SERVICE_ERROR, "confirmed-service-error");

impl fmt::Display for ConfirmedServiceError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} refused: {}", self.service.name(), self.error)
    }
}

const LAST_CLASS: u8 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_initiate_says_why() {
        let error = ConfirmedServiceError::parse(&[0x0E, 1, 6, 1]).unwrap();
        assert_eq!(error.to_string(), "initiate refused: initiate / dlms-version-too-low (6/1)");
    }
}
