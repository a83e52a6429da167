//! What a house does all day: sun, clouds, fridge, kettle, heat pump. The same seed gives the same day.

/// A house with a seed.
#[derive(Clone, Copy, Debug)]
pub struct Household {
    seed: u64,
}

/// The powers of a moment, in watts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moment {
    /// What the inverter gives; never negative.
    pub sun: f64,
    /// What runs day and night: fridge, router, lights in the evening.
    pub base: f64,
    /// The kitchen's circuit: kettle and oven.
    pub kitchen: f64,
    /// The heat pump.
    pub heat_pump: f64,
}

impl Moment {
    /// What the whole house uses.
    pub fn consumption(&self) -> f64 {
        self.base + self.kitchen + self.heat_pump
    }
}

impl Household {
    /// A house whose clouds and kettles follow from `seed`.
    pub const fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// What it does at a second of the day.
    pub fn at(&self, second: f64) -> Moment {
        let hour = second / 3600.0;
        Moment {
            sun: sun(hour) * self.clouds(second),
            base: 160.0 + self.fridge(second) + lights(hour) + 12.0 * self.noise(1, second / 4.0),
            kitchen: self.kettle(second) + oven(second),
            heat_pump: self.heat_pump(second),
        }
    }

    /// How much of the sun comes through: slow clouds and a little flicker.
    fn clouds(&self, second: f64) -> f64 {
        let cover = self.noise(2, second / 420.0) * 0.6 + self.noise(3, second / 75.0) * 0.25;
        (1.0 - cover.max(0.0)).clamp(0.15, 1.0) * (0.995 + 0.005 * self.noise(4, second))
    }

    fn fridge(&self, second: f64) -> f64 {
        if (second + self.shift(5) * 1800.0).rem_euclid(1800.0) < 600.0 { 92.0 } else { 2.0 }
    }

    /// Three minutes of hot water about every 40 minutes, while people are up.
    fn kettle(&self, second: f64) -> f64 {
        let boils = (second + self.shift(6) * 2400.0).rem_euclid(2400.0) < 180.0;
        if boils && (6.5..23.0).contains(&(second / 3600.0)) {
            2080.0 + 8.0 * self.noise(7, second)
        } else {
            0.0
        }
    }

    fn heat_pump(&self, second: f64) -> f64 {
        if (second + self.shift(8) * 2700.0).rem_euclid(2700.0) < 900.0 {
            870.0 + 25.0 * self.noise(9, second / 20.0)
        } else {
            6.0
        }
    }

    /// Smooth noise between -1 and 1 that passes a new random value at each whole `position`.
    fn noise(&self, channel: u64, position: f64) -> f64 {
        let (whole, part) = (position.floor(), position.fract());
        let smooth = part * part * (3.0 - 2.0 * part);
        let value = |step: f64| 2.0 * self.random(channel, whole + step) - 1.0;
        value(0.0) * (1.0 - smooth) + value(1.0) * smooth
    }

    fn shift(&self, channel: u64) -> f64 {
        self.random(channel, 0.0)
    }

    /// A number between 0 and 1 for each channel and step (splitmix64).
    fn random(&self, channel: u64, step: f64) -> f64 {
        let mut state = self.seed ^ channel.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ step.to_bits();
        state = (state ^ state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        state = (state ^ state >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        f64::from(u32::try_from((state ^ state >> 31) >> 32).unwrap_or(0)) / f64::from(u32::MAX)
    }
}

/// A 5 kW roof from half past six to half past eight.
fn sun(hour: f64) -> f64 {
    let day = (hour - 6.5) / 14.0;
    if (0.0..1.0).contains(&day) { 4800.0 * (day * core::f64::consts::PI).sin().powf(1.3) } else { 0.0 }
}

fn lights(hour: f64) -> f64 {
    if (18.5..23.5).contains(&hour) { 180.0 } else { 0.0 }
}

/// Dinner at noon and in the evening: the thermostat switches.
fn oven(second: f64) -> f64 {
    let hour = second / 3600.0;
    let hot = (12.5..13.25).contains(&hour) || (19.5..20.25).contains(&hour);
    if hot && second.rem_euclid(300.0) < 170.0 { 1750.0 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(seed: u64) -> impl Iterator<Item = (u32, Moment)> {
        (0..86_400).step_by(10).map(move |second| (second, Household::new(seed).at(second.into())))
    }

    #[test]
    fn a_day_is_believable() {
        for seed in 0..5 {
            let energy =
                |power: fn(&Moment) -> f64| day(seed).map(|(_, moment)| power(&moment) / 360.0).sum::<f64>();
            let (sun, house) = (energy(|moment| moment.sun), energy(Moment::consumption));
            assert!((10_000.0..40_000.0).contains(&sun), "{sun} Wh of sun");
            assert!((8_000.0..20_000.0).contains(&house), "{house} Wh of consumption");
        }
    }

    #[test]
    fn the_night_has_no_sun_and_no_power_is_negative() {
        for (second, moment) in day(7) {
            assert!(
                moment.sun >= 0.0 && moment.base > 0.0 && moment.kitchen >= 0.0 && moment.heat_pump > 0.0
            );
            assert!((6 * 3600..21 * 3600).contains(&second) || moment.sun == 0.0);
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_day_and_another_another() {
        assert!(day(1).eq(day(1)));
        assert!(!day(1).eq(day(2)));
    }
}
