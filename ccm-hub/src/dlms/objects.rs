//! What a map wants of a DLMS meter, and how far it has been read.

use ccm_core::{Decimal, Obis};
use ccm_dlms::message::cosem::{DataClass, Register, ScalerUnit};
use ccm_dlms::message::data::{Data, Value};
use ccm_dlms::message::{AttributeDescriptor, DataAccessResult, GetDataResult};
use ccm_registry::{CodePoint, Form, MOST_CODES, Map, Said, Unit};
use heapless::{String, Vec};

/// The objects of a map, each once, and what the meter has said of them.
#[derive(Debug)]
pub(super) struct Objects {
    map: &'static Map<'static>,
    objects: Vec<Object, MOST_CODES>,
}

#[derive(Clone, Debug)]
struct Object {
    code: [u8; 6],
    is_text: bool,
    /// What its number means, since the association began.
    scale: Option<ScalerUnit>,
    state: State,
}

/// What is known of an object's value in this cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    /// It is still to be asked for.
    Open,
    /// It came.
    Number(Option<Decimal>),
    /// It came, in this association.
    Text(Option<String<32>>),
    /// It exists, but there is no value, for good or for bad reasons.
    Denied,
    /// The meter cannot give it now.
    Failed,
    /// The meter does not have it.
    Absent,
}

/// An attribute that is to be asked for next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    object: usize,
    pub(super) attribute: AttributeDescriptor,
}

impl Objects {
    pub(super) fn new(map: &'static Map<'static>) -> Self {
        let mut objects: Vec<Object, MOST_CODES> = Vec::new();
        let wanted = map
            .codes
            .iter()
            .flat_map(|code| code.choices.iter().copied().flatten().map(move |term| (code, term)));
        for (point, term) in wanted {
            let Some(code) = name(term.code) else { continue };
            if !objects.iter().any(|object| object.code == code) {
                let is_text = point.form == Form::Text;
                // A map has no more codes than fit.
                let _ = objects.push(Object { code, is_text, scale: None, state: State::Open });
            }
        }
        Self { map, objects }
    }

    /// An association begins: what was said of scalers and texts in the one before counts no more.
    pub(super) fn associated(&mut self) {
        for object in &mut self.objects {
            object.scale = None;
            object.reopen();
        }
    }

    /// A cycle begins: numbers are to be read anew.
    pub(super) fn begin(&mut self) {
        let numbers = self.objects.iter_mut().filter(|object| !matches!(object.state, State::Text(_)));
        numbers.for_each(Object::reopen);
    }

    /// What is to be asked for next, at most `room` attributes; nothing when the cycle is over. The scaler of a number
    /// goes with its value until it is known.
    pub(super) fn wanted(&self, room: usize) -> Vec<Wanted, MOST_WANTED> {
        let mut wanted = Vec::new();
        for (place, _) in self.objects.iter().enumerate().filter(|(_, object)| self.is_needed(object)) {
            let parts = self.parts(place);
            if wanted.len() + parts.clone().count() > room.max(2) {
                break;
            }
            wanted.extend(parts);
        }
        wanted
    }

    fn parts(&self, place: usize) -> impl Iterator<Item = Wanted> + Clone {
        let object = self.objects.get(place);
        let attribute = move |class_id, attribute_id| {
            let instance_id = object?.code;
            Some(Wanted {
                object: place,
                attribute: AttributeDescriptor { class_id, instance_id, attribute_id },
            })
        };
        let (scale, value) = match object {
            Some(object) if object.is_text => (None, attribute(DataClass::CLASS_ID, DataClass::VALUE)),
            Some(object) if object.scale.is_some() => (None, attribute(Register::CLASS_ID, Register::VALUE)),
            _ => (
                attribute(Register::CLASS_ID, Register::SCALER_UNIT),
                attribute(Register::CLASS_ID, Register::VALUE),
            ),
        };
        scale.into_iter().chain(value)
    }

    /// Whether some quantity waits for this object: it is in the first choice that the meter may have.
    fn is_needed(&self, object: &Object) -> bool {
        object.state == State::Open
            && self.map.codes.iter().any(|point| {
                self.choice(point)
                    .is_some_and(|terms| terms.iter().any(|term| name(term.code) == Some(object.code)))
            })
    }

    /// The best choice of which the meter has not said that it lacks something.
    fn choice(&self, point: &CodePoint<'static>) -> Option<&'static [ccm_registry::Term]> {
        let lacks = |code: [u8; 6]| {
            self.objects.iter().any(|object| object.code == code && object.state == State::Absent)
        };
        point
            .choices
            .iter()
            .copied()
            .find(|terms| !terms.iter().any(|term| name(term.code).is_none_or(lacks)))
    }

    /// Whether it is still to be asked for.
    pub(super) fn is_open(&self, wanted: Wanted) -> bool {
        self.objects.get(wanted.object).is_some_and(|object| object.state == State::Open)
    }

    /// Takes what the meter said to one that was wanted.
    pub(super) fn take(&mut self, wanted: Wanted, result: GetDataResult<'_>) {
        let Some(object) = self.objects.get_mut(wanted.object) else { return };
        match result {
            GetDataResult::Result(result) => object.state = refused(result),
            // The scaler was refused: its value is none.
            GetDataResult::Data(_) if object.state != State::Open => {}
            GetDataResult::Data(data) => {
                let is_scale = !object.is_text && wanted.attribute.attribute_id == Register::SCALER_UNIT;
                let data = Data::parse(data.0).ok();
                if is_scale {
                    object.scale = data.and_then(|data| ScalerUnit::parse(data).ok());
                    object.state = if object.scale.is_some() { State::Open } else { State::Denied };
                } else {
                    object.value(data.and_then(|data| data.value().ok()));
                }
            }
        }
    }

    /// What the meter has said in this cycle.
    pub(super) fn said(&self) -> Vec<Said, MOST_CODES> {
        let said = |object: &Object| {
            let value = match object.state {
                State::Number(value) => value,
                State::Denied if !object.is_text => None,
                _ => return None,
            };
            Some(Said { code: Obis::new(object.code), value, unit: unit(object.scale) })
        };
        self.objects.iter().filter_map(said).collect()
    }

    /// The serial number, by the best code that the meter has.
    pub(super) fn serial(&self) -> Option<&str> {
        self.objects.iter().find_map(|object| match &object.state {
            State::Text(text) => text.as_deref(),
            _ => None,
        })
    }

    /// Nothing of this cycle is missing that may be there in the next.
    pub(super) fn is_whole(&self) -> bool {
        !self.objects.iter().any(|object| object.state == State::Failed)
    }
}

impl Object {
    /// What the meter does not have it is not asked for again.
    fn reopen(&mut self) {
        if self.state != State::Absent {
            self.state = State::Open;
        }
    }

    fn value(&mut self, value: Option<Value<'_>>) {
        self.state = if self.is_text {
            State::Text(value.and_then(Value::bytes).and_then(readable))
        } else {
            let number = value.and_then(Value::rounded).zip(self.scale);
            State::Number(number.and_then(|(number, scale)| number.shift(scale.scaler)))
        };
    }
}

/// Only what cannot be there at all is absent: another choice may then stand for it. What is refused for any other
/// reason exists, and import alone is no power while export is only denied.
const fn refused(result: DataAccessResult) -> State {
    match result {
        DataAccessResult::ObjectUndefined | DataAccessResult::ObjectClassInconsistent => State::Absent,
        DataAccessResult::ReadWriteDenied
        | DataAccessResult::ScopeOfAccessViolated
        | DataAccessResult::ObjectUnavailable
        | DataAccessResult::TypeUnmatched => State::Denied,
        _ => State::Failed,
    }
}

/// The logical name; nothing for a code that leaves something open.
fn name(code: Obis) -> Option<[u8; 6]> {
    Obis { f: code.f.or(Some(NOW)), ..code }.bytes()
}

/// The unit of the registry; nothing where it has none of that name.
fn unit(scale: Option<ScalerUnit>) -> Option<(Unit, i8)> {
    Unit::parse(scale?.unit.name()?)
}

/// A text for people; nothing where it is empty or has characters that cannot be printed.
fn readable(bytes: &[u8]) -> Option<String<32>> {
    let text = core::str::from_utf8(bytes).ok()?.trim();
    let is_printable = !text.is_empty() && text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    text.parse().ok().filter(|_| is_printable)
}

/// The billing period of now.
const NOW: u8 = 255;

/// The most attributes of one request.
pub(super) const MOST_WANTED: usize = 16;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

    use ccm_dlms::message::Encoded;
    use ccm_registry::{Invalid, Quantity, find};

    use super::*;

    /// Answers all that is wanted: zero in W, or why not; gives the codes that were asked for.
    fn cycle(
        objects: &mut Objects,
        refuse: impl Fn([u8; 3]) -> Option<DataAccessResult>,
    ) -> std::vec::Vec<[u8; 3]> {
        let mut asked = std::vec::Vec::new();
        objects.begin();
        loop {
            let wanted = objects.wanted(1);
            if wanted.is_empty() {
                return asked;
            }
            for wanted in wanted {
                let [_, _, c, d, e, _] = wanted.attribute.instance_id;
                asked.push([c, d, e]);
                let data: &[u8] = match wanted.attribute.attribute_id {
                    Register::SCALER_UNIT => &[2, 2, 0x0F, 0, 0x16, 27],
                    _ => &[0x12, 0, 7],
                };
                let answer = GetDataResult::Data(Encoded(data));
                objects.take(wanted, refuse([c, d, e]).map_or(answer, GetDataResult::Result));
            }
        }
    }

    fn power(objects: &Objects) -> Option<Result<Decimal, Invalid>> {
        let map = find("dlms").unwrap();
        let code = map.codes.iter().find(|code| code.quantity == Quantity::P).unwrap();
        code.value(&objects.said(), objects.is_whole())
    }

    #[test]
    fn what_the_first_choice_says_is_asked_for_and_no_other() {
        let mut objects = Objects::new(find("dlms").unwrap());
        let asked = cycle(&mut objects, |_| None);
        assert!(asked.contains(&[16, 7, 0]) && !asked.contains(&[1, 7, 0]), "{asked:?}");
        assert_eq!(power(&objects), Some(Ok(Decimal::new(7, 0))));
        let again = cycle(&mut objects, |_| None);
        assert_eq!(again.iter().filter(|code| **code == [16, 7, 0]).count(), 1, "its scaler is known");
        objects.associated();
        let anew = cycle(&mut objects, |_| None);
        assert_eq!(anew.iter().filter(|code| **code == [16, 7, 0]).count(), 2, "its scaler is read anew");
    }

    #[test]
    fn what_is_undefined_is_replaced_and_not_asked_for_again() {
        let lacks = |code| (code == [16, 7, 0]).then_some(DataAccessResult::ObjectUndefined);
        let mut objects = Objects::new(find("dlms").unwrap());
        let asked = cycle(&mut objects, lacks);
        assert!(asked.contains(&[1, 7, 0]) && asked.contains(&[2, 7, 0]));
        assert_eq!(power(&objects), Some(Ok(Decimal::new(0, 0))));
        objects.associated();
        assert!(!cycle(&mut objects, lacks).contains(&[16, 7, 0]));
    }

    #[test]
    fn import_alone_is_no_power_while_export_is_denied_or_fails() {
        for (result, power_then) in [
            (DataAccessResult::ReadWriteDenied, Some(Err(Invalid::NotANumber))),
            (DataAccessResult::ObjectUnavailable, Some(Err(Invalid::NotANumber))),
            (DataAccessResult::TemporaryFailure, None),
        ] {
            let mut objects = Objects::new(find("dlms").unwrap());
            cycle(&mut objects, |code| match code {
                [16, 7, 0] => Some(DataAccessResult::ObjectUndefined),
                [2, 7, 0] => Some(result),
                _ => None,
            });
            assert_eq!(power(&objects), power_then, "{result}");
        }
    }
}
