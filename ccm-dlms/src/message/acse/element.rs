//! The small part of BER that ACSE needs: elements, one inside another, around plain bytes.

use ccm_core::{Full, Writer};

use crate::message::cursor::{Cursor, emit_length, emit_octets, length_size};
use crate::message::{Fault, MessageError};

/// An element to be written: its tags, the outermost first, and what is inside the innermost. Nothing where absent.
pub(super) type Element<'a> = (&'static [u8], Option<&'a [u8]>);

/// Writes the length and the elements of an APDU whose tag is written.
pub(super) fn emit_elements(writer: &mut Writer<'_>, elements: &[Element<'_>]) -> Result<(), Full> {
    let present = || elements.iter().filter_map(|(tags, content)| Some((*tags, (*content)?)));
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

/// Reads the elements of an APDU, and gives each tag with what is inside to `take`, which ignores those that it does not
/// know: the standard has more than anybody uses, and makers have their own.
pub(super) fn parse_elements<'a>(
    cursor: &mut Cursor<'a>,
    field: &'static str,
    mut take: impl FnMut(u8, Cursor<'a>) -> Result<(), MessageError>,
) -> Result<(), MessageError> {
    let mut elements = cursor.inner(field)?;
    while !elements.is_empty() {
        let tag = elements.u8("element tag")?;
        // The number of a long tag follows in bytes of seven bits; nothing of ACSE has one.
        while tag & LONG_TAG == LONG_TAG && elements.u8("element tag")? & 0x80 != 0 {}
        take(tag, elements.inner("element")?)?;
    }
    Ok(())
}

/// What is inside an element of this tag, which is all that there is.
pub(super) fn inside<'a>(
    mut element: Cursor<'a>,
    tag: u8,
    field: &'static str,
) -> Result<&'a [u8], MessageError> {
    element.expect(tag, field)?;
    let content = element.octets(field)?;
    element.finish(field)?;
    Ok(content)
}

/// All of an element.
pub(super) fn whole<'a>(mut element: Cursor<'a>, field: &'static str) -> Result<&'a [u8], MessageError> {
    element.take(element.left(), field)
}

/// An INTEGER from 0 to 255; more bytes than one are leading zeros.
pub(super) fn integer(element: Cursor<'_>, field: &'static str) -> Result<u8, MessageError> {
    match inside(element, INTEGER, field)? {
        [zeros @ .., value] if zeros.iter().all(|byte| *byte == 0) => Ok(*value),
        content => Err(element.fail(field, Fault::Length { found: content.len() })),
    }
}

/// The first bit of a BIT STRING: version 1, or the authentication functional unit.
pub(super) fn first_bit(mut element: Cursor<'_>, field: &'static str) -> Result<bool, MessageError> {
    let _unused_bits = element.u8(field)?;
    Ok(!element.is_empty() && element.u8(field)? & 0x80 != 0)
}

/// Keeps what came, unless it came before.
pub(super) fn once<T>(
    slot: &mut Option<T>,
    value: T,
    at: Cursor<'_>,
    field: &'static str,
) -> Result<(), MessageError> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(at.fail(field, Fault::Repeated)),
    }
}

/// An element that the standard demands.
pub(super) fn demanded<T>(slot: Option<T>, at: Cursor<'_>, field: &'static str) -> Result<T, MessageError> {
    slot.ok_or(at.fail(field, Fault::Absent))
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
