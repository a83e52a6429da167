//! The tools for meters with an optical head or a P1 port: IEC 62056-21 and what came of it.

mod arguments;
mod dialogue;
mod dump;
mod image;
mod listen;
mod output;
mod profile;
mod read;
mod serve;
mod times;

pub(super) use arguments::D0Command;

use super::Failure;

/// Carries out one of them.
pub(super) async fn run(command: D0Command) -> Result<(), Failure> {
    match command {
        D0Command::Read(read) => read::run(read).await,
        D0Command::Profile(profile) => profile::run(profile).await,
        D0Command::Listen(listen) => listen::run(listen).await,
        D0Command::Serve(serve) => serve::run(serve).await,
        D0Command::Dump(dump) => dump::run(dump).await,
    }
}
