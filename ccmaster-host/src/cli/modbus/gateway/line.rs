//! The serial ports of a gateway: each asks what its turn is, and is opened again when it is lost.

use std::io;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use ccm_core::asynch::Driver;
use ccm_core::{Clock, DriveError, Line};
use ccm_modbus::gateway::Ask;
use ccm_modbus::{Client, Error, Policy, Rtu};
use serde::Serialize;

use super::say;
use super::shared::Shared;
use crate::port::{Serial, TokioTimer};

/// A serial port and how to talk on it.
#[derive(Debug)]
pub(super) struct SerialLine {
    pub(super) index: usize,
    pub(super) path: PathBuf,
    pub(super) line: Line,
    pub(super) timeout: Duration,
    pub(super) retries: u8,
    pub(super) json: bool,
}

/// What is said of a port with `--json`.
#[derive(Debug, Serialize)]
struct Event<'a> {
    event: &'static str,
    port: &'a str,
    open: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
}

type SerialDriver = Driver<Serial, TokioTimer, 256>;

impl SerialLine {
    pub(super) fn open(&self) -> io::Result<Serial> {
        Serial::open(&self.path, self.line)
    }

    /// Carries what the gateway asks, for as long as the program runs.
    pub(super) async fn run(self, first: Serial, shared: Rc<Shared>) {
        let mut buffer = [0; 520];
        let mut client = Client::new(Rtu::new(self.line), &mut buffer).with_timeout(self.timeout.into());
        let (mut port, mut said) = (io::Result::Ok(first), String::new());
        loop {
            let lost = match port {
                Ok(port) => {
                    self.say(None, &mut said);
                    let mut driver = Driver::new(port, shared.timer);
                    // No `reconnect`: who was asked when the port was lost may answer still, and the client knows that.
                    shared.gateway.borrow_mut().port_up(self.index);
                    let lost = self.carry(&mut driver, &mut client, &shared).await;
                    shared.gateway.borrow_mut().port_down(self.index);
                    shared.deliver();
                    lost
                }
                Err(error) => error.to_string(),
            };
            self.say(Some(lost), &mut said);
            tokio::time::sleep(AGAIN).await;
            port = self.open();
        }
    }

    /// One exchange after the other, until the port is lost; gives the reason.
    async fn carry(
        &self,
        driver: &mut SerialDriver,
        client: &mut Client<'_, Rtu>,
        shared: &Shared,
    ) -> String {
        loop {
            let ran = match self.start(client, shared) {
                Started::Nothing => {
                    let next_look = driver.clock().now() + IDLE;
                    tokio::select! {
                        ended = driver.listen(next_look) => ended,
                        () = shared.work(self.index) => Ok(()),
                    }
                }
                Started::Refused => Ok(()),
                Started::Running => match tokio::time::timeout(self.longest(), driver.run(client)).await {
                    Ok(Ok(())) => {
                        let now = driver.clock().now();
                        let outcome = client.outcome().map(|reply| reply.pdu());
                        shared.gateway.borrow_mut().settle(now, self.index, outcome);
                        Ok(())
                    }
                    Ok(Err(error)) => Err(error),
                    Err(_) => return "the port takes no bytes any more".into(),
                },
            };
            shared.deliver();
            match ran {
                Ok(()) => {}
                Err(DriveError::Port(error)) => return error.to_string(),
                Err(other) => return other.to_string(),
            }
        }
    }

    /// Starts the client with what the gateway asks.
    fn start(&self, client: &mut Client<'_, Rtu>, shared: &Shared) -> Started {
        let now = shared.timer.now();
        let mut gateway = shared.gateway.borrow_mut();
        let Some(Ask { unit, request, may_retry }) = gateway.ask(now, self.index) else {
            return Started::Nothing;
        };
        client.set_policy(Policy { retries: if may_retry { self.retries } else { 0 }, ..*client.policy() });
        let Err(error) = client.start(now, unit, request) else { return Started::Running };
        gateway.settle(now, self.index, Err(Error::Request(error)));
        Started::Refused
    }

    /// No exchange takes longer than this, with its probe and its retries, unless the port is stuck.
    fn longest(&self) -> Duration {
        let frame: Duration = self.line.characters(256).into();
        let attempt = (self.timeout + frame + SLACK) * 2;
        attempt * 2 * (u32::from(self.retries) + 1)
    }

    /// Says that the port is open, or why it is not; the same is said once, not twice a second.
    fn say(&self, lost: Option<String>, said: &mut String) {
        let name = self.path.to_string_lossy();
        let text = lost.as_deref().unwrap_or("open");
        if text == said {
            return;
        }
        match &lost {
            Some(reason) => tracing::warn!("port {name}: {reason}; trying again"),
            None => tracing::info!("port {name}: open"),
        }
        if self.json {
            say(&Event { event: "port", port: &name, open: lost.is_none(), message: lost.as_deref() });
        }
        text.clone_into(said);
    }
}

enum Started {
    Nothing,
    /// The client would not: the gateway knows what to do then.
    Refused,
    Running,
}

/// How long a lost port is left alone.
const AGAIN: Duration = Duration::from_millis(500);

/// An idle port is listened to, as that is how its loss is noticed.
const IDLE: ccm_core::Duration = ccm_core::Duration::from_secs(3600);

/// For a machine that has other things to do, too.
const SLACK: Duration = Duration::from_millis(500);
