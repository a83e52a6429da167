//! The meters behind a P1 meter: gas, water, heat.

use ccm_core::Duration;
use ccm_iec62056::Time;
use ccm_iec62056::p1::{Medium, State, SubMeter, SubMeters};
use ccm_registry::{Decimal, Invalid, Quantity, Unit};

/// What a meter behind the meter has counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Behind {
    /// Of what.
    pub quantity: Quantity,
    /// The count.
    pub value: Result<Decimal, Invalid>,
    /// When it was read, by the meter's clock.
    pub time: Time,
    /// How much older than the telegram that is: such meters are read every five minutes, or once an hour. Nothing where
    /// the telegram does not say when it was made (P1 before version 4).
    pub older: Option<Duration>,
}

/// What the meters of a telegram have counted of a quantity; nothing where none of them counts it. `clock` is the
/// telegram's own time, where it has one.
pub(crate) fn behind<const N: usize>(
    meters: &SubMeters<N>,
    clock: Option<Time>,
    quantity: Quantity,
) -> Option<Behind> {
    let medium = medium(quantity)?;
    let newest = meters.newest(medium)?;
    let time = newest.time?;
    let live = meters.iter().filter(|meter| meter.medium == medium && meter.state() == State::Live);
    // One that was taken away is no longer read. Two that are have two counts, and one would be shown for the other.
    let read =
        live.filter(|meter| meter.time.and_then(|other| age(time, other)).is_none_or(|age| age <= FRESH));
    let older = clock.map(|clock| age(clock, time));
    let value = match (older, read.count()) {
        (Some(None), _) => Err(Invalid::NotAvailable),
        (_, 2..) => Err(Invalid::Ambiguous),
        _ => value(newest, quantity),
    };
    Some(Behind { quantity, value, time, older: older.map(Option::unwrap_or_default) })
}

fn value(meter: &SubMeter, quantity: Quantity) -> Result<Decimal, Invalid> {
    let reading = meter.reading.ok_or(Invalid::NotANumber)?;
    match core::str::from_utf8(&meter.unit).ok().and_then(Unit::parse) {
        Some((unit, exponent)) if unit == quantity.unit() => {
            reading.shift(exponent).ok_or(Invalid::OutOfRange)
        }
        _ => Err(Invalid::Unit),
    }
}

/// How old a reading is. Clocks of two meters differ by a little, so a little later than now is now.
fn age(now: Time, read: Time) -> Option<Duration> {
    let seconds = now.seconds_since(read).filter(|seconds| *seconds > -AHEAD_S)?;
    Some(Duration::from_secs(seconds.max(0).unsigned_abs()))
}

const fn medium(quantity: Quantity) -> Option<Medium> {
    Some(match quantity {
        Quantity::Gas => Medium::Gas,
        Quantity::Water => Medium::Water,
        Quantity::HotWater => Medium::HotWater,
        Quantity::Heat => Medium::Heat,
        Quantity::Cooling => Medium::Cooling,
        _ => return None,
    })
}

/// A reading is made once an hour at the latest (P1 companion standard 5.0.2, 6.12); one may be missed.
pub(crate) const FRESH: Duration = Duration::from_secs(2 * 3600);

/// Clocks further apart than this are wrong.
const AHEAD_S: i64 = 600;
