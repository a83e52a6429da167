//! The hub on a host: its ports, its snapshots, its page.

mod hub;
mod snapshot;
mod vault;
mod web;

pub use hub::{HostHub, read_ports};
pub use snapshot::{Snapshot, Snapshots};
pub use vault::FileVault;
pub use web::{listen, serve};

use std::future::Future;

/// Runs until it ends by itself or somebody stops the program (Ctrl-C or SIGTERM); nothing in the second case.
pub async fn until_stopped<T>(work: impl Future<Output = T>) -> Option<T> {
    use tokio::signal::unix::{SignalKind, signal};
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        output = work => Some(output),
        _ = tokio::signal::ctrl_c() => None,
        () = terminated => None,
    }
}
