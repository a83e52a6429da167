//! The tools for meters that speak DLMS/COSEM.

mod arguments;
mod credentials;
mod error;
mod keys;
mod listen;
mod output;
mod pem;
mod read;
mod senders;
mod serve;

pub(super) use arguments::DlmsCommand;

use super::Failure;

/// Carries out one of them.
pub(super) async fn run(command: DlmsCommand) -> Result<(), Failure> {
    match command {
        DlmsCommand::Listen(listen) => listen::run(*listen).await,
        DlmsCommand::Read(read) => read::run(*read).await,
        DlmsCommand::Serve(serve) => serve::run(*serve).await,
    }
}
