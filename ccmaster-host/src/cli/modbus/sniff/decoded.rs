//! What a frame says, for people and as JSON.

use std::fmt::Write as _;

use ccm_modbus::{Exception, Function, Reply, Request, Response};
use serde::Serialize;

/// A message taken apart: what it is about, and the values in it.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Decoded {
    pub(super) function: u8,
    pub(super) name: &'static str,
    /// Where coils or registers begin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) address: Option<u16>,
    /// How many are asked for, or were written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) quantity: Option<u16>,
    /// Registers, or coils as 0 and 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) values: Option<Vec<u16>>,
    /// Why the unit refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) exception: Option<u8>,
    /// What else there is to say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) detail: Option<String>,
}

impl Decoded {
    /// Takes a request apart.
    pub(super) fn request(pdu: &[u8]) -> Self {
        let bare = Self::bare(pdu);
        let request = match Request::parse(pdu) {
            Ok(request) => request,
            Err(error) => return Self { detail: Some(format!("breaks the standard: {error}")), ..bare },
        };
        match request {
            Request::ReadCoils { start, quantity }
            | Request::ReadDiscreteInputs { start, quantity }
            | Request::ReadHoldingRegisters { start, quantity }
            | Request::ReadInputRegisters { start, quantity } => bare.range(start, quantity),
            Request::WriteSingleCoil { address, on } => bare.written(address, vec![on.into()]),
            Request::WriteSingleRegister { address, value } => bare.written(address, vec![value]),
            Request::WriteMultipleCoils { start, coils } => {
                bare.written(start, coils.iter().map(u16::from).collect())
            }
            Request::WriteMultipleRegisters { start, registers } => {
                bare.written(start, registers.iter().collect())
            }
            Request::MaskWriteRegister { address, and_mask, or_mask } => {
                bare.masked(address, and_mask, or_mask)
            }
            Request::ReadWriteMultipleRegisters { read_start, read_quantity, write_start, registers } => {
                let written = list(registers.iter());
                let detail = Some(format!("after writing {write_start} = {written}"));
                Self { detail, ..bare.range(read_start, read_quantity) }
            }
            Request::ReadFifoQueue { address } => Self { address: Some(address), ..bare },
            Request::ReadDeviceIdentification { object, .. } => {
                Self { detail: Some(format!("identification from object {object} on")), ..bare }
            }
            _ => bare.with_data(pdu),
        }
    }

    /// Takes a reply apart; the addresses are those of the request it answers.
    pub(super) fn reply(pdu: &[u8], request: Option<&[u8]>) -> Self {
        let bare = Self::bare(pdu);
        if let [code, exception, ..] = *pdu
            && code & REFUSED != 0
        {
            return Self { exception: Some(exception), ..bare };
        }
        let asked = request.and_then(|pdu| Request::parse(pdu).ok());
        let address = request.and_then(|pdu| Self::request(pdu).address);
        let reply = asked.and_then(|request| Reply::to(&request, pdu).ok());
        if let Some(coils) = reply.and_then(|reply| reply.coils()) {
            return Self { address, values: Some(coils.iter().map(u16::from).collect()), ..bare };
        }
        match Response::parse(pdu) {
            Ok(Ok(response)) => Self { address, ..bare }.response(&response, pdu),
            _ => Self { detail: Some(format!("breaks the standard: {}", hex(pdu))), ..bare },
        }
    }

    fn response(self, response: &Response<'_>, pdu: &[u8]) -> Self {
        match *response {
            Response::WriteSingleCoil { address, on } => self.written(address, vec![on.into()]),
            Response::WriteSingleRegister { address, value } => self.written(address, vec![value]),
            Response::WriteMultipleCoils { start, quantity }
            | Response::WriteMultipleRegisters { start, quantity } => self.range(start, quantity),
            Response::MaskWriteRegister { address, and_mask, or_mask } => {
                self.masked(address, and_mask, or_mask)
            }
            Response::ReadDeviceIdentification(identification) => {
                let objects = identification.objects.iter().flatten();
                let texts = objects
                    .map(|(id, text)| format!("{id}: {}", String::from_utf8_lossy(text).escape_debug()));
                Self { detail: Some(texts.collect::<Vec<_>>().join(", ")), ..self }
            }
            _ => match (response.registers(), response.coils()) {
                (Some(registers), _) => Self { values: Some(registers.iter().collect()), ..self },
                (_, Some(coils)) => Self { values: Some(coils.iter().map(u16::from).collect()), ..self },
                _ => self.with_data(pdu),
            },
        }
    }

    fn bare(pdu: &[u8]) -> Self {
        let function = pdu.first().map_or(0, |code| code & !REFUSED);
        Self { function, name: Function::from_code(function).name(), ..Self::default() }
    }

    fn range(self, start: u16, quantity: u16) -> Self {
        Self { address: Some(start), quantity: Some(quantity), ..self }
    }

    fn written(self, address: u16, values: Vec<u16>) -> Self {
        Self { address: Some(address), values: Some(values), ..self }
    }

    fn masked(self, address: u16, and_mask: u16, or_mask: u16) -> Self {
        let detail = Some(format!("and mask {and_mask:#06x}, or mask {or_mask:#06x}"));
        Self { address: Some(address), detail, ..self }
    }

    fn with_data(self, pdu: &[u8]) -> Self {
        let data = pdu.get(1..).filter(|data| !data.is_empty());
        Self { detail: data.map(|data| format!("data {}", hex(data))), ..self }
    }
}

impl std::fmt::Display for Decoded {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} ({})", self.name, self.function)?;
        if let Some(code) = self.exception {
            return write!(formatter, " refused: {}", Exception::from_code(code));
        }
        match (self.address, self.quantity) {
            (Some(address), Some(quantity @ 2..)) => {
                let last = u32::from(address) + u32::from(quantity) - 1;
                write!(formatter, " {address} to {last}")?;
            }
            (Some(address), _) => write!(formatter, " {address}")?,
            _ => {}
        }
        if let Some(values) = &self.values {
            write!(formatter, " = {}", list(values.iter().copied()))?;
        }
        self.detail.as_ref().map_or(Ok(()), |detail| write!(formatter, ", {detail}"))
    }
}

fn list(values: impl Iterator<Item = u16>) -> String {
    values.map(|value| value.to_string()).collect::<Vec<_>>().join(" ")
}

/// Two digits a byte, without a space.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Set in the function code of a refusal (MB-APP 7).
const REFUSED: u8 = 0x80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_said_in_words() {
        let table: [(&[u8], &str); 8] = [
            (&[3, 0, 107, 0, 3], "read holding registers (3) 107 to 109"),
            (&[1, 0, 107, 0, 1], "read coils (1) 107"),
            (&[5, 0, 7, 0xFF, 0], "write single coil (5) 7 = 1"),
            (&[16, 0, 5, 0, 2, 4, 0, 1, 0, 2], "write multiple registers (16) 5 = 1 2"),
            (&[22, 0, 5, 0, 0xF0, 0, 2], "mask write register (22) 5, and mask 0x00f0, or mask 0x0002"),
            (
                &[23, 0, 7, 0, 2, 0, 8, 0, 1, 2, 0, 99],
                "read/write multiple registers (23) 7 to 8, after writing 8 = 99",
            ),
            (&[0x65, 1, 2], "other function (101), data 0102"),
            (
                &[3, 0, 0, 0, 0],
                "read holding registers (3), breaks the standard: a quantity of 0; the function carries 1 to 125",
            ),
        ];
        for (pdu, said) in table {
            assert_eq!(Decoded::request(pdu).to_string(), said);
        }
    }

    #[test]
    fn replies_have_the_addresses_of_their_requests() {
        let table: [(&[u8], &[u8], &str); 6] = [
            (&[3, 0, 107, 0, 2], &[3, 4, 0, 1, 0, 2], "read holding registers (3) 107 = 1 2"),
            (&[1, 0, 107, 0, 3], &[1, 1, 5], "read coils (1) 107 = 1 0 1"),
            (
                &[3, 0, 107, 0, 2],
                &[0x83, 2],
                "read holding registers (3) refused: illegal data address (0x02)",
            ),
            (&[16, 0, 5, 0, 2, 4, 0, 1, 0, 2], &[16, 0, 5, 0, 2], "write multiple registers (16) 5 to 6"),
            (
                &[0x2B, 14, 1, 0],
                &[0x2B, 14, 1, 1, 0, 0, 1, 0, 3, b'C', b'c', b'M'],
                "encapsulated interface transport (43), 0: CcM",
            ),
            (&[7], &[7, 0x55], "read exception status (7), data 55"),
        ];
        for (request, reply, said) in table {
            assert_eq!(Decoded::reply(reply, Some(request)).to_string(), said);
        }
        assert_eq!(Decoded::reply(&[3, 2, 0, 1], None).to_string(), "read holding registers (3) = 1");
    }
}
