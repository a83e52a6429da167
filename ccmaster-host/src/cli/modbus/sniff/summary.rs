//! What is said at the end: a line for each unit, and one for the bus.

use std::io::{self, Write};

use ccm_core::{Duration, Instant};
use ccm_modbus::monitor::{Totals, Unit};
use serde::Serialize;

use super::UnitMonitor;

/// One unit with `--json`; times in microseconds.
#[derive(Debug, Serialize)]
struct UnitLine {
    event: &'static str,
    unit: u8,
    requests: u32,
    replies: u32,
    exceptions: u32,
    busy: u32,
    unanswered: u32,
    errors: u32,
    strays: u32,
    p50_us: Option<u64>,
    p95_us: Option<u64>,
    p99_us: Option<u64>,
    max_us: Option<u64>,
}

impl From<&Unit> for UnitLine {
    fn from(known: &Unit) -> Self {
        let Unit { unit, requests, replies, exceptions, busy, unanswered, errors, strays, .. } = *known;
        let [p50_us, p95_us, p99_us, max_us] = times(known).map(|time| time.map(Duration::as_micros));
        Self {
            event: "unit",
            unit,
            requests,
            replies,
            exceptions,
            busy,
            unanswered,
            errors,
            strays,
            p50_us,
            p95_us,
            p99_us,
            max_us,
        }
    }
}

/// The bus with `--json`.
#[derive(Debug, Serialize)]
struct BusLine<'a> {
    event: &'static str,
    duration_us: u64,
    load_permille: u32,
    #[serde(flatten)]
    totals: &'a Totals,
}

/// The units' lines in the order of their numbers, then the bus's.
pub(super) fn json(monitor: &UnitMonitor, now: Instant, out: &mut impl Write) -> io::Result<()> {
    for unit in sorted(monitor) {
        writeln!(out, "{}", serde_json::to_string(&UnitLine::from(unit))?)?;
    }
    let duration_us = now.as_micros();
    let load_permille = monitor.load(now);
    let bus = BusLine { event: "bus", duration_us, load_permille, totals: monitor.totals() };
    writeln!(out, "{}", serde_json::to_string(&bus)?)
}

/// A table, and a line below it.
pub(super) fn table(monitor: &UnitMonitor, now: Instant, out: &mut impl Write) -> io::Result<()> {
    writeln!(out)?;
    if monitor.units().next().is_some() {
        writeln!(out, "{HEAD}")?;
    }
    for unit in sorted(monitor) {
        writeln!(out, "{}", row(unit))?;
    }
    let totals = monitor.totals();
    let (load, seconds) = (monitor.load(now), now.as_micros() / 100_000);
    writeln!(
        out,
        "bus: {}.{} % busy in {}.{} s; {} messages, {} of them to all units; {} garbled, {} bytes of noise",
        load / 10,
        load % 10,
        seconds / 10,
        seconds % 10,
        totals.messages,
        totals.broadcasts,
        totals.errors,
        totals.noise_bytes,
    )
}

fn sorted(monitor: &UnitMonitor) -> Vec<&Unit> {
    let mut units: Vec<_> = monitor.units().collect();
    units.sort_by_key(|unit| unit.unit);
    units
}

fn row(unit: &Unit) -> String {
    let times = times(unit).map(|time| time.map_or_else(|| "-".into(), millis));
    let [p50, p95, p99, max] = times;
    format!(
        "{:>4} {:>9} {:>8} {:>10} {:>9} {:>8} {:>7} {p50:>8} {p95:>8} {p99:>8} {max:>8}",
        unit.unit, unit.requests, unit.replies, unit.exceptions, unit.unanswered, unit.errors, unit.strays,
    )
}

fn times(unit: &Unit) -> [Option<Duration>; 4] {
    let trips = &unit.trips;
    [trips.percentile(50), trips.percentile(95), trips.percentile(99), trips.longest()]
}

/// Milliseconds and a tenth.
pub(super) fn millis(time: Duration) -> String {
    let tenths = (time.as_micros() + 50) / 100;
    format!("{}.{}", tenths / 10, tenths % 10)
}

const HEAD: &str = "\
unit  requests  replies  refusals  no reply  garbled  strays   p50 ms   p95 ms   p99 ms   max ms";
