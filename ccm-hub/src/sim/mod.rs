//! A house in virtual time: meters, an inverter and a day they live through. The same devices are offered on real ports
//! by the Linux hub's `demo`.

mod bus;
mod device;
mod household;
mod site;
mod wire;

pub use bus::Bus;
pub use device::{Electrical, Phase, SimDevice};
pub use household::{Household, Moment};
pub use site::{Site, TimeOfDay, settings};
pub use wire::Wire;
