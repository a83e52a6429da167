//! What the reply to a request must look like.

use crate::message::{Coils, Function, REFUSED, Registers, Response};

/// The part of a request that its reply is checked against. Small enough to be kept by value while the caller's buffer
/// receives; a read can be built anew from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    pub(crate) unit: u8,
    pub(crate) code: u8,
    /// What follows the function code in the request: start or address, then quantity, value or masks.
    fields: [u8; 6],
    /// What follows the function code in the reply, as far as it is known: the byte count, or the fields again.
    known: u8,
    count: u8,
}

impl Expected {
    /// Nothing that any unit could answer.
    pub(crate) const NOTHING: Self = Self { unit: 0, code: 0, fields: [0; 6], known: 0, count: 0 };

    /// Takes the first fields of a request PDU.
    pub(crate) fn of(unit: u8, pdu: &[u8]) -> Self {
        let (code, rest) = pdu.split_first().map_or((0, pdu), |(code, rest)| (*code, rest));
        // Whole arrays, not a loop: that would bring in `memcpy`.
        let fields = match (rest.first_chunk(), rest.first_chunk()) {
            (Some(fields), _) => *fields,
            (None, Some([a, b, c, d])) => [*a, *b, *c, *d, 0, 0],
            (None, None) => [0; 6],
        };
        let mut expected = Self { unit, code, fields, ..Self::NOTHING };
        expected.set_reply();
        expected
    }

    /// Makes it a read of `quantity` from the same place.
    pub(crate) fn set_quantity(&mut self, quantity: u16) {
        let [_, _, high, low, ..] = &mut self.fields;
        [*high, *low] = quantity.to_be_bytes();
        self.set_reply();
    }

    /// Works out what the reply begins with.
    fn set_reply(&mut self) {
        let quantity = self.quantity();
        (self.known, self.count) = match Function::from_code(self.code) {
            Function::ReadCoils | Function::ReadDiscreteInputs => (1, low_byte(quantity.div_ceil(8))),
            Function::ReadHoldingRegisters
            | Function::ReadInputRegisters
            | Function::ReadWriteMultipleRegisters => (1, low_byte(quantity * 2)),
            Function::MaskWriteRegister => (6, 0),
            _ => (4, 0),
        };
    }

    /// The PDU of a read, built anew.
    pub(crate) const fn read_pdu(&self) -> [u8; 5] {
        let [a, b, c, d, ..] = self.fields;
        [self.code, a, b, c, d]
    }

    /// The first bytes of the frame on a serial line, which the line may give back.
    pub(crate) const fn echo(&self) -> [u8; 6] {
        let [a, b, c, d, ..] = self.fields;
        [self.unit, self.code, a, b, c, d]
    }

    const fn start(&self) -> u16 {
        let [high, low, ..] = self.fields;
        u16::from_be_bytes([high, low])
    }

    const fn third(&self) -> u16 {
        let [.., high, low] = self.fields;
        u16::from_be_bytes([high, low])
    }

    /// The quantity that is read, or what stands in its place.
    pub(crate) const fn quantity(&self) -> u16 {
        let [_, _, high, low, ..] = self.fields;
        u16::from_be_bytes([high, low])
    }

    /// Whether a reply to another request of the same length could be taken for this one's: it only counts bytes.
    pub(crate) const fn is_ambiguous(&self) -> bool {
        self.known == 1
    }

    /// Whether this is one of the four functions that only read, and so can be asked again.
    pub(crate) const fn is_read(&self) -> bool {
        self.is_ambiguous() && self.code != Function::ReadWriteMultipleRegisters.code()
    }

    pub(crate) const fn is_coil_read(&self) -> bool {
        self.code == Function::ReadCoils.code() || self.code == Function::ReadDiscreteInputs.code()
    }

    /// How many bytes of values a reply with a byte count carries.
    pub(crate) const fn byte_count(&self) -> usize {
        self.count as usize
    }

    /// The length of the normal reply's PDU.
    pub(crate) const fn reply_length(&self) -> usize {
        1 + self.known as usize + self.count as usize
    }

    /// Whether a PDU that starts with `bytes` can be the reply, as far as they tell. A normal reply either counts as
    /// many bytes as were asked for or repeats the request's fields.
    pub(crate) fn may_start(&self, bytes: &[u8]) -> bool {
        let Some((code, data)) = bytes.split_first() else { return true };
        let (refused, ours) = (*code & REFUSED != 0, *code & !REFUSED == self.code);
        let known =
            if self.is_ambiguous() { core::slice::from_ref(&self.count) } else { self.fields.as_slice() };
        let agrees = data.iter().zip(known).take(self.known.into()).all(|(byte, known)| byte == known);
        ours && (refused || agrees)
    }

    /// The response whose bytes behind the function code are `data`: its length, its byte count or the fields it
    /// repeats have been compared already, so little is left to read.
    pub(crate) fn response<'a>(&self, data: &'a [u8]) -> Option<Response<'a>> {
        let (address, second) = (self.start(), self.quantity());
        let values = data.get(1..)?;
        Some(match Function::from_code(self.code) {
            Function::ReadCoils => Response::ReadCoils(Coils::parse(values, second).ok()?),
            Function::ReadDiscreteInputs => Response::ReadDiscreteInputs(Coils::parse(values, second).ok()?),
            Function::ReadHoldingRegisters => Response::ReadHoldingRegisters(Registers::parse(values).ok()?),
            Function::ReadInputRegisters => Response::ReadInputRegisters(Registers::parse(values).ok()?),
            Function::ReadWriteMultipleRegisters => {
                Response::ReadWriteMultipleRegisters(Registers::parse(values).ok()?)
            }
            Function::WriteSingleCoil => Response::WriteSingleCoil { address, on: second != 0 },
            Function::WriteSingleRegister => Response::WriteSingleRegister { address, value: second },
            Function::WriteMultipleCoils => Response::WriteMultipleCoils { start: address, quantity: second },
            Function::WriteMultipleRegisters => {
                Response::WriteMultipleRegisters { start: address, quantity: second }
            }
            Function::MaskWriteRegister => {
                Response::MaskWriteRegister { address, and_mask: second, or_mask: self.third() }
            }
            Function::Other(_) => return None,
        })
    }

    /// The length of the PDU that starts with `code`: the reply's or a refusal's.
    pub(crate) const fn length(&self, code: u8) -> usize {
        if code & REFUSED == 0 { self.reply_length() } else { 2 }
    }
}

/// A byte count: the limits of the functions keep it below 251.
const fn low_byte(count: u16) -> u8 {
    let [_, low] = count.to_be_bytes();
    low
}
