//! The meter that `ccmaster d0 serve` is.

use std::cell::RefCell;
use std::rc::Rc;

use ccm_core::Writer;
use ccm_iec62056::script::{Challenge, Dzg, Elster};
use ccm_iec62056::{Code, Command, Handler, Identification, Quirks, Reply, Time};
use jiff::ToSpan;
use jiff::civil::DateTime;
use serde::Deserialize;

use super::arguments::ServeMode;
use crate::cli::modbus::image::one_line;

/// What a meter shows. Copies share what is written to them.
#[derive(Clone, Debug)]
pub(super) struct Meter {
    fixed: Rc<File>,
    lines: Rc<RefCell<Vec<String>>>,
    /// The answer to the command that is being carried out.
    answer: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    identification: Option<String>,
    #[serde(default)]
    address: String,
    password: Option<String>,
    #[serde(default)]
    seed: String,
    lines: Vec<String>,
    #[serde(default)]
    log: Vec<String>,
    profile: Option<Profile>,
}

/// A load profile.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Profile {
    #[serde(deserialize_with = "time")]
    start: DateTime,
    minutes: u16,
    channels: Vec<(String, String)>,
    records: Vec<Vec<String>>,
    block: Option<usize>,
}

fn time<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<DateTime, D::Error> {
    let text = String::deserialize(deserializer)?;
    super::times::parse(&text).map_err(serde::de::Error::custom)
}

impl Meter {
    /// Reads the file's text; the mode says what the file does not.
    ///
    /// # Errors
    /// One line that says what is wrong.
    pub(super) fn parse(text: &str, mode: ServeMode) -> Result<Self, String> {
        let file: File = toml::from_str(text).map_err(|error| one_line(&error.to_string()))?;
        Self::new(file, mode)
    }

    /// The one that is served where no file is named.
    pub(super) fn example(mode: ServeMode) -> Result<Self, String> {
        let text = if mode == ServeMode::P1 { EXAMPLE_P1 } else { EXAMPLE };
        Self::parse(text, mode)
    }

    fn new(mut file: File, mode: ServeMode) -> Result<Self, String> {
        let identification = file.identification.get_or_insert_with(|| default_identification(mode).into());
        if Identification::parse(identification.as_bytes()).is_none() {
            return Err(
                "identification: write three letters, the character of the speed, and the model".into()
            );
        }
        for (index, line) in file.lines.iter().chain(&file.log).enumerate() {
            let is_line = line.contains('(') && line.bytes().all(|byte| matches!(byte, b' '..=b'~'));
            if !is_line || line.len() > LONGEST_LINE {
                return Err(format!("lines[{index}]: write a data set such as 1.8.0(12.5*kWh)"));
            }
        }
        if let Some(profile) = &file.profile {
            profile.check()?;
        }
        let lines = Rc::new(RefCell::new(std::mem::take(&mut file.lines)));
        Ok(Self { fixed: Rc::new(file), lines, answer: Vec::new() })
    }

    fn answer(&self, command: &Command<'_>) -> Vec<String> {
        match command.address() {
            b"P.01" => self.fixed.profile.as_ref().map(|profile| profile.lines(command.value())),
            b"P.98" => Some(entries(&self.fixed.log, Range::parse(command.value()))),
            address => {
                Some(self.lines.borrow().iter().filter(|line| is_at(line, address)).cloned().collect())
            }
        }
        .unwrap_or_default()
    }

    fn write(&self, command: &Command<'_>) -> Reply {
        let mut lines = self.lines.borrow_mut();
        let Some(line) = lines.iter_mut().find(|line| is_at(line, command.address())) else {
            return Reply::Refuse(b"ER07");
        };
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        *line = format!("{}({})", text(command.address()), text(command.value()));
        Reply::Acknowledge
    }

    fn read(&mut self, command: &Command<'_>, index: u32, out: &mut Writer<'_>) -> Reply {
        if index == 0 || self.answer.is_empty() {
            self.answer = self.answer(command);
        }
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        let Some(line) = self.answer.get(index) else { return Reply::Refuse(b"ER07") };
        if out.slice(line.as_bytes()).is_err() {
            return Reply::Refuse(b"ER10");
        }
        let block = self.fixed.profile.as_ref().and_then(|profile| profile.block);
        let next = index.saturating_add(1);
        match block.filter(|_| command.kind == PARTIAL) {
            _ if next == self.answer.len() => Reply::Last,
            Some(block) if next.is_multiple_of(block) => Reply::Block,
            _ => Reply::Line,
        }
    }
}

impl Handler for Meter {
    fn identification(&self) -> Identification<'_> {
        let line = self.fixed.identification.as_deref().unwrap_or(default_identification(ServeMode::C));
        let fallback = Identification { flag: *b"CCM", speed: b'0', escapes: b"", model: b"" };
        Identification::parse(line.as_bytes()).unwrap_or(fallback)
    }

    fn address(&self) -> &[u8] {
        self.fixed.address.as_bytes()
    }

    fn line(&mut self, _table: u8, index: u32, out: &mut Writer<'_>) -> bool {
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        self.lines.borrow().get(index).is_some_and(|line| out.slice(line.as_bytes()).is_ok())
    }

    fn seed(&mut self, out: &mut Writer<'_>) {
        let _ = out.slice(self.fixed.seed.as_bytes());
    }

    /// By the algorithm that a seed of such a length belongs to.
    fn unlock(&mut self, kind: u8, password: &[u8]) -> bool {
        let Some(own) = self.fixed.password.as_deref().map(str::as_bytes) else { return true };
        let seed = self.fixed.seed.as_bytes();
        let expected = match (seed.len(), <[u8; 8]>::try_from(own), <[u8; 6]>::try_from(own)) {
            (16, Ok(own), _) => Elster(own).answer(seed),
            (8, _, Ok(own)) => Dzg(own).answer(seed),
            _ => return (kind, password) == (1, own),
        };
        expected
            .ok()
            .flatten()
            .is_some_and(|answer| (answer.kind, answer.text.as_slice()) == (kind, password))
    }

    fn command(&mut self, command: &Command<'_>, index: u32, out: &mut Writer<'_>) -> Reply {
        match command.code {
            Code::Read => self.read(command, index, out),
            Code::Write => self.write(command),
            Code::Execute => Reply::Acknowledge,
            _ => Reply::Break,
        }
    }
}

impl Profile {
    fn check(&self) -> Result<(), String> {
        if self.channels.is_empty() || self.channels.len() > 32 || self.minutes == 0 || self.block == Some(0)
        {
            return Err("profile: it has 1 to 32 channels, and minutes and block are not 0".into());
        }
        let is_wrong = |record: &Vec<String>| record.len() != self.channels.len();
        match self.records.iter().position(is_wrong) {
            Some(index) => Err(format!("profile.records[{index}]: write a value for each channel")),
            None => Ok(()),
        }
    }

    /// Head and records from one time to another.
    fn lines(&self, range: &[u8]) -> Vec<String> {
        let range = Range::parse(range);
        let times =
            (0_i64..).map(|index| self.start.saturating_add((index * i64::from(self.minutes)).minutes()));
        let mut records = times.zip(&self.records).filter(|(time, _)| range.holds(*time)).peekable();
        let start = records.peek().map_or(self.start, |(time, _)| *time);
        std::iter::once(self.head(start))
            .chain(records.map(|(_, record)| record.iter().map(|value| format!("({value})")).collect()))
            .collect()
    }

    fn head(&self, start: DateTime) -> String {
        let channels: String = self.channels.iter().map(|(code, unit)| format!("({code})({unit})")).collect();
        let start = start.strftime("0%y%m%d%H%M%S");
        format!("P.01({start})(00)({})({}){channels}", self.minutes, self.channels.len())
    }
}

/// The time that is asked for: `from;to`, of which both may be missing.
#[derive(Clone, Copy, Debug)]
struct Range {
    from: Option<DateTime>,
    to: Option<DateTime>,
}

impl Range {
    fn parse(range: &[u8]) -> Self {
        let range = String::from_utf8_lossy(range);
        let (from, to) = range.split_once(';').unwrap_or((&range, ""));
        Self { from: civil(from), to: civil(to) }
    }

    fn holds(self, time: DateTime) -> bool {
        self.from.is_none_or(|from| time >= from) && self.to.is_none_or(|to| time <= to)
    }
}

/// The entries of a log of that time; those that say none are in any.
fn entries(log: &[String], range: Range) -> Vec<String> {
    let time = |entry: &String| civil(entry.split(['(', ')']).nth(1)?);
    log.iter().filter(|entry| time(entry).is_none_or(|time| range.holds(time))).cloned().collect()
}

/// A time of a request; nothing of one that is left out.
fn civil(text: &str) -> Option<DateTime> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let Time { year, month, day, hour, minute, second, .. } = Time::parse_vdew(digits.as_bytes())?;
    let part = |part: u8| i8::try_from(part).ok();
    let (year, month, day) = (i16::try_from(year).ok()?, part(month)?, part(day)?);
    DateTime::new(year, month, day, part(hour)?, part(minute)?, part(second)?, 0).ok()
}

fn is_at(line: &str, address: &[u8]) -> bool {
    !address.is_empty() && line.split('(').next().is_some_and(|own| own.as_bytes() == address)
}

const fn default_identification(mode: ServeMode) -> &'static str {
    match mode {
        ServeMode::A => "CCM SIM-62056",
        ServeMode::B => "CCMESIM-62056",
        ServeMode::C | ServeMode::D => "CCM5SIM-62056",
        ServeMode::E | ServeMode::P1 => "CCM5\\2SIM-62056",
    }
}

/// Names of strange meters, and of single strange things.
pub(super) fn quirk_names() -> impl Iterator<Item = &'static str> {
    let meters = Quirks::NAMED.iter().map(|(name, _)| *name).filter(|name| *name != "standard");
    meters.chain(SWITCHES.iter().map(|(name, _)| *name))
}

/// What these names say, one after the other.
///
/// # Errors
/// Names the one that is none.
pub(super) fn quirks(names: &[String]) -> Result<Quirks, String> {
    names.iter().try_fold(Quirks::NONE, |quirks, name| {
        let switch = SWITCHES.iter().find(|(known, _)| known == name);
        let named =
            || Quirks::named(name).ok_or_else(|| format!("--quirk {name} is not known; --help lists them"));
        match switch {
            Some((_, set)) => Ok(set(quirks)),
            None => named(),
        }
    })
}

type Switch = (&'static str, fn(Quirks) -> Quirks);

/// Single strange things.
const SWITCHES: &[Switch] = &[
    ("asleep", |quirks| Quirks { sleeps: true, ..quirks }),
    ("echo", |quirks| Quirks { echoes: true, ..quirks }),
    ("slow", |quirks| Quirks { reaction: Some(ccm_core::Duration::from_millis(1450)), ..quirks }),
    ("noise-before", |quirks| Quirks { lead: b"\x00\x7F\x7F", ..quirks }),
    ("end-on-last-line", |quirks| Quirks { joins_end: true, ..quirks }),
    ("no-etx", |quirks| Quirks { omits_etx: true, ..quirks }),
    ("bytes-behind", |quirks| Quirks { trail: b"\xFF\xFF\xFF", ..quirks }),
    ("wrong-bcc-twice", |quirks| Quirks { wrong_checks: 2, ..quirks }),
    ("wrong-bcc", |quirks| Quirks { wrong_checks: u8::MAX, ..quirks }),
    ("garbles-other-speeds", |quirks| Quirks { garbles_other_speeds: true, ..quirks }),
    ("no-password", |quirks| Quirks { needs_no_password: true, ..quirks }),
    ("reads-unasked", |quirks| Quirks { reads_unasked: true, ..quirks }),
    ("confirms-nothing", |quirks| Quirks { confirms_nothing: true, ..quirks }),
];

/// The read command that is answered in partial blocks.
const PARTIAL: u8 = 6;

/// What fits the meter's buffer.
pub(super) const LONGEST_LINE: usize = 4000;

const EXAMPLE: &str = include_str!("example.toml");
const EXAMPLE_P1: &str = include_str!("example_p1.toml");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_gives_what_lies_between_two_times() {
        let meter = Meter::example(ServeMode::C).unwrap();
        let profile = meter.fixed.profile.as_ref().unwrap();
        assert_eq!(profile.lines(b";").len(), 1 + profile.records.len());
        let lines = profile.lines(b"0260301003000;0260301004500");
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert!(lines[0].starts_with("P.01(0260301003000)(00)(15)(2)(1.5.0)(kW)"), "{lines:?}");
    }

    #[test]
    fn mistakes_are_one_line() {
        let parse = |text| Meter::parse(text, ServeMode::C).unwrap_err();
        for text in [
            "",
            "lines = [\"1.8.0\"]",
            "identification = \"X\"\nlines = []",
            "lines = []\n[profile]\nstart = \"never\"\nminutes = 15\nchannels = []\nrecords = []",
            "lines = []\n[profile]\nstart = \"2026-03-01\"\nminutes = 15\nchannels = [[\"1.5\", \"kW\"]]\nrecords = [[]]",
        ] {
            assert!(!parse(text).contains('\n'), "{}", parse(text));
        }
        assert!(
            quirks(&["iskra-mt17x".into(), "wrong-bcc-twice".into()])
                .is_ok_and(|q| q.echoes && q.wrong_checks == 2)
        );
        assert!(quirks(&["nobody".into()]).is_err());
    }
}
