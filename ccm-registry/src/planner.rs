//! How to read many values in few requests.

use ccm_core::{Duration, Line};

use crate::{Point, Space};

/// One read: so many registers of a table from an address on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Block {
    /// The table.
    pub space: Space,
    /// The first register.
    pub start: u16,
    /// How many.
    pub quantity: u16,
}

impl Block {
    /// The bytes of `point` among those that were read, where it is in this block. `offset` is the window's.
    pub fn bytes_of<'a>(&self, point: &Point, offset: u16, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let index = point
            .address
            .checked_add(offset)?
            .checked_sub(self.start)
            .filter(|_| point.space == self.space)?;
        let start = usize::from(index) * 2;
        bytes.get(start..)?.get(..usize::from(point.kind.registers()) * 2)
    }

    fn end(&self) -> u32 {
        u32::from(self.start) + u32::from(self.quantity)
    }
}

/// What a read costs, and how far it may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Costs {
    /// The most registers in one read; 125 where the device sets no limit (MB-APP 6.3).
    pub max_registers: u16,
    /// The most registers worth reading for nothing, to save a request.
    pub max_gap: u16,
}

impl Costs {
    /// The costs on a line, with a device that takes `latency` to answer.
    ///
    /// One more request costs 13 characters, two silences and the latency; a register read for nothing costs two
    /// characters.
    ///
    /// ```
    /// use ccm_core::{Duration, Line};
    /// use ccm_registry::Costs;
    ///
    /// let gap = |baud, millis| Costs::serial(Line::new(baud), Duration::from_millis(millis), 125).max_gap;
    /// assert_eq!([gap(9600, 0), gap(9600, 20), gap(9600, 50)], [10, 20, 34]);
    /// assert_eq!([gap(115_200, 0), gap(115_200, 20)], [27, 142]);
    /// ```
    pub const fn serial(line: Line, latency: Duration, max_registers: u16) -> Self {
        let request =
            line.characters(13).as_micros() + 2 * line.frame_silence().as_micros() + latency.as_micros();
        let register = line.characters(2).as_micros();
        let gap = match (request + register / 2).checked_div(register) {
            Some(gap) if gap < 1000 => gap,
            _ => 1000,
        };
        #[expect(clippy::cast_possible_truncation, reason = "at most 1000")]
        Self { max_registers, max_gap: gap as u16 }
    }

    /// The costs on a network, where a request is all and registers are nothing.
    pub const fn network(max_registers: u16) -> Self {
        Self { max_registers, max_gap: max_registers }
    }
}

/// What a device has refused to give, learnt from its exceptions.
///
/// A read that was refused as a whole is cut in two where it spans the most registers for nothing, else in the middle,
/// until single points are left; one that is refused alone is not there. `N` bounds both lists; a device that goes
/// beyond is read point by point.
#[derive(Clone, Debug, Default)]
pub struct Holes<const N: usize> {
    cuts: heapless::Vec<(Space, u16), N>,
    missing: heapless::Vec<(Space, u16), N>,
    single: bool,
}

impl<const N: usize> Holes<N> {
    /// Nothing learnt yet.
    pub const fn new() -> Self {
        Self { cuts: heapless::Vec::new(), missing: heapless::Vec::new(), single: false }
    }

    /// Whether the device has refused this very point.
    pub fn lacks(&self, point: &Point) -> bool {
        self.missing.contains(&(point.space, point.address))
    }

    /// Learns from a refused read of `points` and says whether reading on in another way makes sense.
    pub fn refused(&mut self, block: Block, points: &[Point], offset: u16) -> bool {
        let mut inside = points.iter().filter(|point| !self.lacks(point) && is_inside(point, block, offset));
        let Some(first) = inside.next() else { return false };
        match widest_gap(first, inside) {
            Some(cut) => self.single |= self.cuts.push((cut.space, cut.address)).is_err(),
            None => return self.missing.push((first.space, first.address)).is_ok(),
        }
        true
    }

    fn divides(&self, point: &Point) -> bool {
        self.single || self.cuts.contains(&(point.space, point.address))
    }
}

fn is_inside(point: &Point, block: Block, offset: u16) -> bool {
    let address = u32::from(point.address) + u32::from(offset);
    point.space == block.space && (u32::from(block.start)..block.end()).contains(&address)
}

/// The point behind the widest gap; among equals the one nearest the middle. Nothing where there is one point only.
fn widest_gap<'a>(first: &Point, rest: impl Iterator<Item = &'a Point> + Clone) -> Option<&'a Point> {
    let count = rest.clone().count();
    let mut end = first.end();
    let mut best: Option<(u32, usize, &Point)> = None;
    for (index, point) in rest.enumerate() {
        let rank = (u32::from(point.address).saturating_sub(end), index.min(count - index));
        if best.is_none_or(|(gap, middle, _)| rank >= (gap, middle)) {
            best = Some((rank.0, rank.1, point));
        }
        end = end.max(point.end());
    }
    best.map(|(_, _, point)| point)
}

/// The reads that bring all `points` (in the order of a [`Map`](crate::Map)), each read of one piece; `offset` is added
/// to every address, for a window in another device.
///
/// The iterator ends early where an offset address would leave the 65 536.
pub fn plan<'a, const N: usize>(
    points: &'a [Point],
    costs: Costs,
    holes: &'a Holes<N>,
    offset: u16,
) -> impl Iterator<Item = Block> + use<'a, N> {
    let mut rest = points.iter().filter(move |point| !holes.lacks(point)).peekable();
    core::iter::from_fn(move || {
        let first = rest.next()?;
        let mut end = first.end();
        while let Some(next) = rest.next_if(|next| joins(first, end, next, costs) && !holes.divides(next)) {
            end = end.max(next.end());
        }
        let quantity = u16::try_from(end - u32::from(first.address)).ok()?;
        let start = first
            .address
            .checked_add(offset)
            .filter(|start| u32::from(*start) + u32::from(quantity) <= 0x1_0000)?;
        Some(Block { space: first.space, start, quantity })
    })
}

/// Whether a point can be read together with the block that starts at `first` and ends before `end`.
fn joins(first: &Point, end: u32, next: &Point, costs: Costs) -> bool {
    let gap = u32::from(next.address).saturating_sub(end);
    let quantity = next.end().max(end) - u32::from(first.address);
    next.space == first.space && gap <= u32::from(costs.max_gap) && quantity <= u32::from(costs.max_registers)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{MAPS, Map, find};

    const AT_9600: Duration = Duration::from_millis(20);

    fn blocks(map: &Map<'_>) -> Vec<(u16, u16)> {
        let costs = Costs::serial(map.line, AT_9600, map.max_registers);
        plan(map.points, costs, &Holes::<8>::new(), 0).map(|block| (block.start, block.quantity)).collect()
    }

    #[test]
    fn maps_are_read_in_few_requests() {
        assert_eq!(blocks(find("ccm").unwrap()), [(0x0003, 21), (0x0100, 58), (0x0200, 8)]);
        assert_eq!(blocks(find("eastron-sdm630").unwrap()), [(0, 18), (0x34, 24), (0x15A, 8)]);
        assert_eq!(blocks(find("goodwe-dt").unwrap()), [(30004, 8), (30118, 29), (30195, 2)]);
        assert_eq!(blocks(find("goodwe-et").unwrap()).len(), 6);
    }

    #[test]
    fn h049_a_secondary_is_read_through_its_principals_window() {
        let map = find("ccm").unwrap();
        let costs = Costs::network(map.max_registers);
        let starts: Vec<_> =
            plan(map.points, costs, &Holes::<8>::new(), 0x4000).map(|block| block.start).collect();
        assert_eq!(starts, [0x4003, 0x4100, 0x4200]);
    }

    /// Plays a device that refuses every read that touches one of `missing`.
    fn learn(map: &Map<'_>, missing: &[u16]) -> (Holes<8>, usize) {
        let costs = Costs::serial(map.line, AT_9600, map.max_registers);
        let mut holes = Holes::new();
        for refusals in 0..200 {
            let refused = plan(map.points, costs, &holes, 0).find(|block| {
                missing.iter().any(|address| (block.start..block.start + block.quantity).contains(address))
            });
            let Some(block) = refused else { return (holes, refusals) };
            assert!(holes.refused(block, map.points, 0), "the device is given up");
        }
        panic!("the device is asked for ever");
    }

    #[test]
    fn a_register_that_is_not_there_costs_a_few_refusals_and_nobody_elses_value() {
        let map = find("goodwe-dt").unwrap();
        let (holes, refusals) = learn(map, &[30195]);
        assert_eq!(refusals, 1);
        let lacking: Vec<_> =
            map.points.iter().filter(|point| holes.lacks(point)).map(|point| point.address).collect();
        assert_eq!(lacking, [30195]);
        // A hole between two points, which only a merged read touches, takes no value away.
        let (holes, refusals) = learn(map, &[30135]);
        assert_eq!(refusals, 1);
        assert!(!map.points.iter().any(|point| holes.lacks(point)));
    }

    proptest! {
        #[test]
        fn every_value_is_read_once_and_no_read_is_too_long(
            index in 0..MAPS.len(), max_gap in 0_u16..200, max_registers in 8_u16..=125,
        ) {
            let map = &MAPS[index];
            prop_assume!(!map.points.is_empty());
            let blocks: Vec<_> = plan(map.points, Costs { max_registers, max_gap }, &Holes::<8>::new(), 0).collect();
            for block in &blocks {
                prop_assert!(block.quantity <= max_registers);
            }
            for point in map.points {
                let bytes = [0; 250];
                let covering = blocks.iter().filter(|block| {
                    block.bytes_of(point, 0, &bytes[..usize::from(block.quantity) * 2]).is_some()
                });
                prop_assert_eq!(covering.count(), 1);
            }
        }

        #[test]
        fn what_is_missing_is_found_and_nothing_else_is_lost(index in 0..MAPS.len(), gone in 0_usize..40) {
            let map = &MAPS[index];
            prop_assume!(!map.points.is_empty());
            let gone = &map.points[gone % map.points.len()];
            let (holes, _) = learn(map, &[gone.address]);
            for point in map.points {
                prop_assert_eq!(holes.lacks(point), point.address == gone.address);
            }
        }
    }
}
