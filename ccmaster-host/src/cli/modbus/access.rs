//! Who may do what: the roles of Modbus Security (MB-TCP-Security V21 8.3).

use ccm_core::Writer;
use ccm_modbus::{Coils, CoilsMut, Exception, Function, Handler, Registers, RegistersMut, Traffic};
use x509_cert::Certificate;
use x509_cert::der::asn1::{ObjectIdentifier, Utf8StringRef};
use x509_cert::der::{Decode, Error};
use x509_cert::ext::Extension;

use crate::cli::Failure;

/// What a client may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::cli) enum Access {
    /// Nothing.
    Nothing,
    /// Read.
    Read,
    /// Read and write.
    Write,
}

/// What the clients of one role may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Grant {
    /// The role, as it stands in their certificates.
    pub(in crate::cli) role: String,
    /// What they may do.
    pub(in crate::cli) access: Access,
}

/// All that was granted; with no role named, everybody whose certificate is good may do everything.
#[derive(Debug)]
pub(in crate::cli) struct Grants(Vec<Grant>);

impl Grants {
    /// Takes each role once.
    ///
    /// # Errors
    /// A role is there twice: which of the two would count?
    pub(in crate::cli) fn new(grants: Vec<Grant>) -> Result<Self, Failure> {
        for (index, grant) in grants.iter().enumerate() {
            if grants.iter().skip(index + 1).any(|other| other.role == grant.role) {
                return Err(Failure::Misuse(format!("role `{}` is given twice; keep one", grant.role)));
            }
        }
        Ok(Self(grants))
    }

    /// What a client with this role, or none, may do.
    pub(in crate::cli) fn access(&self, role: Option<&str>) -> Access {
        if self.0.is_empty() {
            return Access::Write;
        }
        let granted = self.0.iter().find(|grant| Some(grant.role.as_str()) == role);
        granted.map_or(Access::Nothing, |grant| grant.access)
    }
}

/// The role in a certificate (DER), where there is exactly one and it is readable.
pub(in crate::cli) fn role(certificate: &[u8]) -> Option<String> {
    let certificate = Certificate::from_der(certificate).ok()?;
    let mut roles =
        certificate.tbs_certificate().extensions()?.iter().filter(|extension| extension.extn_id == ROLE);
    let role = read(roles.next()?).ok()?;
    // Two roles are none: nobody says which one holds.
    roles.next().is_none().then_some(role)
}

fn read(extension: &Extension) -> Result<String, Error> {
    Ok(Utf8StringRef::from_der(extension.extn_value.as_bytes())?.as_str().to_owned())
}

/// A device that does for a client only what it may ask for; the rest is an illegal function to it.
#[derive(Debug)]
pub(in crate::cli) struct Authorised<H> {
    device: H,
    access: Access,
}

impl<H: Handler> Authorised<H> {
    /// The device as a client with this access sees it.
    pub(in crate::cli) const fn new(device: H, access: Access) -> Self {
        Self { device, access }
    }
}

/// What a client needs for a function: what only reads is known, all the rest may change something.
const fn needed(function: Function) -> Access {
    match function {
        Function::ReadCoils
        | Function::ReadDiscreteInputs
        | Function::ReadHoldingRegisters
        | Function::ReadInputRegisters
        | Function::ReadExceptionStatus
        | Function::GetCommEventCounter
        | Function::GetCommEventLog
        | Function::ReportServerId
        | Function::ReadFileRecord
        | Function::ReadFifoQueue
        // Its interface is looked at later.
        | Function::EncapsulatedInterfaceTransport => Access::Read,
        _ => Access::Write,
    }
}

impl<H: Handler> Handler for Authorised<H> {
    const NOTICES: bool = H::NOTICES;

    fn permits(&self, function: Function) -> bool {
        self.access >= needed(function) && self.device.permits(function)
    }

    fn read_coils(&mut self, start: u16, coils: &mut CoilsMut<'_>) -> Result<(), Exception> {
        self.device.read_coils(start, coils)
    }

    fn read_discrete_inputs(&mut self, start: u16, inputs: &mut CoilsMut<'_>) -> Result<(), Exception> {
        self.device.read_discrete_inputs(start, inputs)
    }

    fn read_holding_registers(
        &mut self,
        start: u16,
        registers: &mut RegistersMut<'_>,
    ) -> Result<(), Exception> {
        self.device.read_holding_registers(start, registers)
    }

    fn read_input_registers(
        &mut self,
        start: u16,
        registers: &mut RegistersMut<'_>,
    ) -> Result<(), Exception> {
        self.device.read_input_registers(start, registers)
    }

    fn write_coils(&mut self, start: u16, coils: Coils<'_>) -> Result<(), Exception> {
        self.device.write_coils(start, coils)
    }

    fn write_holding_registers(&mut self, start: u16, registers: Registers<'_>) -> Result<(), Exception> {
        self.device.write_holding_registers(start, registers)
    }

    fn other(&mut self, pdu: &[u8], reply: &mut Writer<'_>) -> Result<(), Exception> {
        // Of the interfaces the identification alone is known to change nothing.
        if self.access < Access::Write
            && matches!(pdu, [IDENTIFIED, interface, ..] if *interface != IDENTIFICATION)
        {
            return Err(Exception::IllegalFunction);
        }
        self.device.other(pdu, reply)
    }

    fn notice(&mut self, traffic: Traffic) {
        self.device.notice(traffic);
    }

    fn is_listen_only(&self) -> bool {
        self.device.is_listen_only()
    }
}

/// The extension that carries a role, a `UTF8String`.
const ROLE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.50316.802.1");

/// Function 43, and its interface that only reads.
const IDENTIFIED: u8 = 43;
const IDENTIFICATION: u8 = 14;

#[cfg(test)]
mod tests {
    use ccm_modbus::Extended;
    use rcgen::{CertificateParams, CustomExtension, KeyPair};

    use super::*;
    use crate::cli::modbus::image::Image;

    const OID: [u64; 9] = [1, 3, 6, 1, 4, 1, 50316, 802, 1];

    fn role_of(contents: &[&[u8]]) -> Option<String> {
        let mut params = CertificateParams::new([]).unwrap();
        let extension = |content: &&[u8]| CustomExtension::from_oid_content(&OID, content.to_vec());
        params.custom_extensions = contents.iter().map(extension).collect();
        role(params.self_signed(&KeyPair::generate().unwrap()).unwrap().der())
    }

    #[test]
    fn a_role_is_one_utf8_string_in_its_extension() {
        assert_eq!(role_of(&[b"\x0C\x08operator"]), Some("operator".into()));
        assert_eq!(role_of(&["\u{C}\u{4}Öl4".as_bytes()]), Some("Öl4".into()));
    }

    #[test]
    fn what_is_no_single_readable_role_is_none() {
        let table: [&[&[u8]]; 6] = [
            &[],
            &[b""],
            &[b"\x13\x08operator"],
            &[b"\x0C\x09operator"],
            &[b"\x0C\x02\xFF\xFE"],
            &[b"\x0C\x08operator\x00"],
        ];
        for contents in table {
            assert_eq!(role_of(contents), None, "{contents:?}");
        }
        assert_eq!(role_of(&[b"\x0C\x08operator", b"\x0C\x06viewer"]), None, "two roles");
        assert_eq!(role(b"no certificate"), None);
    }

    #[test]
    fn a_reader_may_ask_who_the_device_is_and_no_other_interface_of_that_function() {
        let text = "[id]\nvendor_name = \"A\"\nproduct_code = \"B\"\nrevision = \"1\"";
        let device = || Extended::new(Image::parse(text).unwrap());
        let ask = |access, pdu: &[u8]| {
            let mut device = Authorised::new(device(), access);
            if !device.permits(Function::from_code(pdu[0])) {
                return Err(Exception::IllegalFunction);
            }
            device.other(pdu, &mut Writer::new(&mut [0; 253]))
        };
        assert_eq!(ask(Access::Read, &[43, 14, 1, 0]), Ok(()));
        assert_eq!(ask(Access::Nothing, &[43, 14, 1, 0]), Err(Exception::IllegalFunction));
        for pdu in [&[43][..], &[43, 13], &[43, 14], &[43, 15, 1, 0]] {
            assert!(ask(Access::Read, pdu).is_err(), "{pdu:?}");
        }
    }

    #[test]
    fn without_grants_everybody_may_do_everything_and_with_some_only_who_is_named() {
        assert_eq!(Grants::new(Vec::new()).unwrap().access(None), Access::Write);
        let grant = |role: &str, access| Grant { role: role.into(), access };
        let grants =
            Grants::new(vec![grant("viewer", Access::Read), grant("operator", Access::Write)]).unwrap();
        let table = [
            (Some("viewer"), Access::Read),
            (Some("operator"), Access::Write),
            (Some("Operator"), Access::Nothing),
            (Some(""), Access::Nothing),
            (None, Access::Nothing),
        ];
        for (role, access) in table {
            assert_eq!(grants.access(role), access, "{role:?}");
        }
        assert!(Grants::new(vec![grant("a", Access::Read), grant("a", Access::Write)]).is_err());
    }
}
