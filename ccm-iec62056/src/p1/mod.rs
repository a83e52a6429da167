//! P1: what the telegrams of smart meters in the Netherlands, Belgium, Luxembourg, Hungary, Sweden and elsewhere have
//! in common beyond the data sets themselves (P1 companion standards 2.2 to 5.0.2).

mod envelope;
mod submeters;

pub use envelope::{Envelope, Keys, PUBLISHED_KEY};
pub use submeters::{Medium, State, SubMeter, SubMeters};
