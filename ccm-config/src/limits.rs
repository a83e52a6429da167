//! How much there can be of everything, which numbers are allowed, and what holds when nothing is said.
//!
//! The capacities are part of the storage form's size, not of its layout: they may grow.

use core::fmt;

use heapless::String;

/// Ports of a hub.
pub const MAX_PORTS: usize = 8;
/// Devices of a hub, on all ports together.
pub const MAX_DEVICES: usize = 64;
/// Units on one serial line (manual 5.5.2). A secondary answers through its principal and loads no line.
pub const MAX_UNITS_PER_LINE: usize = 32;
/// Plants of a hub.
pub const MAX_PLANTS: usize = 8;
/// Devices of a plant in one role.
pub const MAX_MEMBERS: usize = 16;
/// Devices of which it is said how they are talked to by DLMS; others are talked to by the public client.
pub const MAX_DLMS: usize = 16;
/// Problems that are listed; further ones are only counted.
pub const MAX_PROBLEMS: usize = 16;

/// The name by which one setting refers to another: 1 to 16 of a-z, 0-9 and -.
pub type Id = String<16, u8>;
/// A text for people, in UTF-8, at most 32 bytes.
pub type Label = String<32, u8>;
/// The name of a model in the catalogue of devices, at most 32 bytes.
pub type Model = String<32, u8>;
/// The name that the system gives a serial port, at most 128 bytes.
pub type SerialPath = String<128, u8>;
/// A serial port's name or a network address, at most 128 bytes.
pub type Place = String<128, u8>;
/// The address of an IEC 62056-21 meter, at most 32 characters.
pub type MeterAddress = String<32, u8>;
/// The units of a meter that sends none, at most 96 characters.
pub type Units = String<96, u8>;
/// A system title as it is written: 16 hexadecimal digits.
pub type Title = String<16, u8>;
/// A network address as it is written, at most 80 bytes.
pub type Address = String<80, u8>;

/// The numbers that a setting can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Range {
    /// The setting's name.
    pub key: &'static str,
    /// The smallest number.
    pub least: u32,
    /// The greatest number.
    pub most: u32,
    /// What holds when nothing is said.
    pub default: u32,
}

impl Range {
    const fn new(key: &'static str, least: u32, most: u32, default: u32) -> Self {
        Self { key, least, most, default }
    }

    /// Says whether a setting can take `number`.
    pub const fn contains(&self, number: u32) -> bool {
        self.least <= number && number <= self.most
    }
}

impl fmt::Display for Range {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { least, most, .. } = self;
        if least == most { write!(formatter, "{least}") } else { write!(formatter, "{least} to {most}") }
    }
}

/// Where the portal listens when nothing is said: only this machine reaches it.
pub const LISTEN: &str = "127.0.0.1:8080";
/// Bits per second on a serial line (manual 6.3.1: 9600).
pub const BAUD: Range = Range::new("baud", 300, 1_000_000, 9600);
/// Bits per second of a meter with one speed, behind a gateway: 300, which all meters know (IEC 62056-21 6.3.1).
pub const METER_BAUD: Range = Range::new("baud", 300, 1_000_000, 300);
/// Bits per second of P1: 115200 from version 4 on, 9600 before.
pub const P1_BAUD: Range = Range::new("baud", 300, 1_000_000, 115_200);
/// Data bits of a character: Modbus RTU has 8 (MB-SERIAL 2.5.1).
pub const DATA_BITS: Range = Range::new("data_bits", 8, 8, 8);
/// Data bits of IEC 62056-21: 7, and a parity bit. With 8 the parity bit comes as the eighth.
pub const METER_DATA_BITS: Range = Range::new("data_bits", 7, 8, 7);
/// Data bits of P1: 8 from version 4 on, 7 before.
pub const P1_DATA_BITS: Range = Range::new("data_bits", 7, 8, 8);
/// Stop bits of a character.
pub const STOP_BITS: Range = Range::new("stop_bits", 1, 2, 1);
/// How long a device may take to answer, in milliseconds.
pub const TIMEOUT_MS: Range = Range::new("timeout_ms", 10, 60_000, 500);
/// How long an IEC 62056-21 meter may take to answer, in milliseconds; 1.5 s by the standard (6.3.1).
pub const METER_TIMEOUT_MS: Range = Range::new("timeout_ms", 10, 60_000, 2000);
/// How long a P1 meter may take from one push to the next, in milliseconds: version 4 and older push every 10 s.
pub const P1_TIMEOUT_MS: Range = Range::new("timeout_ms", 10, 60_000, 30_000);
/// How long a DLMS meter may take to answer a frame, in milliseconds.
pub const DLMS_TIMEOUT_MS: Range = Range::new("timeout_ms", 10, 60_000, 3000);
/// The address of a DLMS client: 16 is the public one (IEC 62056-5-3).
pub const CLIENT: Range = Range::new("client", 1, 127, 16);
/// The address of a logical device: 1 is the one that every meter has; what is left out are broadcasts.
pub const SERVER: Range = Range::new("server", 1, 16_382, 1);
/// The physical device on a line.
pub const PHYSICAL: Range = Range::new("physical", 1, 16_382, 1);
/// The security suite.
pub const SUITE: Range = Range::new("suite", 0, 2, 0);
/// How often a request without an answer is sent again.
pub const RETRIES: Range = Range::new("retries", 0, 5, 1);
/// The extra pause between two requests, in milliseconds.
pub const GAP_MS: Range = Range::new("gap_ms", 0, 60_000, 0);
/// The Modbus id of a device (manual 6.3.1); every principal leaves the factory with 1 (manual 6.3.2).
pub const UNIT: Range = Range::new("unit", 1, 247, 1);
/// Which of the secondaries behind a principal a device is.
pub const SECONDARY: Range = Range::new("secondary", 1, 32, 1);
/// The time from one poll of a device to the next, in milliseconds.
pub const EVERY_MS: Range = Range::new("every_ms", 100, 3_600_000, 1000);
/// The time from one readout of a meter to the next, in milliseconds; with P1, from one push to the next.
pub const METER_EVERY_MS: Range = Range::new("every_ms", 100, 3_600_000, 10_000);
/// The TCP port of a device.
pub const TCP_PORT: Range = Range::new("tcp", 1, 65_535, 502);
