//! How a tool ends, and how it says what failed: for people, or one JSON object a line.

use std::io::{self, Write};
use std::path::Path;

use ccm_core::DriveError;
use serde::Serialize;

use super::Failure;

/// Why a tool ends early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// What was typed makes no sense.
    Misuse(String),
    /// It did not work; the tag says why, for programs.
    Failed { error: &'static str, message: String },
    /// Who read what we print has gone.
    Unheard,
}

impl Stop {
    pub(super) fn failed(error: &'static str, message: impl ToString) -> Self {
        Self::Failed { error, message: message.to_string() }
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Misuse(message) => Self::Misuse(message),
            other => Self::failed("port", other),
        }
    }
}

impl From<DriveError<io::Error>> for Stop {
    fn from(error: DriveError<io::Error>) -> Self {
        match error {
            DriveError::Port(error) => Self::failed("port", format!("the port failed: {error}")),
            other => Self::failed("port", other),
        }
    }
}

/// Ends a tool: what failed is said in the form that was asked for, and the exit code follows.
pub(super) fn end(json: bool, result: Result<bool, Stop>) -> Result<(), Failure> {
    match result {
        Ok(true) | Err(Stop::Unheard) => Ok(()),
        Ok(false) => Err(Failure::Told),
        Err(Stop::Misuse(message)) => Err(Failure::Misuse(message)),
        Err(Stop::Failed { error, message }) if json => {
            let _ = print(&FailureLine { ok: false, error, message: &message });
            Err(Failure::Told)
        }
        Err(Stop::Failed { message, .. }) => Err(Failure::Failed(message)),
    }
}

/// Says what failed where the tool goes on.
pub(super) fn complain(json: bool, stop: &Stop) -> Result<(), Stop> {
    match stop {
        Stop::Failed { error, message } if json => print(&FailureLine { ok: false, error, message }),
        Stop::Failed { message, .. } => {
            eprintln!("error: {message}");
            Ok(())
        }
        other => Err(other.clone()),
    }
}

#[derive(Serialize)]
struct FailureLine<'a> {
    ok: bool,
    error: &'a str,
    message: &'a str,
}

/// One object, one line.
pub(super) fn print(object: &impl Serialize) -> Result<(), Stop> {
    say(&serde_json::to_string(object).unwrap_or_default())
}

/// One line. Whoever reads it may have gone: that ends the tool, and is no mistake.
pub(super) fn say(line: &str) -> Result<(), Stop> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(|_| Stop::Unheard)
}

/// What a file holds, without the end of its line.
pub(super) fn secret_file(path: &Path) -> Result<String, Stop> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Stop::Misuse(format!("cannot read {}: {error}", path.display())))?;
    Ok(text.trim_end_matches(['\r', '\n']).into())
}
