//! `ccmaster d0 profile`.

use std::ops::ControlFlow;

use ccm_core::Obis;
use ccm_iec62056::script::{Answer, Challenge, Dzg, Elster, NoPassword, Plain, Programming};
use ccm_iec62056::{
    Channel, Check, Command, Error, Fault, Identification, Record, Records, RequestError, Response, Sink,
    Value,
};
use serde::Serialize;

use super::arguments::{Algorithm, Profile};
use super::dialogue::Dialogue;
use super::output::{Entry, Printer, text};
use super::times::{local, season_name};
use crate::cli::Failure;
use crate::cli::stop::{Stop, end, print, say, secret_file};

/// Reads a load profile or a log.
pub(in crate::cli) async fn run(profile: Profile) -> Result<(), Failure> {
    let result = attempt(&profile).await;
    end(profile.talk.json, result)
}

async fn attempt(profile: &Profile) -> Result<bool, Stop> {
    if profile.from > profile.to {
        return Err(Stop::Misuse("--from is later than --to".into()));
    }
    let secret = Secret::new(profile)?;
    let zone = profile.zone.clone().unwrap_or_else(jiff::tz::TimeZone::system);
    let clock = |time| profile.clock.write(time, &zone);
    let range = format!("{};{}", clock(profile.from), clock(profile.to));
    let address: &[u8] = if profile.log { b"P.98" } else { b"P.01" };
    let commands = [Command::read(profile.command, address, range.as_bytes())];
    let policy = profile.talk.policy(false);
    let mut script = Programming::new(&policy, profile.talk.address.as_bytes(), secret, &commands);
    let line = profile.talk.line(300);
    let link = profile.place.open(line).await?;
    let mut dialogue = Dialogue::new(link, line, policy, Recorder::new(profile));
    let check = converse(&mut dialogue, &mut script).await?;
    dialogue.sink().finish(check)
}

/// Carries out the whole dialogue; gives the checksum of the answer to the one command.
async fn converse(
    dialogue: &mut Dialogue<Recorder<'_>>,
    script: &mut Programming<'_, Secret>,
) -> Result<Check, Stop> {
    let mut answer = None;
    let mut outcome: Option<Result<Response<'_>, Error>> = None;
    loop {
        if script.command().is_some()
            && let Some(Ok(Response::Data { check, .. })) = outcome
        {
            answer = Some(check);
        }
        let Some(request) = script.next(outcome.take())? else { break };
        dialogue.exchange(request).await?;
        outcome = Some(dialogue.outcome());
    }
    answer.ok_or_else(|| Error::Unexpected.into())
}

/// The password, as the meter wants it.
enum Secret {
    Plain(Vec<u8>),
    Elster([u8; 8]),
    Dzg([u8; 6]),
    None,
}

impl Secret {
    fn new(profile: &Profile) -> Result<Self, Stop> {
        if profile.algorithm == Algorithm::None {
            return Ok(Self::None);
        }
        let password = password(profile)?.into_bytes();
        let wrong = |length| Stop::Misuse(format!("the password of this algorithm has {length} characters"));
        match profile.algorithm {
            Algorithm::Elster => password.try_into().map(Self::Elster).map_err(|_| wrong(8)),
            Algorithm::Dzg => password.try_into().map(Self::Dzg).map_err(|_| wrong(6)),
            _ if password.len() > 32 => Err(Stop::Misuse("a password has 32 characters at most".into())),
            _ => Ok(Self::Plain(password)),
        }
    }
}

fn password(profile: &Profile) -> Result<String, Stop> {
    match (&profile.password, &profile.password_file) {
        (Some(password), _) => Ok(password.clone()),
        (None, Some(path)) => secret_file(path),
        (None, None) => std::env::var(VARIABLE).map_err(|_| {
            Stop::Misuse(format!(
                "give the password with --password-file or {VARIABLE}, or say --algorithm none"
            ))
        }),
    }
}

impl Challenge for Secret {
    fn answer(&self, seed: &[u8]) -> Result<Option<Answer>, RequestError> {
        match self {
            Self::Plain(password) => Plain(password).answer(seed),
            Self::Elster(password) => Elster(*password).answer(seed),
            Self::Dzg(password) => Dzg(*password).answer(seed),
            Self::None => NoPassword.answer(seed),
        }
    }
}

/// Makes records of what comes.
struct Recorder<'c> {
    json: bool,
    is_log: bool,
    codes: &'c [Obis],
    /// Says who the meter is, and prints the end.
    printer: Printer,
    records: Records<MOST_CHANNELS>,
    /// As far as all is sure.
    sure: Records<MOST_CHANNELS>,
    rows: Vec<Row>,
    count: u32,
    sure_count: u32,
    stopped: Result<(), Stop>,
}

/// One value of a record; or an entry of a log that has none.
#[derive(Serialize)]
struct Row {
    time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    season: Option<&'static str>,
    status: String,
    #[serde(flatten)]
    entry: Option<Entry>,
}

impl<'c> Recorder<'c> {
    fn new(profile: &'c Profile) -> Self {
        Self {
            json: profile.talk.json,
            is_log: profile.log,
            codes: &profile.codes,
            printer: Printer::new(profile.talk.json, false),
            records: Records::new(),
            sure: Records::new(),
            rows: Vec::new(),
            count: 0,
            sure_count: 0,
            stopped: Ok(()),
        }
    }

    fn release(&mut self) {
        self.printer.release();
        self.sure = self.records.clone();
        self.sure_count = self.count;
        let rows = std::mem::take(&mut self.rows);
        if self.stopped.is_ok() {
            self.stopped = rows.iter().try_for_each(|row| if self.json { print(row) } else { row.say() });
        }
    }

    fn finish(&mut self, check: Check) -> Result<bool, Stop> {
        self.release();
        std::mem::replace(&mut self.stopped, Ok(()))?;
        self.printer.finish_with(check, self.count, if self.is_log { "entries" } else { "records" })
    }

    fn is_wanted(codes: &[Obis], channel: Option<&Channel>) -> bool {
        let obis = channel.and_then(Channel::address).map(|address| address.obis);
        codes.is_empty() || obis.is_some_and(|obis| codes.iter().any(|code| code.covers(obis)))
    }
}

impl Row {
    fn of(record: &Record<'_, MOST_CHANNELS>, codes: &[Obis], rows: &mut Vec<Self>) {
        let row = |entry| Self {
            time: local(record.time),
            season: season_name(record.time),
            status: text(&record.head.status),
            entry,
        };
        if record.values.is_empty() {
            return rows.push(row(None));
        }
        for (number, value) in record.values.iter().enumerate() {
            let channel = record.head.channels.get(number);
            if !Recorder::is_wanted(codes, channel) {
                continue;
            }
            let unit = channel.map(|channel| text(&channel.unit)).filter(|unit| !unit.is_empty());
            rows.push(row(Some(Entry {
                code: channel.map(|channel| text(&channel.code)).unwrap_or_default(),
                value: record.decimal(number).map(|number| number.to_string()),
                unit,
                text: text(value),
            })));
        }
    }

    fn say(&self) -> Result<(), Stop> {
        let Self { time, season, status, entry } = self;
        let season = season.map_or(String::new(), |season| format!(" {season}"));
        match entry {
            None => say(&format!("  {time}{season}  [{status}]")),
            Some(Entry { code, value, unit, text }) => {
                let (value, unit) = (value.as_ref().unwrap_or(text), unit.as_deref().unwrap_or_default());
                say(format!("  {time}{season}  {code:<12} {value:>12} {unit}").trim_end())
            }
        }
    }
}

impl Sink for Recorder<'_> {
    fn identification(&mut self, identification: &Identification<'_>) {
        self.printer.identification(identification);
    }

    fn value(&mut self, value: &Value<'_>) -> ControlFlow<()> {
        if let Some(record) = self.records.value(value) {
            self.count += 1;
            Row::of(&record, self.codes, &mut self.rows);
        }
        ControlFlow::Continue(())
    }

    fn fault(&mut self, fault: Fault) {
        self.printer.fault(fault);
    }

    fn accepted(&mut self) {
        self.release();
    }

    fn rejected(&mut self) {
        self.records = self.sure.clone();
        self.count = self.sure_count;
        self.rows.clear();
    }
}

/// Where the password may stand, too.
const VARIABLE: &str = "CCMASTER_D0_PASSWORD";

/// More than any meter records at once.
const MOST_CHANNELS: usize = 32;
