//! What a device says of itself: function 43, interface 14.

use ccm_core::Reader;

use super::MessageError;
use super::fields::items;

/// How much of a device's identification is read (MB-APP 6.21).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ReadDeviceId {
    /// Maker, product code and revision: objects 0 to 2.
    Basic,
    /// These and what the standard defines beside them: objects up to 0x7F.
    Regular,
    /// These and the device's own: objects up to 0xFF.
    Extended,
    /// One object.
    Individual,
}

impl ReadDeviceId {
    /// Names the kind of a code; nothing for one that the standard does not know.
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Basic),
            2 => Some(Self::Regular),
            3 => Some(Self::Extended),
            4 => Some(Self::Individual),
            _ => None,
        }
    }

    /// The code on the wire.
    pub const fn code(self) -> u8 {
        match self {
            Self::Basic => 1,
            Self::Regular => 2,
            Self::Extended => 3,
            Self::Individual => 4,
        }
    }

    /// The last object that a stream of this kind can have.
    pub const fn last_object(self) -> u8 {
        match self {
            Self::Basic => 0x02,
            Self::Regular => 0x7F,
            Self::Extended | Self::Individual => 0xFF,
        }
    }
}

/// A part of a device's identification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Identification<'a> {
    /// What was asked for.
    pub kind: ReadDeviceId,
    /// What the device has: 1 to 3 for the kinds, with 0x80 where single objects can be read too.
    pub conformity: u8,
    /// The object to ask for next, where there are more.
    pub next_object: Option<u8>,
    /// What it brings.
    pub objects: Objects<'a>,
}

impl<'a> Identification<'a> {
    /// Reads what follows the interface type. The count of objects is not believed: the standard's own example counts
    /// one too many.
    #[inline(always)]
    pub(crate) fn parse(reader: &mut Reader<'a>) -> Result<Self, MessageError> {
        let code = reader.u8("read device ID code")?;
        let kind = ReadDeviceId::from_code(code).ok_or(MessageError::ReadDeviceId { code })?;
        let conformity = reader.u8("conformity level")?;
        let more_follows = reader.u8("more follows")?;
        let next = reader.u8("next object ID")?;
        let count = reader.u8("number of objects")?;
        let bytes = reader.take(reader.rest().len(), "objects")?;
        let next_object = (more_follows != 0).then_some(next);
        Ok(Self { kind, conformity, next_object, objects: Objects { bytes, count } })
    }

    /// The seven bytes before the objects.
    pub(crate) fn head(&self, code: u8, interface: u8) -> [u8; 7] {
        let (more_follows, next) = self.next_object.map_or((0, 0), |next| (0xFF, next));
        [code, interface, self.kind.code(), self.conformity, more_follows, next, self.objects.count]
    }
}

/// Objects of an identification: a number and bytes each, most often ASCII.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Objects<'a> {
    bytes: &'a [u8],
    count: u8,
}

impl<'a> Objects<'a> {
    /// The bytes behind the number of objects.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The objects in order, each with its number; a mistake is the last item.
    pub fn iter(&self) -> impl Iterator<Item = Result<(u8, &'a [u8]), MessageError>> + use<'a> {
        items(self.bytes, |reader| {
            let id = reader.u8("object ID")?;
            let length = reader.u8("object length")?;
            Ok((id, reader.take(length.into(), "object value")?))
        })
    }
}

/// The interface of function 43 that reads a device's identification.
pub(crate) const READ_DEVICE_IDENTIFICATION: u8 = 0x0E;

#[cfg(test)]
mod tests {
    use super::*;

    /// MB-APP 6.21, the segmented example: it says three objects and carries two.
    #[test]
    fn objects_are_found_by_their_lengths_and_not_by_their_count() {
        let mut bytes = vec![1, 1, 0xFF, 2, 3, 0, 22];
        bytes.extend(b"Company identification");
        bytes.extend([1, 28]);
        bytes.extend(b"Product code XXXXXXXXXXXXXXX");
        let identification = Identification::parse(&mut Reader::new(&bytes)).unwrap();
        assert_eq!(identification.next_object, Some(2));
        let objects: Vec<_> = identification.objects.iter().map(Result::unwrap).collect();
        assert_eq!(objects.len(), 2);
        assert_eq!(objects[0], (0, &b"Company identification"[..]));
    }
}
