//! `ccmaster dlms listen`.

mod ears;
mod heard;

use ccm_core::{Clock, Instant, SystemClock};
use ccm_dlms::push::{Push, PushError};

use self::ears::{Ear, Ears};
use self::heard::{Heard, Piece};
use super::arguments::Listen;
use super::keys::unhex;
use super::output::{PushLine, failure};
use super::senders::Senders;
use crate::cli::Failure;
use crate::cli::stop::{Stop, complain, end};
use crate::server::until_stopped;

/// Prints pushes as they come.
pub(in crate::cli) async fn run(listen: Listen) -> Result<(), Failure> {
    let result = attempt(&listen).await;
    end(listen.json, result)
}

async fn attempt(listen: &Listen) -> Result<bool, Stop> {
    let senders = Senders::new(listen.keys.held()?);
    let mut heard = Heard::open(listen).await?;
    let mut told = Told { json: listen.json, most: listen.count, pushes: 0, good: true };
    let mut ears = Ears::new(listen, senders);
    let work = async {
        match listen.heard.hex.is_some() {
            true => hear_lines(&mut heard, ears.open(), &mut told).await,
            false => hear(listen, &mut heard, &mut ears, &mut told).await,
        }
    };
    until_stopped(work).await.unwrap_or(Ok(()))?;
    Ok(told.good)
}

/// Until the source ends, or enough has come.
async fn hear(listen: &Listen, heard: &mut Heard, ears: &mut Ears, told: &mut Told) -> Result<(), Stop> {
    let clock = SystemClock::new();
    let mut pushes = 0;
    let mut silent_since = clock.now();
    while !told.is_enough() {
        let now = clock.now();
        if pushes != told.pushes {
            (pushes, silent_since) = (told.pushes, now);
        }
        let silence = listen.timeout.map(|timeout| silent_since + timeout.into());
        // A file has no time: what is not whole at its end never will be.
        let deadline = ears.deadline().filter(|_| !heard.is_file());
        let until = [silence, deadline].into_iter().flatten().min();
        let Some(piece) = in_time(&clock, until, heard.next()).await else {
            ears.expire(clock.now(), told)?;
            if silence.is_some_and(|silence| silence <= clock.now()) {
                return Err(Stop::failed("timeout", "nothing was pushed in time"));
            }
            continue;
        };
        let piece = piece?;
        let is_over = piece.is_end() && piece.from.is_none();
        ears.take(clock.now(), &piece, told)?;
        if is_over {
            return conclude(heard, told);
        }
    }
    Ok(())
}

/// What comes of `work` before this time.
async fn in_time<T>(clock: &SystemClock, until: Option<Instant>, work: impl Future<Output = T>) -> Option<T> {
    match until {
        Some(until) => tokio::time::timeout(until.since(clock.now()).into(), work).await.ok(),
        None => Some(work.await),
    }
}

/// The only source has ended.
fn conclude(heard: &Heard, told: &Told) -> Result<(), Stop> {
    match heard.is_file() {
        true if told.pushes == 0 => Err(Stop::failed("timeout", "nothing was pushed")),
        true => Ok(()),
        false => Err(Stop::failed("port", "the port was closed")),
    }
}

/// One frame or APDU a line.
async fn hear_lines(heard: &mut Heard, mut ear: Box<dyn Ear>, told: &mut Told) -> Result<(), Stop> {
    let mut text = Vec::new();
    let mut number = 0;
    loop {
        let Piece { bytes, .. } = heard.next().await?;
        let is_over = bytes.is_empty();
        text.extend(bytes);
        if is_over && !text.is_empty() {
            text.push(b'\n');
        }
        while let Some(length) = text.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = text.drain(..=length).collect();
            number += 1;
            hear_line(&String::from_utf8_lossy(&line), number, ear.as_mut(), told)?;
            if told.is_enough() {
                return Ok(());
            }
        }
        if text.len() > LONGEST_LINE {
            return Err(Stop::failed("hex", format!("line {} has no end", number + 1)));
        }
        if is_over {
            ear.finish(&mut |push| told.tell(push, ""))?;
            return conclude(heard, told);
        }
    }
}

fn hear_line(line: &str, number: u32, ear: &mut dyn Ear, told: &mut Told) -> Result<(), Stop> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(());
    }
    let place = format!("line {number}: ");
    let Some(bytes) = unhex(line) else {
        return told.fail(&Stop::failed("hex", format!("{place}bytes in hexadecimal digits are wanted")));
    };
    let before = told.pushes;
    ear.receive(Instant::ZERO, &bytes, &mut |push| told.tell(push, &place))?;
    if told.pushes == before && !ear.is_within() {
        return told.fail(&Stop::failed("unexpected", format!("{place}a frame that pushes nothing")));
    }
    Ok(())
}

/// What was said so far.
struct Told {
    json: bool,
    most: Option<u32>,
    pushes: u32,
    good: bool,
}

impl Told {
    fn is_enough(&self) -> bool {
        self.most.is_some_and(|most| self.pushes >= most)
    }

    fn tell(&mut self, push: Result<Push<'_>, PushError>, place: &str) -> Result<(), Stop> {
        if self.is_enough() {
            return Ok(());
        }
        match push {
            Ok(push) => {
                self.pushes = self.pushes.saturating_add(1);
                PushLine::new(&push).print(self.json)
            }
            Err(error) => self.fail(&failure(&error, place)),
        }
    }

    /// What is lost costs no other push.
    fn fail(&mut self, stop: &Stop) -> Result<(), Stop> {
        (self.good, self.pushes) = (false, self.pushes.saturating_add(1));
        complain(self.json, stop)
    }
}

/// Digits of the longest frame, and then some.
const LONGEST_LINE: usize = 1 << 20;
