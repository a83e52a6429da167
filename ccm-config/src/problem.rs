//! What is wrong with a draft, where, and what to do about it.

use core::fmt;

use heapless::{String, Vec};

use crate::limits::{Id, MAX_PROBLEMS, MAX_UNITS_PER_LINE, Model, Range};
use crate::{EndpointError, UNITS};

/// Everything that is wrong with a draft: the first [`MAX_PROBLEMS`] problems, in the order of the form.
///
/// Its text is one line with all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    listed: Vec<Problem, MAX_PROBLEMS>,
    unlisted: usize,
}

impl Problems {
    /// The problems, as far as they are listed.
    pub fn listed(&self) -> &[Problem] {
        &self.listed
    }

    /// How many more there are.
    pub const fn unlisted(&self) -> usize {
        self.unlisted
    }

    pub(crate) fn note(&mut self, field: Field, fault: Fault) {
        if self.listed.push(Problem { field, fault }).is_err() {
            self.unlisted = self.unlisted.saturating_add(1);
        }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, problem) in self.listed.iter().enumerate() {
            let separator = if place == 0 { "" } else { "; " };
            write!(formatter, "{separator}{problem}")?;
        }
        match self.unlisted {
            0 => Ok(()),
            unlisted => write!(formatter, "; and {unlisted} more"),
        }
    }
}

impl core::error::Error for Problems {}

/// One thing that is wrong: `devices[2].port: no port is called "x"; known: nd, lan`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {fault}")]
#[non_exhaustive]
pub struct Problem {
    /// Where.
    pub field: Field,
    /// What, and what to do.
    pub fault: Fault,
}

/// The place of a setting in the form: `portal.listen`, `devices[2].port` or `plants[0].grid[1]`. Places count from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Field {
    /// The table: `portal`, `ports`, `devices`, `plants` or `dlms`.
    pub table: &'static str,
    /// The place of the entry, if there are several.
    pub entry: Option<usize>,
    /// The key of the entry.
    pub key: &'static str,
    /// The place in the key's list, if it is one.
    pub item: Option<usize>,
}

impl fmt::Display for Field {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.table)?;
        write_place(formatter, self.entry)?;
        write!(formatter, ".{}", self.key)?;
        write_place(formatter, self.item)
    }
}

fn write_place(formatter: &mut fmt::Formatter<'_>, place: Option<usize>) -> fmt::Result {
    place.map_or(Ok(()), |place| write!(formatter, "[{place}]"))
}

/// What is wrong with a setting, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The name has letters that names do not have, or none at all.
    #[error("{found:?} is no name: use 1 to 16 of a-z, 0-9 and -")]
    Name {
        /// The name.
        found: Id,
    },
    /// Another entry of the table has the same name.
    #[error("{name:?} is already the name of {first}: choose another")]
    NameTaken {
        /// The name.
        name: Id,
        /// Where it was given first.
        first: Field,
    },
    /// The text is empty or has control characters.
    #[error("the text is empty or not printable: write at least one letter, and no tabs or line ends")]
    Text,
    /// The number is too small or too great.
    #[error("{found} is out of range: give {range}")]
    Range {
        /// The number.
        found: u32,
        /// What it may be.
        range: Range,
    },
    /// The text is no network address.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// A port has none of `rtu`, `tcp`, `d0`, `p1` and `dlms`.
    #[error(
        "the port leads nowhere: give `rtu` (a serial port), `tcp` (host:port), `d0`, `p1` or `dlms` (either)"
    )]
    LinkMissing,
    /// A port has several of them.
    #[error("a port is one of `rtu`, `tcp`, `d0`, `p1` and `dlms`: remove the others")]
    LinkTwice,
    /// Two ports would disturb each other.
    #[error("{first} uses this already: put the devices of both on one port")]
    LinkTaken {
        /// The port that has it.
        first: Field,
    },
    /// A setting of other kinds of port is given.
    #[error("only {only} has this: remove it")]
    Elsewhere {
        /// Who has it.
        only: &'static str,
    },
    /// A key is none. It is not repeated here.
    #[error("a key is 32 hexadecimal digits")]
    Key,
    /// A key has not the length of its suite. It is not repeated here.
    #[error("a key is 32 hexadecimal digits, and 64 in suite 2")]
    CipherKey,
    /// A password is none. It is not repeated here.
    #[error("a password is 1 to 64 printable characters, or `hex:` and up to 64 hexadecimal digits")]
    Password,
    /// A system title is none.
    #[error("a system title is 16 hexadecimal digits")]
    Title,
    /// What another setting needs is missing.
    #[error("{needed_by} needs this: give it")]
    Needed {
        /// The other setting.
        needed_by: &'static str,
    },
    /// The wrapper is for networks.
    #[error("a serial port has no wrapper: give \"hdlc\", or nothing")]
    Wrapper,
    /// The units of a meter that sends none cannot be understood.
    #[error("write codes and units, such as `1.8=kWh 16.7.0=W`; there are {}", UnitNames)]
    Units,
    /// A Modbus device says no id.
    #[error("a device on Modbus needs its id: give {}", crate::limits::UNIT)]
    UnitMissing,
    /// A meter's address has characters that cannot be sent.
    #[error("an address is 1 to 32 letters, digits and signs, without blanks, `/` and `!`")]
    MeterAddress,
    /// Two meters of a port would answer together.
    #[error("{first} may answer to the same call: give each meter of the port its own `address`")]
    AddressTaken {
        /// The meter that has it.
        first: Field,
    },
    /// Two devices are one meter.
    #[error("{first} leads to this meter already: give each device a `server` or `physical` of its own")]
    ServerTaken {
        /// The device that has it.
        first: Field,
    },
    /// A P1 port has two meters.
    #[error("{first} has this port already, and one meter pushes there: give the other a port of its own")]
    PushTaken {
        /// The meter that has it.
        first: Field,
    },
    /// No port has this name.
    #[error("no port is called {name:?}; known: {known}")]
    NoPort {
        /// The name.
        name: Id,
        /// The names there are.
        known: Names,
    },
    /// No device has this name.
    #[error("no device is called {name:?}; known: {known}")]
    NoDevice {
        /// The name.
        name: Id,
        /// The names there are.
        known: Names,
    },
    /// Two devices of a port would answer together, or one would be read twice.
    #[error(
        "{first} has this Modbus id on the same port: change the id of one device, or say which `secondary` it is"
    )]
    UnitTaken {
        /// The device that has it.
        first: Field,
    },
    /// One unit more than a serial line carries.
    #[error("a line carries {MAX_UNITS_PER_LINE} devices and this is one more: move it to another port")]
    LineFull,
    /// The catalogue of devices has no such model.
    #[error("the catalogue has no model {found:?}: choose one that it has, or add a file for it")]
    Model {
        /// The model.
        found: Model,
    },
    /// A plant has no device in a role that it needs (manual 7.1).
    #[error("a plant needs at least one device here: name one")]
    NoMember,
    /// The device is named twice in a plant, or has another role elsewhere.
    #[error("{name:?} is named by {first} already and a device has one role: remove one of them")]
    RoleTaken {
        /// The device.
        name: Id,
        /// Where it was named first.
        first: Field,
    },
}

/// A list of names as text, cut off where it gets too long.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names(String<160, u8>);

impl Names {
    pub(crate) fn of<'a>(ids: impl Iterator<Item = &'a Id>) -> Self {
        let mut names = Self::default();
        for id in ids {
            let separator = if names.0.is_empty() { "" } else { ", " };
            // Room for the dots must stay.
            if names.0.len().saturating_add(id.len()) > 150 {
                names.append(", ...");
                break;
            }
            names.append(separator);
            names.append(id);
        }
        names
    }

    fn append(&mut self, text: &str) {
        // Cannot fail: `of` looks for room first; a name less in a message would do no harm either.
        let _ = self.0.push_str(text);
    }
}

impl fmt::Display for Names {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.0.is_empty() { "none" } else { &self.0 })
    }
}

/// All units, for people.
struct UnitNames;

impl fmt::Display for UnitNames {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        UNITS.into_iter().enumerate().try_for_each(|(place, unit)| {
            let separator = if place == 0 { "" } else { ", " };
            write!(formatter, "{separator}{unit}")
        })
    }
}
