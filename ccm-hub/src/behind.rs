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
    /// How much older than the telegram it is: such meters are read every five minutes, or once an hour.
    pub older: Duration,
}

/// What the meters of a telegram have counted of a quantity; nothing where none of them counts it. `clock` is the
/// telegram's own time, without which nobody knows how old a reading is.
pub(crate) fn behind<const N: usize>(
    meters: &SubMeters<N>,
    clock: Option<Time>,
    quantity: Quantity,
) -> Option<Behind> {
    let medium = medium(quantity)?;
    let newest = meters.newest(medium)?;
    let of = |meter: &SubMeter| age(clock?, meter.time?);
    let fresh = meters
        .iter()
        .filter(|meter| meter.medium == medium && meter.state() == State::Live)
        .filter(|meter| of(meter).is_some_and(|age| age <= FRESH));
    let (value, older) = match (of(newest), fresh.count()) {
        (None, _) => (Err(Invalid::NotAvailable), Duration::ZERO),
        // Two that live have two counts, and one would be shown in place of the other.
        (Some(age), 2..) => (Err(Invalid::Ambiguous), age),
        (Some(age), _) => (value(newest, quantity), age),
    };
    Some(Behind { quantity, value, older })
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
