//! `ccmaster d0 listen`.

use std::io;

use ccm_core::crypto::{Key, Software};
use ccm_iec62056::p1::{Envelope, Keys, Medium, PUBLISHED_KEY, State, SubMeter, SubMeters};
use ccm_iec62056::{Check, Decoder, Error, Event, Fault, FrameError, Identification, Profile, Sink, Wanted};
use embedded_io_async::Read;
use serde::Serialize;
use tokio::sync::mpsc;

use super::arguments::{Listen, Place, line};
use super::output::{Printer, Stop, complain, end, print, say, text};
use super::profile::secret_file;
use super::times::{local, season_name};
use crate::cli::Failure;
use crate::port::Link;
use crate::server::until_stopped;

/// A key of 128 bits.
#[derive(Clone, Copy)]
pub(super) struct KeyBytes([u8; 16]);

impl std::fmt::Debug for KeyBytes {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("KeyBytes(..)")
    }
}

/// Reads 32 hexadecimal digits.
pub(super) fn key(text: &str) -> Result<KeyBytes, String> {
    let digits = text.trim();
    let is_key = digits.len() == 32 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let number = u128::from_str_radix(digits, 16).ok().filter(|_| is_key);
    let key = number.map(|number| KeyBytes(number.to_be_bytes()));
    key.ok_or_else(|| "a key has 32 hexadecimal digits".into())
}

/// Prints telegrams as they come.
pub(in crate::cli) async fn run(listen: Listen) -> Result<(), Failure> {
    let result = attempt(&listen).await;
    end(listen.json, result)
}

async fn attempt(listen: &Listen) -> Result<bool, Stop> {
    let keys = keys(listen)?;
    let mut source = Source::open(listen).await?;
    let mut ear = Ear::new(listen, keys);
    until_stopped(hear(listen, &mut source, &mut ear)).await.unwrap_or(Ok(()))?;
    Ok(ear.good)
}

fn keys(listen: &Listen) -> Result<Option<Keys>, Stop> {
    let text = match (&listen.key, &listen.key_file) {
        (Some(text), _) => text.clone(),
        (None, Some(path)) => secret_file(path)?,
        (None, None) if listen.authentication_key.is_some() => {
            return Err(Stop::Misuse("--authentication-key wants --key or --key-file".into()));
        }
        (None, None) => return Ok(None),
    };
    let KeyBytes(encryption) = key(&text).map_err(Stop::Misuse)?;
    let authentication = listen.authentication_key.map_or(PUBLISHED_KEY, |KeyBytes(key)| key);
    Ok(Some(Keys { encryption: Key::Aes128(encryption), authentication }))
}

/// Until the source ends, or enough has come.
async fn hear(listen: &Listen, source: &mut Source, ear: &mut Ear<'_>) -> Result<(), Stop> {
    let mut bytes = [0; PIECE];
    loop {
        let patience = if ear.is_reading() { SILENCE.min(listen.timeout) } else { listen.timeout };
        match tokio::time::timeout(patience, source.read(&mut bytes)).await {
            Ok(Ok(0)) => return ear.conclude(source.is_file()),
            Ok(Ok(count)) => ear.take(bytes.get(..count).unwrap_or_default())?,
            Ok(Err(error)) => return Err(Stop::failed("port", format!("the port failed: {error}"))),
            Err(_) if source.is_file() => {}
            Err(_) if ear.is_reading() => ear.silence()?,
            Err(_) => return Err(ear.nothing()),
        }
        if listen.count.is_some_and(|count| ear.telegrams >= count) {
            return Ok(());
        }
    }
}

enum Source {
    Link(Link),
    /// Read in a thread of its own, which ends with the program: a file or a pipe can keep its reader waiting.
    File(mpsc::Receiver<io::Result<Vec<u8>>>),
}

impl Source {
    async fn open(listen: &Listen) -> Result<Self, Stop> {
        let Some(path) = &listen.heard.file else {
            let place = Place { serial: listen.heard.serial.clone(), tcp: listen.heard.tcp.clone() };
            return Ok(Self::Link(place.open(line(listen.baud, listen.seven_bits)).await?));
        };
        let cannot = |error| Stop::Misuse(format!("cannot read {}: {error}", path.display()));
        let file: Box<dyn io::Read + Send> = match path.to_str() {
            Some("-") => Box::new(io::stdin()),
            _ => Box::new(std::fs::File::open(path).map_err(cannot)?),
        };
        let (sender, receiver) = mpsc::channel(4);
        std::thread::spawn(move || pump(file, &sender));
        Ok(Self::File(receiver))
    }

    async fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Link(link) => link.read(bytes).await,
            Self::File(receiver) => {
                let piece = receiver.recv().await.transpose()?.unwrap_or_default();
                bytes.iter_mut().zip(&piece).for_each(|(slot, byte)| *slot = *byte);
                Ok(piece.len())
            }
        }
    }

    const fn is_file(&self) -> bool {
        matches!(self, Self::File(_))
    }
}

/// Reads until the end, or until nobody wants more.
fn pump(mut file: impl io::Read, sender: &mpsc::Sender<io::Result<Vec<u8>>>) {
    let mut bytes = [0; PIECE];
    loop {
        let piece = file.read(&mut bytes).map(|count| bytes.get(..count).unwrap_or_default().to_vec());
        let is_last = piece.as_ref().map_or(true, Vec::is_empty);
        if sender.blocking_send(piece).is_err() || is_last {
            return;
        }
    }
}

/// Makes telegrams of bytes.
struct Ear<'a> {
    listen: &'a Listen,
    decoder: Decoder,
    printer: Wanted<'a, Printer>,
    meters: SubMeters<MOST_METERS>,
    envelope: Envelope<'static>,
    keys: Option<Keys>,
    telegrams: u32,
    /// Bytes came at all.
    noise: bool,
    good: bool,
}

impl<'a> Ear<'a> {
    fn new(listen: &'a Listen, keys: Option<Keys>) -> Self {
        let profile = Profile { strips_parity: listen.seven_bits, ..Profile::PUSH };
        Self {
            listen,
            decoder: Decoder::new(profile),
            printer: Wanted::new(&listen.codes, Printer::new(listen.json, true)),
            meters: SubMeters::new(),
            envelope: Envelope::new(Box::leak(Box::new([0; 8192]))),
            keys,
            telegrams: 0,
            noise: false,
            good: true,
        }
    }

    fn is_reading(&self) -> bool {
        self.decoder.is_reading()
    }

    fn take(&mut self, mut bytes: &[u8]) -> Result<(), Stop> {
        self.noise |= !bytes.is_empty();
        let Some(keys) = self.keys.clone() else { return self.read(bytes) };
        while !bytes.is_empty() {
            let taken = self.envelope.push(bytes);
            bytes = bytes.get(taken..).unwrap_or_default();
            if !self.envelope.is_whole() {
                continue;
            }
            // The text borrows the envelope, which the ear holds.
            match self.envelope.open(&Software, &keys).map(|(text, counter)| (text.to_vec(), counter)) {
                Ok((text, counter)) => {
                    tracing::debug!("an encrypted telegram, counter {counter}");
                    self.read(&text)?;
                    self.silence()?;
                }
                Err(error) => self.fail(Error::Frame(error))?,
            }
        }
        Ok(())
    }

    fn read(&mut self, mut bytes: &[u8]) -> Result<(), Stop> {
        while !self.is_enough() {
            let Some(event) = self.decoder.decode(&mut bytes) else { break };
            let ended = note(&event, &mut self.printer, &mut self.meters);
            self.ended(ended)?;
        }
        Ok(())
    }

    /// What silence ends is a telegram too.
    fn silence(&mut self) -> Result<(), Stop> {
        self.envelope.clear();
        while !self.is_enough() {
            let Some(event) = self.decoder.finish() else { break };
            let ended = note(&event, &mut self.printer, &mut self.meters);
            self.ended(ended)?;
        }
        Ok(())
    }

    fn is_enough(&self) -> bool {
        self.listen.count.is_some_and(|count| self.telegrams >= count)
    }

    fn ended(&mut self, ended: Ended) -> Result<(), Stop> {
        match ended {
            Ended::Not => Ok(()),
            Ended::Cut => self.fail(FrameError::Truncated.into()),
            Ended::Whole(check) if check.is_wrong() && self.listen.strict => {
                self.fail(FrameError::Checksum(check).into())
            }
            Ended::Whole(check) => self.telegram(check),
        }
    }

    fn telegram(&mut self, check: Check) -> Result<(), Stop> {
        let mut printer = self.fresh();
        printer.release();
        for meter in self.meters.iter() {
            let shown = Shown::new(meter);
            if self.listen.json { print(&SubMeterLine { submeter: shown })? } else { shown.say()? }
        }
        self.good &= printer.finish(check)?;
        self.meters = SubMeters::new();
        (self.noise, self.telegrams) = (false, self.telegrams.saturating_add(1));
        Ok(())
    }

    /// What is lost costs no other telegram.
    fn fail(&mut self, error: Error) -> Result<(), Stop> {
        self.fresh();
        self.meters = SubMeters::new();
        (self.good, self.telegrams) = (false, self.telegrams.saturating_add(1));
        complain(self.listen.json, &error.into())
    }

    /// Takes out what was printed so far, for the next telegram to begin anew.
    fn fresh(&mut self) -> Printer {
        let fresh = Wanted::new(&self.listen.codes, Printer::new(self.listen.json, true));
        std::mem::replace(&mut self.printer, fresh).into_inner()
    }

    fn nothing(&self) -> Stop {
        Stop::from(if self.noise { Error::Frame(FrameError::Noise) } else { Error::Timeout })
    }

    /// The source has ended.
    fn conclude(&mut self, is_file: bool) -> Result<(), Stop> {
        self.silence()?;
        match (is_file, self.telegrams) {
            (true, 0) => Err(self.nothing()),
            (true, _) => Ok(()),
            (false, _) => Err(Stop::failed("port", "the port was closed")),
        }
    }
}

/// Whether an event ends a telegram.
enum Ended {
    Not,
    Whole(Check),
    Cut,
}

fn note(event: &Event<'_>, printer: &mut Wanted<'_, Printer>, meters: &mut SubMeters<MOST_METERS>) -> Ended {
    match event {
        Event::Value(value) => {
            meters.value(value);
            let _ = printer.value(value);
        }
        Event::Identification(line) => {
            if let Some(identification) = Identification::parse(line) {
                printer.identification(&identification);
            }
        }
        Event::EndSet { .. } => {
            let _ = printer.end_set();
        }
        Event::End(check) => return Ended::Whole(*check),
        Event::Fault(Fault::Truncated | Fault::Restart) => return Ended::Cut,
        Event::Fault(fault) => printer.fault(*fault),
        _ => {}
    }
    Ended::Not
}

#[derive(Serialize)]
struct SubMeterLine {
    submeter: Shown,
}

/// A meter behind the one that speaks.
#[derive(Debug, Serialize)]
struct Shown {
    channel: u8,
    medium: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    season: Option<&'static str>,
}

impl Shown {
    fn new(meter: &SubMeter) -> Self {
        let some = |bytes: &[u8]| Some(text(bytes)).filter(|text| !text.is_empty());
        Self {
            channel: meter.channel,
            medium: medium(meter.medium),
            id: some(&meter.identifier),
            state: if meter.state() == State::Live { "live" } else { "dead" },
            value: meter.reading.map(|reading| reading.to_string()),
            unit: some(&meter.unit),
            time: meter.time.map(local),
            season: meter.time.and_then(season_name),
        }
    }

    fn say(&self) -> Result<(), Stop> {
        let part = |part: &Option<String>| part.clone().unwrap_or_default();
        let Self { channel, medium, state, id, value, unit, time, .. } = self;
        let (id, value, unit, time) = (part(id), part(value), part(unit), part(time));
        say(format!("  channel {channel}: {medium} {id} ({state})  {value} {unit}  {time}").trim_end())
    }
}

fn medium(medium: Medium) -> String {
    match medium {
        Medium::Unknown => "unknown".into(),
        Medium::Electricity => "electricity".into(),
        Medium::Gas => "gas".into(),
        Medium::Heat => "heat".into(),
        Medium::HotWater => "hot water".into(),
        Medium::Water => "water".into(),
        Medium::Cooling => "cooling".into(),
        Medium::Other(code) => format!("type {code}"),
    }
}

/// Bytes that are read at once.
const PIECE: usize = 4096;

/// A meter does not pause longer within a telegram.
const SILENCE: std::time::Duration = std::time::Duration::from_millis(1500);

/// M-Bus has four channels; some count on.
const MOST_METERS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_32_digits_and_is_not_printed() {
        let good = key("00112233445566778899AABBCCDDEEFF").unwrap();
        assert_eq!(good.0, PUBLISHED_KEY);
        assert_eq!(format!("{good:?}"), "KeyBytes(..)");
        assert!(key("0011").is_err() && key("+0112233445566778899AABBCCDDEEFF").is_err());
    }
}
