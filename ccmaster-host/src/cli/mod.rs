//! The command line: what a person types, what comes back, and with which exit code.

mod args;
mod d0;
mod demo;
mod devices;
mod dlms;
mod link;
mod modbus;
mod output;
mod place;
mod run;
mod session;
mod source;
mod stop;

use std::ffi::OsString;
use std::io::IsTerminal;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{ArgMatches, CommandFactory, FromArgMatches};
use tracing::Level;

use args::{Cli, Command, ModbusCommand, Target};

/// Runs the program with these arguments, its name first.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let matches = match Cli::command().try_get_matches_from(arguments) {
        Ok(matches) => matches,
        Err(error) => return misuse(&error),
    };
    match Cli::from_arg_matches(&matches) {
        Ok(cli) => start(cli, &matches),
        Err(error) => misuse(&error),
    }
}

/// Why the program ends without having done what it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// What was typed or written in a file makes no sense: exit code 2.
    #[error("{0}")]
    Misuse(String),
    /// It made sense but did not work: exit code 1.
    #[error("{0}")]
    Failed(String),
    /// Everything has been said already: exit code 1.
    #[error("")]
    Told,
}

fn start(cli: Cli, matches: &ArgMatches) -> ExitCode {
    log(cli.verbose, cli.quiet);
    // One thread: the hub's state is shared without locks, and a small machine is not woken for nothing.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return end(Err(Failure::Failed(format!("the runtime does not start: {error}")))),
    };
    let tasks = tokio::task::LocalSet::new();
    end(tasks.block_on(&runtime, command(cli.command, matches)))
}

async fn command(command: Command, matches: &ArgMatches) -> Result<(), Failure> {
    match command {
        Command::Demo(demo) => demo::run(demo).await,
        Command::Run(run) => run::run(run).await,
        Command::Devices(devices) => devices::list(devices),
        Command::D0 { command } => d0::run(command).await,
        Command::Dlms { command } => dlms::run(command).await,
        Command::Modbus { command } => {
            let inner = matches.subcommand().and_then(|(_, modbus)| modbus.subcommand());
            match command {
                ModbusCommand::Read(read) => {
                    let targets = inner.map(|(_, matches)| Target::in_order(matches)).unwrap_or_default();
                    modbus::read::run(read, targets).await
                }
                ModbusCommand::Id(id) => modbus::id::run(id).await,
                ModbusCommand::Raw(raw) => modbus::raw::run(raw).await,
                ModbusCommand::Write(write) => modbus::write::run(write).await,
                ModbusCommand::Scan(scan) => modbus::scan::run(scan).await,
                ModbusCommand::Serve(serve) => modbus::serve::run(serve).await,
                ModbusCommand::Gateway(gateway) => modbus::gateway::run(gateway).await,
                ModbusCommand::Sniff(sniff) => modbus::sniff::run(sniff).await,
            }
        }
    }
}

fn end(result: Result<(), Failure>) -> ExitCode {
    let Err(failure) = result else { return ExitCode::SUCCESS };
    let text = failure.to_string();
    if !text.is_empty() {
        eprintln!("error: {text}");
    }
    ExitCode::from(if matches!(failure, Failure::Misuse(_)) { 2 } else { 1 })
}

/// Help goes out as it is, also to who typed nothing; a mistake is said in one line.
fn misuse(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        print!("{error}");
        return ExitCode::SUCCESS;
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        eprint!("{error}");
        return ExitCode::from(2);
    }
    let text = error.to_string();
    let lines = text.lines().take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"));
    let line = lines.map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    eprintln!("{line} (--help says more)");
    ExitCode::from(2)
}

fn log(verbose: u8, quiet: bool) {
    let level = match (quiet, verbose) {
        (true, _) => Level::ERROR,
        (false, 0) => Level::INFO,
        (false, 1) => Level::DEBUG,
        (false, _) => Level::TRACE,
    };
    let ansi = std::io::stderr().is_terminal();
    let subscriber = tracing_subscriber::fmt().with_max_level(level).with_writer(std::io::stderr);
    subscriber.with_target(false).with_ansi(ansi).init();
}
