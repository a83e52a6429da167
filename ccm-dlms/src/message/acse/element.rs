//! The small part of BER that ACSE needs: elements, one inside another, around plain bytes.

use ccm_core::{Full, Writer};

use crate::message::cursor::{Cursor, emit_length, emit_octets, length_size};
use crate::message::{Fault, MessageError};

/// What an APDU is made of: the tags of each element, the outermost first, and the standard's name. From the same table it
/// is read and written.
pub(super) type Table<const N: usize> = [(&'static [u8], &'static str); N];

/// Writes the length and the elements of an APDU whose tag is written; elements without content are absent.
pub(super) fn emit_elements(
    writer: &mut Writer<'_>,
    table: &[(&'static [u8], &'static str)],
    contents: &[Option<&[u8]>],
) -> Result<(), Full> {
    let present = || {
        let elements = table.iter().zip(contents);
        elements.filter_map(|((tags, _), content)| content.map(|content| (*tags, content)))
    };
    emit_length(writer, present().map(|(tags, content)| size(tags, content.len())).sum())?;
    for (tags, content) in present() {
        emit_element(writer, tags, content)?;
    }
    Ok(())
}

fn emit_element(writer: &mut Writer<'_>, mut tags: &[u8], content: &[u8]) -> Result<(), Full> {
    while let [tag, inner @ ..] = tags {
        writer.u8(*tag)?;
        if inner.is_empty() {
            return emit_octets(writer, content);
        }
        emit_length(writer, size(inner, content.len()))?;
        tags = inner;
    }
    Ok(())
}

/// How many bytes content takes with so many tags and their lengths around it.
fn size(tags: &[u8], content: usize) -> usize {
    tags.iter().fold(content, |size, _| 1 + length_size(size) + size)
}

/// Reads the elements of an APDU, and keeps what is inside the innermost tag of each. Those that the table does not have are
/// skipped: the standard has more than anybody uses, and makers have their own.
pub(super) fn parse_elements<'a>(
    cursor: &mut Cursor<'a>,
    name: &'static str,
    table: &[(&'static [u8], &'static str)],
    contents: &mut [Option<Cursor<'a>>],
) -> Result<(), MessageError> {
    let mut elements = cursor.inner(name)?;
    while !elements.is_empty() {
        let tag = elements.u8("element tag")?;
        // The number of a long tag follows in bytes of seven bits; nothing of ACSE has one.
        while tag & LONG_TAG == LONG_TAG && elements.u8("element tag")? & 0x80 != 0 {}
        let element = elements.inner("element")?;
        for ((tags, field), content) in table.iter().zip(contents.iter_mut()) {
            if let [first, tags @ ..] = tags
                && *first == tag
                && content.replace(inside(element, tags, field)?).is_some()
            {
                return Err(element.fail(field, Fault::Repeated));
            }
        }
    }
    Ok(())
}

/// What is inside these tags, which is all that there is.
fn inside<'a>(mut element: Cursor<'a>, tags: &[u8], field: &'static str) -> Result<Cursor<'a>, MessageError> {
    for tag in tags {
        element.expect(*tag, field)?;
        let content = element.inner(field)?;
        element.finish(field)?;
        element = content;
    }
    Ok(element)
}

/// An INTEGER from 0 to 255; more bytes than one are leading zeros.
pub(super) fn integer(content: Cursor<'_>, field: &'static str) -> Result<u8, MessageError> {
    match content.all() {
        [zeros @ .., value] if zeros.iter().all(|byte| *byte == 0) => Ok(*value),
        bytes => Err(content.fail(field, Fault::Length { found: bytes.len() })),
    }
}

/// An INTEGER that may be absent.
pub(super) fn optional_integer(
    content: Option<Cursor<'_>>,
    field: &'static str,
) -> Result<Option<u8>, MessageError> {
    content.map(|content| integer(content, field)).transpose()
}

/// The first bit of a BIT STRING, behind the number of bits that are not used: version 1, or the authentication functional
/// unit.
pub(super) const fn first_bit(content: Cursor<'_>) -> bool {
    matches!(content.all(), [_, bits, ..] if *bits & 0x80 != 0)
}

/// The bytes of an element that may be absent.
pub(super) fn octets(content: Option<Cursor<'_>>) -> Option<&[u8]> {
    content.map(|content| content.all())
}

/// One byte to be written, where it is there.
pub(super) fn byte(number: &Option<u8>) -> Option<&[u8]> {
    Some(number.as_slice()).filter(|number| !number.is_empty())
}

pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
/// The form of authentication values that DLMS uses.
pub(super) const CHARACTER_STRING: u8 = 0x80;
/// The elements that a peer of version 1 does not send, and the one with the authentication functional unit.
pub(super) const NO_BIT: &[u8] = &[0x07, 0x00];
pub(super) const FIRST_BIT: &[u8] = &[0x07, 0x80];

const LONG_TAG: u8 = 0x1F;
