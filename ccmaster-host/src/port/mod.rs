//! Serial ports, sockets and the time, as the drivers of `ccm-core` want them.

mod follow;
mod link;
mod paced;
mod pty;
mod serial;
mod tcp;
mod timer;
pub mod tls;
mod udp;

pub use follow::Follow;
pub use link::Link;
pub use paced::Paced;
pub use pty::Pty;
pub use serial::Serial;
pub use tcp::Tcp;
pub use timer::{TokioTimer, sleep};
pub use tls::Tls;
pub use udp::Udp;
