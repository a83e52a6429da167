//! `ccmaster modbus scan`.

use std::io::IsTerminal;

use ccm_core::Duration;
use ccm_modbus::{Error, Exception, Request, RoundTrips};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::cli::Failure;
use crate::cli::args::{Patience, Scan};
use crate::cli::output::print_json;
use crate::cli::session::{ExchangeError, Session};

/// A unit that answered.
#[derive(Debug, Serialize)]
struct Found {
    unit: u8,
    /// `values`, `exception` or `garbled`.
    answer: &'static str,
    message: String,
    /// How long it took to answer.
    milliseconds: Option<u64>,
}

/// Asks each unit for one register: any answer counts, a refusal and a garbled one too.
pub(in crate::cli) async fn run(scan: Scan) -> Result<(), Failure> {
    let patience = Patience { timeout: scan.timeout, retries: 0 };
    let mut session = Session::open(&scan.place, &patience).await?;
    let (first, last) = scan.units;
    let progress = progress(u64::from(last - first) + 1);
    let (mut count, mut trips) = (0_u32, RoundTrips::new());
    for unit in first..=last {
        progress.set_message(format!("unit {unit}"));
        if let Some(found) = ask(&mut session, unit).await? {
            count += 1;
            session.round_trip().into_iter().for_each(|taken| trips.record(taken));
            progress.suspend(|| found.print(scan.place.json));
        }
        progress.inc(1);
    }
    progress.finish_and_clear();
    if !scan.place.json {
        eprintln!("{count} of {} units answered{}", last - first + 1, advice(&trips));
    }
    Ok(())
}

/// What the round trips say of a good time-out.
fn advice(trips: &RoundTrips) -> String {
    let timeout = trips.timeout().map(|timeout| timeout.as_millis().next_multiple_of(10));
    timeout.map_or(String::new(), |timeout| format!("; --timeout {timeout}ms would do for them"))
}

impl Found {
    fn print(&self, json: bool) {
        if json {
            print_json(self);
        } else {
            println!("{:>3}  {}", self.unit, self.message);
        }
    }
}

/// On a terminal only, on standard error.
fn progress(length: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::with_draw_target(Some(length), ProgressDrawTarget::hidden());
    }
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}, {eta} left");
    ProgressBar::new(length).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

async fn ask(session: &mut Session, unit: u8) -> Result<Option<Found>, Failure> {
    let request = Request::ReadHoldingRegisters { start: 0, quantity: 1 };
    let outcome = session.exchange(unit, request, |_| ()).await;
    let milliseconds = session.round_trip().map(Duration::as_millis);
    let found = |answer, message| Ok(Some(Found { unit, answer, message, milliseconds }));
    match outcome {
        Ok(()) => found("values", "answers".into()),
        // A gateway says that nobody is there.
        Err(ExchangeError::Modbus(Error::Exception(
            Exception::GatewayPathUnavailable | Exception::GatewayTargetFailed,
        ))) => Ok(None),
        Err(ExchangeError::Modbus(error @ Error::Exception(_))) => found("exception", error.to_string()),
        Err(ExchangeError::Modbus(error @ (Error::Frame(_) | Error::Message(_)))) => found(
            "garbled",
            format!("something answers, but {error}: noise, or two devices with this number"),
        ),
        Err(ExchangeError::Port(message)) => Err(Failure::Failed(message)),
        Err(_) => Ok(None),
    }
}
