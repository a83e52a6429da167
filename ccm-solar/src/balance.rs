//! The balance of an instant.

use crate::{Limits, Member, Quality, Role};

/// The power balance of a plant at an instant. Powers are in watts and unknown where a member they depend on is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Balance {
    /// The sum of all production; unknown, too, in a plant without any.
    pub production_w: Option<i64>,
    /// The signed sum over all grid meters: import positive, export negative; unknown, too, in a plant without any.
    pub grid_w: Option<i64>,
    /// The signed sum over all batteries: discharge positive, charge negative; 0 in a plant without any.
    pub battery_w: Option<i64>,
    /// What the house uses: production, grid and battery, exactly. Negative where the readings contradict each other.
    pub consumption_w: Option<i64>,
    /// What comes from the grid; 0 while exporting.
    pub import_w: Option<i64>,
    /// What goes to the grid; 0 while importing.
    pub export_w: Option<i64>,
    /// The production that the house uses at once. Production charges the battery first, then serves the house.
    pub direct_use_w: Option<i64>,
    /// What leaves without having come: how far the consumption lies below 0.
    pub unexplained_w: Option<i64>,
    /// Thousandths of the production that are not exported but used or stored, rounded down; unknown without production.
    pub self_consumption_permille: Option<u16>,
    /// Thousandths of the consumption that do not come from the grid just now, rounded down; unknown without
    /// consumption.
    pub self_sufficiency_permille: Option<u16>,
    /// How far all of this can be trusted: as far as the worst member.
    pub quality: Quality,
    /// How many members have no reading, or one that is too old.
    pub missing: u32,
}

impl Balance {
    /// Adds up the members of a plant, in any order.
    pub fn of(members: impl IntoIterator<Item = Member>, limits: Limits) -> Self {
        let mut sums = Sums::new();
        for member in members {
            sums.add(member, limits);
        }
        sums.balance(limits)
    }

    /// The consumption for a display, which should not puzzle its reader: never below 0. Do not add these up.
    pub fn consumption_shown_w(&self) -> Option<i64> {
        self.consumption_w.map(positive)
    }
}

/// The positions of the members that make a balance unknown, in their order.
pub fn missing_members(
    members: impl IntoIterator<Item = Member>,
    limits: Limits,
) -> impl Iterator<Item = usize> {
    let places = members.into_iter().enumerate();
    places.filter(move |(_, member)| member.usable(limits).is_none()).map(|(place, _)| place)
}

/// What is gathered from the members one by one.
struct Sums {
    production: Sum,
    grid: Sum,
    battery: Sum,
    quality: Quality,
    missing: u32,
    newest_ms: u32,
    oldest_ms: u32,
}

impl Sums {
    const fn new() -> Self {
        Self {
            production: Sum::Empty,
            grid: Sum::Empty,
            battery: Sum::Empty,
            quality: Quality::Good,
            missing: 0,
            newest_ms: u32::MAX,
            oldest_ms: 0,
        }
    }

    fn add(&mut self, member: Member, limits: Limits) {
        self.quality = self.quality.max(member.quality(limits));
        match member.usable(limits) {
            None => self.missing = self.missing.saturating_add(1),
            Some(reading) => {
                self.newest_ms = self.newest_ms.min(reading.age_ms);
                self.oldest_ms = self.oldest_ms.max(reading.age_ms);
            }
        }
        let sum = match member.role {
            Role::Production => &mut self.production,
            Role::Grid => &mut self.grid,
            Role::Battery => &mut self.battery,
        };
        *sum = sum.plus(member.power_w(limits));
    }

    fn balance(self, limits: Limits) -> Balance {
        let production_w = self.production.total();
        let grid_w = self.grid.total();
        // A plant may well have no battery; one without production or grid meter is not a plant (manual 7.1).
        let battery_w = if let Sum::Empty = self.battery { Some(0) } else { self.battery.total() };
        let flows = Flows::of(production_w, grid_w, battery_w);
        Balance {
            production_w,
            grid_w,
            battery_w,
            consumption_w: flows.map(|flows| flows.consumption_w),
            import_w: grid_w.map(positive),
            export_w: grid_w.map(opposite),
            direct_use_w: flows.map(|flows| flows.direct_use_w),
            unexplained_w: flows.map(|flows| opposite(flows.consumption_w)),
            self_consumption_permille: flows.and_then(Flows::self_consumption_permille),
            self_sufficiency_permille: flows.and_then(Flows::self_sufficiency_permille),
            quality: self.overall_quality(limits),
            missing: self.missing,
        }
    }

    fn overall_quality(&self, limits: Limits) -> Quality {
        let skew_ms = self.oldest_ms.saturating_sub(self.newest_ms);
        match (self.production, self.grid) {
            (Sum::Empty, _) | (_, Sum::Empty) => Quality::Unknown,
            _ if skew_ms > limits.max_skew_ms => self.quality.max(Quality::Estimated),
            _ => self.quality,
        }
    }
}

/// The power of all members with one role.
#[derive(Clone, Copy)]
enum Sum {
    Empty,
    Known(i64),
    Unknown,
}

impl Sum {
    const fn plus(self, power_w: Option<i64>) -> Self {
        match (self, power_w) {
            (Self::Empty, Some(power_w)) => Self::Known(power_w),
            // 64 bits hold the sum of four thousand million members.
            (Self::Known(total_w), Some(power_w)) => Self::Known(total_w.saturating_add(power_w)),
            _ => Self::Unknown,
        }
    }

    const fn total(self) -> Option<i64> {
        match self {
            Self::Known(total_w) => Some(total_w),
            Self::Empty | Self::Unknown => None,
        }
    }
}

/// Where power goes when all three sums are known. None is negative but the consumption.
#[derive(Clone, Copy)]
struct Flows {
    production_w: i64,
    consumption_w: i64,
    production_to_battery_w: i64,
    direct_use_w: i64,
    grid_to_house_w: i64,
}

impl Flows {
    fn of(production_w: Option<i64>, grid_w: Option<i64>, battery_w: Option<i64>) -> Option<Self> {
        let (production_w, grid_w, battery_w) = (production_w?, grid_w?, battery_w?);
        let consumption_w = production_w.saturating_add(grid_w).saturating_add(battery_w);
        // What an inverter draws at night is consumption, not production.
        let production_w = positive(production_w);
        let charge_w = opposite(battery_w);
        let production_to_battery_w = charge_w.min(production_w);
        let grid_to_battery_w = charge_w.saturating_sub(production_to_battery_w);
        let left_w = production_w.saturating_sub(production_to_battery_w);
        Some(Self {
            production_w,
            consumption_w,
            production_to_battery_w,
            direct_use_w: left_w.min(positive(consumption_w)),
            grid_to_house_w: positive(positive(grid_w).saturating_sub(grid_to_battery_w)),
        })
    }

    fn self_consumption_permille(self) -> Option<u16> {
        permille(self.production_to_battery_w.saturating_add(self.direct_use_w), self.production_w)
    }

    fn self_sufficiency_permille(self) -> Option<u16> {
        permille(positive(self.consumption_w.saturating_sub(self.grid_to_house_w)), self.consumption_w)
    }
}

/// `power_w`, or 0 if it is negative.
fn positive(power_w: i64) -> i64 {
    power_w.max(0)
}

/// What flows the other way: `-power_w`, or 0 if `power_w` is positive.
fn opposite(power_w: i64) -> i64 {
    power_w.saturating_neg().max(0)
}

/// Thousandths that `part_w` is of `whole_w`, rounded down so that 1000 means all of it; none of nothing.
fn permille(part_w: i64, whole_w: i64) -> Option<u16> {
    let thousandths = part_w.saturating_mul(1000).checked_div(whole_w).filter(|_| whole_w > 0)?;
    u16::try_from(thousandths).ok()
}
