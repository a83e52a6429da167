//! What a notification's body says: values with their OBIS codes, whatever the maker's layout.

mod kaifa;

use ccm_core::{Decimal, Obis};

use super::object::CaptureObject;
use super::push_setup::PushSetup;
use super::register::{Register, ScalerUnit};
use super::unit::Unit;
use crate::message::data::{DataError, Event, Events, Fault, Value};

/// One value of a push.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Reading<'a> {
    /// What it is; nothing where the body does not say it beyond doubt.
    pub obis: Option<Obis>,
    /// The value as it came.
    pub value: Value<'a>,
    /// What its number means; nothing where the body does not say it.
    pub scaler_unit: Option<ScalerUnit>,
}

impl Reading<'_> {
    /// The exact value in the unit; nothing where it is no integer, or no unit was said.
    pub fn decimal(&self) -> Option<Decimal> {
        self.scaler_unit?.apply(self.value)
    }
}

/// What is known of the sender beforehand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Layout {
    /// Nothing: only what the body itself says.
    #[default]
    Detect,
    /// It is a Kaifa with the lists `KFM_001`: a body of one number is the active power, list 1. The longer lists are
    /// recognised without being told.
    Kaifa,
}

/// Reads the body of a notification value by value.
///
/// These layouts are known:
/// - pairs of a code and a value, each with scaler and unit behind it or not, in structures of their own (Aidon, Salzburg) or
///   one after another (Kamstrup, Landis+Gyr, Netz Niederösterreich);
/// - values in the order of the push object list, which is the first of them (Landis+Gyr E450 and others);
/// - values in an order that the maker has published (Kaifa lists 1 to 3);
/// - values behind descriptors of their attributes that have no tags (EGD and Sagemcom XT211 in Czechia).
///
/// A value is only given a code where one of these says so; all others come without. A code in a pair is an octet string of
/// six bytes that names a medium and ends with 255, and something else than another code follows it.
///
/// ```
/// use ccm_dlms::message::cosem::{Layout, PushBody};
///
/// let body = [0x02, 0x02, 0x09, 0x06, 1, 0, 32, 7, 0, 255, 0x12, 0x08, 0xF4, 0x02, 0x02, 0x0F, 0xFF, 0x16, 35];
/// let body = [&[0x01, 0x01, 0x02, 0x03], &body[2..]].concat();
/// let reading = PushBody::new(&body, Layout::Detect).next().unwrap()?;
/// assert_eq!(reading.obis.unwrap().to_string(), "1-0:32.7.0*255");
/// assert_eq!(reading.decimal().unwrap().to_string(), "229.2");
/// # Ok::<(), ccm_dlms::message::data::DataError>(())
/// ```
#[derive(Clone, Debug)]
pub struct PushBody<'a> {
    events: Events<'a>,
    positions: Positions<'a>,
    /// Nothing follows the data, or that was said already.
    is_checked: bool,
}

/// Where the codes of values without one come from.
#[derive(Clone, Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "there is no heap for a box; 32 bits stay below the lint's limit"
)]
enum Positions<'a> {
    /// From the codes that lie before them.
    None,
    /// From nowhere: there is a list of objects, but it is not sure which value each of them has. A code may be the value of
    /// an object then, so none is believed.
    Unknown,
    /// From the list of a Kaifa of so many elements.
    Kaifa(u32),
    /// From descriptors of attributes without tags, as Czech meters send them.
    Descriptors,
    /// From the push object list.
    Objects(Events<'a>),
}

impl<'a> PushBody<'a> {
    /// Begins with the first value of `body`, the whole `notification-body`.
    pub fn new(body: &'a [u8], layout: Layout) -> Self {
        let events = Events::new(body);
        let mut new = Self { events, positions: Positions::None, is_checked: false };
        new.positions = new.positions_of(layout).unwrap_or(Positions::None);
        new
    }

    /// Finds out whether the place of a value says what it is. What is wrong with the bytes is said when they are read.
    fn positions_of(&self, layout: Layout) -> Option<Positions<'a>> {
        if self.has_descriptors() {
            return Some(Positions::Descriptors);
        }
        let mut events = self.events.clone();
        let Some(Ok(Event::Structure(count))) = events.next() else { return None };
        if kaifa::is_list(&events, count, layout) {
            return Some(Positions::Kaifa(count));
        }
        if matches!(events.peek(), Some([0x13])) {
            return Some(Positions::Unknown);
        }
        let Some(Ok(Event::Array(objects))) = events.next() else { return None };
        // The list must be the first of the values that it names; else nobody knows which value is the first.
        let first = definition(&events)?;
        let is_own =
            first.class_id == PushSetup::CLASS_ID && first.attribute_index == PushSetup::PUSH_OBJECT_LIST;
        Some(if is_own && objects == count { Positions::Objects(events) } else { Positions::Unknown })
    }

    /// Whether the values have their attributes before them as nine bytes without a tag: no `Data`, but what some meters send
    /// within a structure of an enumeration and an array. Only what cannot be read as the standard has it is taken for that.
    #[inline(never)]
    fn has_descriptors(&self) -> bool {
        let Some([0x02, 2, 0x16, _, 0x01, _, 0x02, 2, 0, _, a, _, _, _, _, f, 1..=0x7F]) =
            self.events.peek::<17>()
        else {
            return false;
        };
        let mut as_data = self.events.clone();
        is_code(*a, *f) && (as_data.any(|event| event.is_err()) || !as_data.rest().is_empty())
    }

    #[inline]
    fn read(&mut self) -> Result<Option<Reading<'a>>, DataError> {
        loop {
            if self.is_positioned() {
                match self.read_positioned()? {
                    None => continue,
                    reading => return Ok(reading),
                }
            }
            // Most of what comes is told by its tag: this is what the speed of the whole depends on.
            match self.events.peek() {
                Some([0x09]) => {
                    if let Some(obis) = self.key() {
                        self.events.pass_peeked(NAME);
                        return self.read_value(Some(obis)).map(Some);
                    }
                }
                Some([0x02]) if definition(&self.events).is_some() => {
                    self.pass_definition()?;
                    continue;
                }
                _ => {}
            }
            match self.events.next_event()? {
                Some(Event::Value(value)) => return Ok(Some(self.reading(None, value))),
                Some(_) => {}
                None => return self.check(),
            }
        }
    }

    fn is_positioned(&self) -> bool {
        match self.positions {
            Positions::None | Positions::Unknown => false,
            Positions::Kaifa(_) | Positions::Objects(_) => self.events.depth() == 1 && self.events.left() > 0,
            Positions::Descriptors => self.events.depth() == 3 && self.events.left() == 2,
        }
    }

    #[cold]
    fn pass_definition(&mut self) -> Result<(), DataError> {
        self.events.pass("object definition")?;
        if matches!(self.positions, Positions::None) {
            self.positions = Positions::Unknown;
        }
        Ok(())
    }

    #[inline]
    fn read_value(&mut self, obis: Option<Obis>) -> Result<Reading<'a>, DataError> {
        let value = self.events.value("value")?;
        Ok(self.reading(obis, value))
    }

    /// A value with the scaler and unit that may lie behind it.
    #[inline]
    fn reading(&mut self, obis: Option<Obis>, value: Value<'a>) -> Reading<'a> {
        let scaler_unit = self.scaler_unit();
        if scaler_unit.is_some() {
            self.events.pass_peeked(SCALER_UNIT);
        }
        Reading { obis, value, scaler_unit }
    }

    /// The scaler and unit that come next.
    fn scaler_unit(&self) -> Option<ScalerUnit> {
        let [0x02, 2, 0x0F, scaler, 0x16, unit] = *self.events.peek()? else { return None };
        Some(ScalerUnit::new(scaler.cast_signed(), Unit(unit)))
    }

    /// The code that comes next, where a value of its own follows it in the same array or structure.
    fn key(&self) -> Option<Obis> {
        if self.events.left() < 2 || matches!(self.positions, Positions::Unknown) {
            return None;
        }
        let [0x09, 6, a, b, c, d, e, f, next] = *self.events.peek()? else { return None };
        let is_code = is_code(a, f) && !matches!(next, 0x01 | 0x02 | 0x13);
        (is_code && !self.is_code_behind(next)).then(|| Obis::new([a, b, c, d, e, f]))
    }

    /// Whether another code follows the one that comes next: then the first is no key, but a value.
    fn is_code_behind(&self, next: u8) -> bool {
        let follows = || self.events.peek::<16>();
        next == 0x09 && matches!(follows(), Some([.., 0x09, 6, a, _, _, _, _, f]) if is_code(*a, *f))
    }

    /// The next value of the outermost structure, named by its place; nothing where it has parts, which have no names then.
    #[cold]
    fn read_positioned(&mut self) -> Result<Option<Reading<'a>>, DataError> {
        let mut obis = None;
        let mut known = None;
        match &mut self.positions {
            Positions::None | Positions::Unknown => {}
            Positions::Descriptors => obis = self.descriptor(),
            Positions::Kaifa(count) => {
                (obis, known) = kaifa::column(*count, count.saturating_sub(self.events.left())).unzip();
            }
            Positions::Objects(objects) => obis = next_object(objects)?.filter(is_value).map(name),
        }
        if !self.events.next_is_value() {
            // What has parts is read part by part, and a list of objects not at all.
            self.events.next_event()?;
            return Ok(None);
        }
        let value = self.events.value("value")?;
        let scaler_unit = known.flatten().or(self.scaler_unit_of(obis)?);
        Ok(Some(Reading { obis, value, scaler_unit }))
    }

    /// Passes over a descriptor without a tag. It gives the name of an object where the attribute is its value.
    fn descriptor(&mut self) -> Option<Obis> {
        let [_, _, a, b, c, d, e, f, attribute] = *self.events.peek()?;
        self.events.pass_peeked(DESCRIPTOR);
        (attribute.cast_signed() == Register::VALUE).then(|| Obis::new([a, b, c, d, e, f]))
    }

    /// The scaler and unit, where the push object list says that they come next.
    fn scaler_unit_of(&mut self, obis: Option<Obis>) -> Result<Option<ScalerUnit>, DataError> {
        let (Positions::Objects(objects), Some(_)) = (&self.positions, obis) else { return Ok(None) };
        let Some(next) = definition(objects) else { return Ok(None) };
        let belongs = Some(next.logical_name) == obis && next.attribute_index == Register::SCALER_UNIT;
        let Some(scaler_unit) = self.scaler_unit().filter(|_| belongs) else { return Ok(None) };
        if let Positions::Objects(objects) = &mut self.positions {
            next_object(objects)?;
        }
        self.events.pass_peeked(SCALER_UNIT);
        Ok(Some(scaler_unit))
    }

    /// Says once that something follows the body.
    #[cold]
    fn check(&mut self) -> Result<Option<Reading<'a>>, DataError> {
        let found = self.events.rest().len();
        if found == 0 || core::mem::replace(&mut self.is_checked, true) {
            return Ok(None);
        }
        Err(Fault::Trailing { found }.at(self.events.offset()))
    }
}

impl<'a> Iterator for PushBody<'a> {
    type Item = Result<Reading<'a>, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        let read = self.read();
        self.is_checked |= read.is_err();
        read.transpose()
    }
}

/// The definition of an object that comes next. It has a code in it, but no value.
fn definition(events: &Events<'_>) -> Option<CaptureObject> {
    let [0x02, 4..=0x7F, 0x12, c0, c1, 0x09, 6, a, b, c, d, e, f, 0x0F, attribute, 0x12, i0, i1] =
        *events.peek()?
    else {
        return None;
    };
    Some(CaptureObject {
        class_id: u16::from_be_bytes([c0, c1]),
        logical_name: Obis::new([a, b, c, d, e, f]),
        attribute_index: attribute.cast_signed(),
        data_index: u16::from_be_bytes([i0, i1]),
    })
}

/// Takes the next definition of a list. Behind one that is none there are no more, so that no name goes to a wrong value.
fn next_object(objects: &mut Events<'_>) -> Result<Option<CaptureObject>, DataError> {
    let object = definition(objects);
    if object.is_some() {
        objects.pass("object definition")?;
    }
    Ok(object)
}

/// Whether the first and the last byte are those of a code: a medium of IEC 62056-61, and the present billing period.
const fn is_code(a: u8, f: u8) -> bool {
    matches!(a, 0 | 1 | 4..=9 | 15) && f == 255
}

const fn is_value(object: &CaptureObject) -> bool {
    object.attribute_index == Register::VALUE && object.data_index == 0
}

const fn name(object: CaptureObject) -> Obis {
    object.logical_name
}

/// How many bytes a logical name has, with its tag and length.
const NAME: usize = 8;
/// How many bytes a descriptor has: class, name and attribute.
const DESCRIPTOR: usize = 9;
/// How many bytes the structure of scaler and unit has.
const SCALER_UNIT: usize = 6;
