//! What the reply to a request must look like.

use crate::message::{
    COIL_OFF, COIL_ON, Extent, READ_DEVICE_IDENTIFICATION, REFERENCE, REFUSED, Request, SubFunction,
};

/// The part of a request that its reply is checked against.
///
/// All of it is worked out when the exchange begins, so that a program that only reads registers has no code for the
/// replies to anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    pub(crate) unit: u8,
    pub(crate) code: u8,
    /// What a normal reply begins with behind its function code, and how much of that is known.
    known: [u16; 3],
    known_length: u8,
    /// Where a normal reply ends.
    extent: Extent,
    /// Whether a reply to another request could be taken for this one's: all but the replies to writes bring only what
    /// was asked for, and not what that was.
    pub(crate) is_ambiguous: bool,
}

impl Expected {
    /// Nothing that any unit could answer.
    pub(crate) const NOTHING: Self = Self {
        unit: 0,
        code: 0,
        known: [0; 3],
        known_length: 0,
        extent: Extent::Fixed(0),
        is_ambiguous: false,
    };

    /// What answers `request`. Inlined, so that what is known of the request beforehand is known of its reply.
    #[inline(always)]
    pub(crate) fn of(unit: u8, request: &Request<'_>) -> Self {
        let code = request.function().code();
        let (known, known_length, extent) = match *request {
            Request::ReadCoils { quantity, .. } | Request::ReadDiscreteInputs { quantity, .. } => {
                counted(quantity.div_ceil(8))
            }
            Request::ReadHoldingRegisters { quantity, .. }
            | Request::ReadInputRegisters { quantity, .. }
            | Request::ReadWriteMultipleRegisters { read_quantity: quantity, .. } => counted(quantity * 2),
            Request::WriteSingleCoil { address, on } => {
                confirmed(address, if on { COIL_ON } else { COIL_OFF })
            }
            Request::WriteSingleRegister { address, value } => confirmed(address, value),
            Request::WriteMultipleCoils { start, coils } => confirmed(start, low_word(coils.len())),
            Request::WriteMultipleRegisters { start, registers } => {
                confirmed(start, low_word(registers.len()))
            }
            Request::MaskWriteRegister { address, and_mask, or_mask } => {
                ([address, and_mask, or_mask], 6, Extent::Fixed(7))
            }
            _ => service(request),
        };
        let is_ambiguous = known_length < 4 && extent != Extent::Fixed(0);
        Self { unit, code, known, known_length, extent, is_ambiguous }
    }

    /// Makes it the reply with so many bytes of values.
    pub(crate) const fn set_count(&mut self, count: u8) {
        self.known = [u16::from_be_bytes([count, 0]), 0, 0];
        self.extent = Extent::Fixed(count + 2);
    }

    /// How many bytes of values the reply to a read carries.
    pub(crate) const fn count(&self) -> u8 {
        let [first, ..] = self.known;
        let [count, _] = first.to_be_bytes();
        count
    }

    /// Whether this is one of the four functions that only read coils or registers, and so can be asked in parts: as
    /// itself, and not as bytes of an own function that has its code.
    pub(crate) const fn is_read(&self) -> bool {
        matches!(self.code, 1..=4) && !self.is_open()
    }

    pub(crate) const fn is_coil_read(&self) -> bool {
        matches!(self.code, 1 | 2)
    }

    /// Whether nobody will answer.
    pub(crate) const fn is_silent(&self) -> bool {
        matches!(self.extent, Extent::Fixed(0))
    }

    /// Whether only its carrier knows where the reply ends.
    pub(crate) const fn is_open(&self) -> bool {
        matches!(self.extent, Extent::Open)
    }

    /// The length of the longest PDU that can be the reply.
    pub(crate) const fn longest(&self) -> usize {
        if let Extent::Fixed(length) = self.extent { length as usize } else { 253 }
    }

    /// Whether a PDU that starts with `bytes` can be the reply, as far as they tell.
    pub(crate) fn may_start(&self, bytes: &[u8]) -> bool {
        let Some((code, data)) = bytes.split_first() else { return true };
        let mut known = data.iter().take(self.known_length.into()).enumerate();
        *code == self.code | REFUSED
            || *code == self.code && known.all(|(index, byte)| self.known(index) == Some(*byte))
    }

    /// Words, not bytes: six bytes would be cleared by `memset`.
    fn known(&self, index: usize) -> Option<u8> {
        let [high, low] = self.known.get(index / 2)?.to_be_bytes();
        Some(if index.is_multiple_of(2) { high } else { low })
    }

    /// Whether a whole PDU is the reply.
    pub(crate) fn is_answered_by(&self, pdu: &[u8]) -> bool {
        let is_whole = self.length(pdu).map_or(self.is_open(), |length| length == pdu.len());
        is_whole && !pdu.is_empty() && self.may_start(pdu)
    }

    /// The length of the PDU that starts with `bytes`; nothing while they do not tell.
    pub(crate) fn length(&self, bytes: &[u8]) -> Option<usize> {
        if bytes.first()? & REFUSED == 0 { self.extent.of(bytes) } else { Some(2) }
    }
}

type Shape = ([u16; 3], u8, Extent);

/// Values behind their count.
fn counted(count: u16) -> Shape {
    // The limits of the functions keep it below 254.
    let [_, count] = count.to_be_bytes();
    ([u16::from_be_bytes([count, 0]), 0, 0], 1, Extent::Fixed(count.wrapping_add(2)))
}

/// Address and what follows it, again.
const fn confirmed(first: u16, second: u16) -> Shape {
    ([first, second, 0], 4, Extent::Fixed(5))
}

fn service(request: &Request<'_>) -> Shape {
    match *request {
        Request::Diagnostics { sub_function: SubFunction::ForceListenOnlyMode, .. } => {
            ([0; 3], 0, Extent::Fixed(0))
        }
        // Data come back as they are, or a counter in their place: as long as the request in any case.
        Request::Diagnostics { sub_function, data } => {
            let [_, length] = low_word(data.len() + 3).to_be_bytes();
            ([sub_function.code(), 0, 0], 2, Extent::Fixed(length))
        }
        Request::ReadFileRecord(reads) => counted(low_word(reads.reply_bytes())),
        Request::WriteFileRecord(writes) => {
            let [_, count] = low_word(writes.as_bytes().len()).to_be_bytes();
            let [a, b, c, d] =
                writes.as_bytes().get(1..).and_then(<[u8]>::first_chunk).copied().unwrap_or_default();
            let known = [[count, REFERENCE], [a, b], [c, d]].map(u16::from_be_bytes);
            (known, 6, Extent::Counted(1))
        }
        Request::ReadDeviceIdentification { kind, .. } => {
            ([u16::from_be_bytes([READ_DEVICE_IDENTIFICATION, kind.code()]), 0, 0], 2, Extent::Open)
        }
        Request::EncapsulatedInterface { interface, .. } => {
            ([u16::from_be_bytes([interface, 0]), 0, 0], 1, Extent::Open)
        }
        _ => ([0; 3], 0, request.function().response()),
    }
}

/// A quantity: the limits of the functions keep it far below 65 536.
fn low_word(count: usize) -> u16 {
    u16::try_from(count).unwrap_or(u16::MAX)
}
