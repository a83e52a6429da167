//! Association LN and SN (classes 15 and 12): which objects there are, and what may be done with them.

use ccm_core::Obis;

use super::list::{Element, List};
use crate::message::data::{Data, DataError, Event, Events, Fault, Value};

/// Class 15: the association in which objects are named by their logical names.
#[derive(Clone, Copy, Debug)]
pub struct AssociationLn;

impl AssociationLn {
    /// The number of the class.
    pub const CLASS_ID: u16 = 15;
    /// Attribute: see [`AssociationLn::object_list`].
    pub const OBJECT_LIST: i8 = 2;
    /// Attribute: client and server addresses, a structure of an integer and a long-unsigned.
    pub const ASSOCIATED_PARTNERS_ID: i8 = 3;
    /// Attribute: the application context's name.
    pub const APPLICATION_CONTEXT_NAME: i8 = 4;
    /// Attribute: conformance, maximum sizes, version, quality of service, cyphering info.
    pub const XDLMS_CONTEXT_INFO: i8 = 5;
    /// Attribute: the authentication mechanism's name.
    pub const AUTHENTICATION_MECHANISM_NAME: i8 = 6;
    /// Attribute: the secret, as a rule write-only.
    pub const SECRET: i8 = 7;
    /// Attribute: 0 not associated, 1 pending, 2 associated.
    pub const ASSOCIATION_STATUS: i8 = 8;
    /// Attribute: the name of its security setup.
    pub const SECURITY_SETUP_REFERENCE: i8 = 9;
    /// Attribute: the users, from version 2 on.
    pub const USER_LIST: i8 = 10;
    /// Attribute: the user of now.
    pub const CURRENT_USER: i8 = 11;
    /// Method: the third and fourth pass of high level security.
    pub const REPLY_TO_HLS_AUTHENTICATION: i8 = 1;
    /// Method: a new secret.
    pub const CHANGE_HLS_SECRET: i8 = 2;

    /// The objects that this association shows.
    ///
    /// # Errors
    /// Where it is no array; what is wrong with an element comes with that element.
    pub fn object_list(data: Data<'_>) -> Result<List<'_, ObjectElement<'_>>, DataError> {
        List::parse(data, "object_list")
    }
}

/// An object that can be named by its logical name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ObjectElement<'a> {
    /// Its class.
    pub class_id: u16,
    /// The version of the class.
    pub version: u8,
    /// Its name.
    pub logical_name: Obis,
    attributes: Data<'a>,
    methods: Data<'a>,
}

impl<'a> ObjectElement<'a> {
    /// What may be done with its attributes.
    ///
    /// # Errors
    /// Where it is no array; what is wrong with an element comes with that element.
    pub fn attributes(self) -> Result<List<'a, AttributeAccess<'a>>, DataError> {
        List::parse(self.attributes, "attribute_access")
    }

    /// What may be done with its methods.
    ///
    /// # Errors
    /// Where it is no array; what is wrong with an element comes with that element.
    pub fn methods(self) -> Result<List<'a, MethodAccess>, DataError> {
        List::parse(self.methods, "method_access")
    }
}

impl<'a> Element<'a> for ObjectElement<'a> {
    fn read(events: &mut Events<'a>) -> Result<Self, DataError> {
        events.structure_of("object_list_element", 4)?;
        let (class_id, version) = (events.integer("class_id")?, events.integer("version")?);
        let logical_name = events.logical_name("logical_name")?;
        events.structure_of("access_rights", 2)?;
        let (attributes, methods) = (events.data("attribute_access")?, events.data("method_access")?);
        events.end()?;
        events.end()?;
        Ok(Self { class_id, version, logical_name, attributes, methods })
    }
}

/// What may be done with an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct AttributeAccess<'a> {
    /// The attribute.
    pub attribute_id: i8,
    /// Up to version 2 of the class: 0 nothing, 1 read, 2 write, 3 both, 4 to 6 the same with authentication. From version 3
    /// on bits: 1 read, 2 write, 4/8/16 authenticated, encrypted, signed request, 32/64/128 the same of the response.
    pub access_mode: u8,
    selectors: Option<Data<'a>>,
}

impl<'a> AttributeAccess<'a> {
    /// Which selective access there is: 1 by range, 2 by entry.
    pub fn selectors(self) -> impl Iterator<Item = Result<i8, DataError>> + 'a {
        let events = self.selectors.into_iter().flat_map(Data::events);
        events.filter_map(|event| match event {
            Ok(Event::Value(value)) => value.integer().and_then(|selector| selector.try_into().ok()).map(Ok),
            Ok(_) => None,
            Err(error) => Some(Err(error)),
        })
    }
}

impl<'a> Element<'a> for AttributeAccess<'a> {
    fn read(events: &mut Events<'a>) -> Result<Self, DataError> {
        events.structure_of("attribute_access_item", 3)?;
        let (attribute_id, access_mode) =
            (events.integer("attribute_id")?, events.enumeration("access_mode")?);
        let selectors = events.data("access_selectors")?;
        let selectors = (selectors.value() != Ok(Value::Null)).then_some(selectors);
        events.end().map(|()| Self { attribute_id, access_mode, selectors })
    }
}

/// What may be done with a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct MethodAccess {
    /// The method.
    pub method_id: i8,
    /// 0 nothing, 1 it may be invoked; 2 with authentication, and from version 3 on the bits of [`AttributeAccess`].
    pub access_mode: u8,
}

impl<'a> Element<'a> for MethodAccess {
    fn read(events: &mut Events<'a>) -> Result<Self, DataError> {
        events.structure_of("method_access_item", 2)?;
        let method_id = events.integer("method_id")?;
        // Version 0 of the class has a boolean here.
        let access_mode = match events.value("access_mode")? {
            Value::Boolean(truth) => truth.into(),
            Value::Enum(mode) | Value::Unsigned(mode) => mode,
            _ => return Err(events.wrong(Fault::Type { field: "access_mode", expected: "enum" })),
        };
        events.end().map(|()| Self { method_id, access_mode })
    }
}

/// Class 12: the association in which objects have short names. Its own base name is [`AssociationSn::BASE_NAME`].
#[derive(Clone, Copy, Debug)]
pub struct AssociationSn;

impl AssociationSn {
    /// The number of the class.
    pub const CLASS_ID: u16 = 12;
    /// The base name of the current association.
    pub const BASE_NAME: u16 = 0xFA00;
    /// Attribute: see [`AssociationSn::object_list`].
    pub const OBJECT_LIST: i8 = 2;

    /// The objects that this association shows.
    ///
    /// # Errors
    /// Where it is no array; what is wrong with an element comes with that element.
    pub fn object_list(data: Data<'_>) -> Result<List<'_, ObjectElementSn>, DataError> {
        List::parse(data, "object_list")
    }
}

/// An object that has a short name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ObjectElementSn {
    /// The short name of its first attribute.
    pub base_name: u16,
    /// Its class.
    pub class_id: u16,
    /// The version of the class.
    pub version: u8,
    /// Its logical name.
    pub logical_name: Obis,
}

impl ObjectElementSn {
    /// The short name of an attribute, 1 being the logical name: they lie 8 apart. Nothing for an attribute that has none.
    pub fn attribute(self, index: u8) -> Option<u16> {
        self.base_name.checked_add(u16::from(index.checked_sub(1)?) * 8)
    }
}

impl<'a> Element<'a> for ObjectElementSn {
    fn read(events: &mut Events<'a>) -> Result<Self, DataError> {
        events.structure_of("objlist_element", 4)?;
        // A long in the standard: the bits count, whatever the sign.
        let base_name: i32 = events.integer("base_name")?;
        let base_name = u16::try_from(base_name & 0xFFFF).unwrap_or_default();
        let element = Self {
            base_name,
            class_id: events.integer("class_id")?,
            version: events.integer("version")?,
            logical_name: events.logical_name("logical_name")?,
        };
        events.end().map(|()| element)
    }
}
