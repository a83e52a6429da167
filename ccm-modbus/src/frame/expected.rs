//! What the reply to a request must look like.

use crate::message::{Function, REFUSED};

/// The part of a request that its reply is checked against. Small enough to be kept by value while the caller's buffer
/// receives; a read can be built anew from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    pub(crate) unit: u8,
    pub(crate) function: Function,
    /// What follows the function code: start or address, then quantity, value or masks.
    fields: [u8; 6],
}

impl Expected {
    /// Nothing that any unit could answer.
    pub(crate) const NOTHING: Self = Self { unit: 0, function: Function::Other(0), fields: [0; 6] };

    /// Takes the first fields of a request PDU.
    pub(crate) fn of(unit: u8, pdu: &[u8]) -> Self {
        let mut fields = [0; 6];
        let mut bytes = pdu.iter().copied();
        let function = Function::from_code(bytes.next().unwrap_or_default());
        for (field, byte) in fields.iter_mut().zip(bytes) {
            *field = byte;
        }
        Self { unit, function, fields }
    }

    /// A read of `quantity` from the same place.
    pub(crate) const fn with_quantity(mut self, quantity: u16) -> Self {
        let [start_high, start_low, ..] = self.fields;
        let [high, low] = quantity.to_be_bytes();
        self.fields = [start_high, start_low, high, low, 0, 0];
        self
    }

    /// The PDU of a read, built anew.
    pub(crate) const fn read_pdu(&self) -> [u8; 5] {
        let [a, b, c, d, ..] = self.fields;
        [self.function.code(), a, b, c, d]
    }

    /// The quantity that is read.
    pub(crate) const fn quantity(&self) -> u16 {
        let [_, _, high, low, ..] = self.fields;
        u16::from_be_bytes([high, low])
    }

    /// Whether this is one of the four functions that only read, and so can be asked again.
    pub(crate) const fn is_read(&self) -> bool {
        self.is_register_read() || self.is_coil_read()
    }

    /// Whether a reply to another request of the same length could be taken for this one's.
    pub(crate) const fn is_ambiguous(&self) -> bool {
        self.is_read() || matches!(self.function, Function::ReadWriteMultipleRegisters)
    }

    pub(crate) const fn is_coil_read(&self) -> bool {
        matches!(self.function, Function::ReadCoils | Function::ReadDiscreteInputs)
    }

    const fn is_register_read(&self) -> bool {
        matches!(self.function, Function::ReadHoldingRegisters | Function::ReadInputRegisters)
    }

    /// How many bytes of values a reply with a byte count carries.
    pub(crate) fn byte_count(&self) -> usize {
        let quantity = usize::from(self.quantity());
        if self.is_coil_read() { quantity.div_ceil(8) } else { quantity * 2 }
    }

    /// The length of the normal reply's PDU.
    pub(crate) fn reply_length(&self) -> usize {
        match self.function {
            _ if self.is_ambiguous() => 2 + self.byte_count(),
            Function::MaskWriteRegister => 7,
            _ => 5,
        }
    }

    /// Whether a PDU that starts with `bytes` can be the reply, as far as they tell. A normal reply either counts as
    /// many bytes as were asked for or repeats the request's fields.
    pub(crate) fn may_start(&self, bytes: &[u8]) -> bool {
        let Some((code, data)) = bytes.split_first() else { return true };
        if *code == self.function.code() | REFUSED {
            return true;
        }
        *code == self.function.code() && self.may_continue(data)
    }

    fn may_continue(&self, data: &[u8]) -> bool {
        if self.is_ambiguous() {
            return data.first().is_none_or(|count| usize::from(*count) == self.byte_count());
        }
        data.iter().zip(&self.fields).take(self.reply_length() - 1).all(|(byte, field)| byte == field)
    }

    /// The length of the PDU that starts with `code`: the reply's or a refusal's.
    pub(crate) fn length(&self, code: u8) -> usize {
        if code & REFUSED == 0 { self.reply_length() } else { 2 }
    }
}
