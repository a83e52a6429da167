//! Which objects there are, by logical and by short names.

use ccm_core::Writer;

use super::Meter;
use super::objects::{
    ASSOCIATION, CLOCK, DEVICE_NAME, DISCONNECTOR, IMAGE, LOAD, SAP, SCRATCH, SECURITY, STATUS,
};
use crate::message::cosem::AssociationSn;
use crate::message::data::{Event, Value};
use crate::message::{AttributeDescriptor, DataAccessResult, MethodDescriptor};
use crate::server::{Named, Part};

/// An object of the list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Object {
    pub(super) class_id: u16,
    pub(super) logical_name: [u8; 6],
    shape: Shape,
}

/// What all objects of a class have.
#[derive(Clone, Copy, Debug)]
struct Shape {
    version: u8,
    attributes: i8,
    methods: i8,
    /// Where the first method lies from the base name (Green Book 4.5, Blue Book 4.x).
    first_method: u16,
    /// Attributes that may be written, a bit each.
    writable: u16,
}

impl Meter<'_> {
    /// The object at a place of the list.
    pub(super) fn object(&self, index: usize) -> Option<Object> {
        let object =
            |class_id, logical_name| Object { class_id, logical_name, shape: shape(class_id, logical_name) };
        if let Some((class_id, logical_name)) = FIXED.get(index) {
            return Some(object(*class_id, *logical_name));
        }
        let index = index - FIXED.len();
        if let Some(counter) = self.counters.get(index) {
            return Some(object(1, *counter));
        }
        self.registers.get(index - self.counters.len()).map(|register| object(3, register.logical_name))
    }

    fn objects(&self) -> usize {
        FIXED.len() + self.counters.len() + self.registers.len()
    }

    /// The list by logical names, one element a piece.
    pub(super) fn object_list(&self, part: u32, out: &mut Writer<'_>) -> Result<Part, DataAccessResult> {
        self.list(part, out, |object, _, out| emit_element(&object, out))
    }

    /// The same by short names.
    pub(super) fn object_list_sn(&self, part: u32, out: &mut Writer<'_>) -> Result<Part, DataAccessResult> {
        self.list(part, out, |object, index, out| {
            Event::Structure(4).emit(out)?;
            Value::Long(base_name(index).cast_signed()).emit(out)?;
            Value::LongUnsigned(object.class_id).emit(out)?;
            Value::Unsigned(object.shape.version).emit(out)?;
            Value::OctetString(&object.logical_name).emit(out)
        })
    }

    fn list(
        &self,
        part: u32,
        out: &mut Writer<'_>,
        emit: impl FnOnce(Object, usize, &mut Writer<'_>) -> Result<(), ccm_core::Full>,
    ) -> Result<Part, DataAccessResult> {
        let count = u32::try_from(self.objects()).unwrap_or_default();
        match part.checked_sub(1).and_then(|index| usize::try_from(index).ok()) {
            None => Event::Array(count).emit(out)?,
            Some(index) => {
                let object = self.object(index).ok_or(DataAccessResult::ObjectUndefined)?;
                emit(object, index, out)?;
            }
        }
        Ok(if part < count { Part::More } else { Part::Last })
    }

    /// What a short name stands for.
    pub(super) fn named(&self, name: u16) -> Option<Named> {
        if let Some(offset) = name.checked_sub(AssociationSn::BASE_NAME) {
            let attribute_id = i8::try_from(offset / 8 + 1).ok()?;
            let attribute = AttributeDescriptor { class_id: 12, instance_id: ASSOCIATION, attribute_id };
            return Some(Named::Attribute(attribute));
        }
        let offset = name.checked_sub(BASE)?;
        let Object { class_id, logical_name: instance_id, shape } =
            self.object(usize::from(offset / STEP))?;
        let offset = offset % STEP;
        let method =
            offset.checked_sub(shape.first_method).and_then(|offset| i8::try_from(offset / 8 + 1).ok());
        if let Some(method_id) = method.filter(|method| *method <= shape.methods) {
            return Some(Named::Method(MethodDescriptor { class_id, instance_id, method_id }));
        }
        let attribute_id = i8::try_from(offset / 8 + 1).ok().filter(|id| *id <= shape.attributes)?;
        Some(Named::Attribute(AttributeDescriptor { class_id, instance_id, attribute_id }))
    }
}

fn emit_element(object: &Object, out: &mut Writer<'_>) -> Result<(), ccm_core::Full> {
    let Object { class_id, logical_name, shape } = object;
    Event::Structure(4).emit(out)?;
    Value::LongUnsigned(*class_id).emit(out)?;
    Value::Unsigned(shape.version).emit(out)?;
    Value::OctetString(logical_name).emit(out)?;
    Event::Structure(2).emit(out)?;
    Event::Array(shape.attributes.unsigned_abs().into()).emit(out)?;
    for attribute in 1..=shape.attributes {
        let is_writable = shape.writable & 1 << attribute != 0;
        Event::Structure(3).emit(out)?;
        Value::Integer(attribute).emit(out)?;
        Value::Enum(if is_writable { 3 } else { 1 }).emit(out)?;
        if (*class_id, attribute) == (7, 2) {
            Event::Array(2).emit(out)?;
            Value::Integer(1).emit(out)?;
            Value::Integer(2).emit(out)?;
        } else {
            Value::Null.emit(out)?;
        }
    }
    Event::Array(shape.methods.unsigned_abs().into()).emit(out)?;
    for method in 1..=shape.methods {
        Event::Structure(2).emit(out)?;
        Value::Integer(method).emit(out)?;
        Value::Enum(1).emit(out)?;
    }
    Ok(())
}

/// The base name of the object at a place of the list.
fn base_name(index: usize) -> u16 {
    u16::try_from(index).unwrap_or_default().saturating_mul(STEP).saturating_add(BASE)
}

const fn shape(class_id: u16, logical_name: [u8; 6]) -> Shape {
    let is_scratch = matches!(logical_name, SCRATCH);
    let (version, attributes, methods, first_method, writable) = match class_id {
        3 => (0, 3, 1, 0x28, 0),
        7 => (1, 8, 2, 0x58, 1 << 4),
        8 => (0, 9, 6, 0x60, 1 << 2),
        15 => (1, 9, 1, 0x60, 0),
        17 => (0, 2, 0, 0x20, 0),
        18 => (0, 7, 4, 0x40, 0),
        64 => (0, 5, 0, 0x30, 0),
        70 => (0, 4, 2, 0x20, 0),
        _ => (0, 2, 0, 0x20, if is_scratch { 1 << 2 } else { 0 }),
    };
    Shape { version, attributes, methods, first_method, writable }
}

const FIXED: [(u16, [u8; 6]); 10] = [
    (15, ASSOCIATION),
    (17, SAP),
    (1, DEVICE_NAME),
    (8, CLOCK),
    (64, SECURITY),
    (70, DISCONNECTOR),
    (18, IMAGE),
    (7, LOAD),
    (1, SCRATCH),
    (1, STATUS),
];
const BASE: u16 = 0x0100;
const STEP: u16 = 0x80;
