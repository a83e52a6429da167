//! Load profiles (`P.01`) and logs (`P.98`) as records (VDEW specification 2.1).

use ccm_core::Decimal;
use heapless::Vec;

use super::{Address, Time, Value, decimal};

/// Turns the values of a profile into records, of at most `N` channels each.
///
/// A head says `(start)(status)(minutes)(channels)` and then `(code)(unit)` of each channel; groups of so many values
/// follow, on lines or not. The start is that of the first record; a gap has a new head behind it.
///
/// ```
/// use ccm_iec62056::{Decoder, Event, Profile, Records};
///
/// let mut block: &[u8] = b"\x02P.01(0230823101500)(00)(15)(1)(1.5)(kW)\r\n(0.25)\r\n(0.50)\r\n\x03\x00";
/// let mut decoder = Decoder::new(Profile::IEC);
/// let mut records = Records::<4>::new();
/// let mut seen = Vec::new();
/// while let Some(event) = decoder.decode(&mut block) {
///     let Event::Value(value) = event else { continue };
///     let Some(record) = records.value(&value) else { continue };
///     seen.push((record.time.minute, record.decimal(0).unwrap().to_string()));
/// }
/// assert_eq!(seen, [(15, "0.25".to_string()), (30, "0.50".to_string())]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Records<const N: usize> {
    head: Option<Head<N>>,
    values: Vec<Field, N>,
    /// Values of the record that have come, those beyond `N` too.
    come: u16,
    /// Records since the head.
    index: u32,
}

/// What a head says of the records behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head<const N: usize> {
    /// When the first record was made.
    pub start: Time,
    /// Status, as it was sent.
    pub status: Field,
    /// Minutes between two records; 0 in a log.
    pub interval: u16,
    /// Channels by the meter's own word; there may be more than fit.
    pub count: u16,
    /// The channels, the first `N` of them.
    pub channels: Vec<Channel, N>,
}

/// One channel of a profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Channel {
    /// Its code as sent, short or whole.
    pub code: Field,
    /// Its unit; empty where there is none.
    pub unit: Field,
}

impl Channel {
    /// The code as numbers.
    pub fn address(&self) -> Option<Address> {
        Address::parse(&self.code)
    }
}

/// A short text of a profile.
pub type Field = Vec<u8, FIELD>;

/// One record.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a, const N: usize> {
    /// When it was made.
    pub time: Time,
    /// The head it stands behind.
    pub head: &'a Head<N>,
    /// Its values as sent.
    pub values: &'a [Field],
}

impl<const N: usize> Record<'_, N> {
    /// The value of a channel as a number.
    pub fn decimal(&self, channel: usize) -> Option<Decimal> {
        decimal(self.values.get(channel)?)
    }
}

impl<const N: usize> Records<N> {
    /// Before the first head.
    pub const fn new() -> Self {
        Self { head: None, values: Vec::new(), come: 0, index: 0 }
    }

    /// Takes the next value; gives a record when it is whole. A value of anything but a profile is left out.
    pub fn value(&mut self, value: &Value<'_>) -> Option<Record<'_, N>> {
        if !value.is_whole() || !is_profile(value.address) {
            return None;
        }
        if value.group < HEAD {
            self.begin(value);
            return self.bare(value.group);
        }
        let described = self.describe(value);
        if described { None } else { self.record(value) }
    }

    /// The first four groups.
    fn begin(&mut self, value: &Value<'_>) {
        let number = || core::str::from_utf8(value.text).ok().and_then(|text| text.trim().parse().ok());
        match (value.group, &mut self.head) {
            (0, head) => {
                *head = Time::parse_vdew(value.text).or_else(|| time_with_marks(value.text)).map(Head::at);
                (self.index, self.come) = (0, 0);
                self.values.clear();
            }
            (1, Some(head)) => head.status = field(value.text),
            (2, Some(head)) => head.interval = number().unwrap_or_default(),
            (3, Some(head)) => head.count = number().unwrap_or_default(),
            _ => {}
        }
    }

    /// A log's entry may have no values at all.
    fn bare(&self, group: u16) -> Option<Record<'_, N>> {
        let head = self.head.as_ref().filter(|head| group == HEAD - 1 && head.count == 0)?;
        Some(Record { time: head.start, head, values: &[] })
    }

    /// Codes and units, by turns; says whether the value was one.
    fn describe(&mut self, value: &Value<'_>) -> bool {
        let Some(head) = &mut self.head else { return true };
        let group = value.group - HEAD;
        if head.count == 0 || group >= head.count.saturating_mul(2) {
            return head.count == 0;
        }
        if group.is_multiple_of(2) {
            let _ = head.channels.push(Channel { code: field(value.text), unit: Field::new() });
        } else if let Some(channel) = head.channels.get_mut(usize::from(group / 2)) {
            channel.unit = field(value.text);
        }
        true
    }

    fn record(&mut self, value: &Value<'_>) -> Option<Record<'_, N>> {
        let head = self.head.as_ref()?;
        if self.come == 0 {
            self.values.clear();
        }
        let _ = self.values.push(field(value.text));
        self.come += 1;
        if self.come < head.count {
            return None;
        }
        let time = head.start.plus_minutes(u32::from(head.interval).saturating_mul(self.index));
        self.come = 0;
        self.index = self.index.saturating_add(1);
        Some(Record { time, head, values: &self.values })
    }
}

impl<const N: usize> Head<N> {
    fn at(start: Time) -> Self {
        Self { start, status: Field::new(), interval: 0, count: 0, channels: Vec::new() }
    }
}

/// `P.…` or group C 99.
fn is_profile(address: &[u8]) -> bool {
    address.starts_with(b"P.") || Address::parse(address).is_some_and(|address| address.obis.c == 99)
}

/// `24-07-13,13:00`: Turkish meters.
fn time_with_marks(text: &[u8]) -> Option<Time> {
    let mut digits = Field::new();
    text.iter().filter(|byte| byte.is_ascii_digit()).try_for_each(|digit| digits.push(*digit)).ok()?;
    Time::parse_vdew(&digits)
}

/// A text of the profile; nothing of one that does not fit, because a part of a number is another number.
fn field(text: &[u8]) -> Field {
    Field::from_slice(text).unwrap_or_default()
}

/// Groups of a head before the channels.
const HEAD: u16 = 4;

const FIELD: usize = 20;
