//! A house in virtual time: meters, an inverter and a day they live through. The same devices are offered on real ports
//! by the Linux hub's `demo`.

mod bus;
mod device;
mod household;
mod meter;
mod objects;
mod site;
mod wire;
mod world;

pub use bus::Bus;
pub use device::{Electrical, Phase, SimDevice};
pub use household::{Household, Moment};
pub use meter::SimMeter;
pub use objects::{SimDlms, SimObjects, dlms_settings};
pub use site::{Site, TimeOfDay, meter_settings, settings};
pub use wire::Wire;
pub use world::{End, Going, Trouble, World};
