//! Serial ports, sockets and the time, as the drivers of `ccm-core` want them.

mod paced;
mod pty;
mod serial;
mod tcp;
mod timer;
mod udp;

pub use paced::Paced;
pub use pty::Pty;
pub use serial::Serial;
pub use tcp::Tcp;
pub use timer::{TokioTimer, sleep};
pub use udp::Udp;
