//! A meter made of text, and a reader that keeps what it reads.

use std::ops::ControlFlow;

use ccm_core::{Instant, Writer};
use ccm_iec62056::script::{Programming, Reading};
use ccm_iec62056::{
    Client, Code, Command, Error, Fault, Handler, Identification, Policy, Quirks, Reply, Response, Server,
    Sink, Value,
};

use super::wire::Wire;

/// A meter that shows these lines and has these registers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Meter {
    pub(crate) identification: String,
    pub(crate) address: String,
    pub(crate) lines: Vec<String>,
    pub(crate) seed: String,
    pub(crate) password: Option<(u8, String)>,
    /// Register, answer line by line, and how many lines a block has.
    pub(crate) registers: Vec<(String, Vec<String>)>,
    pub(crate) block: usize,
    pub(crate) written: Vec<String>,
}

impl Meter {
    pub(crate) fn new(identification: &str, lines: &[&str]) -> Self {
        Self {
            identification: identification.into(),
            lines: lines.iter().map(ToString::to_string).collect(),
            block: usize::MAX,
            ..Self::default()
        }
    }
}

impl Handler for Meter {
    fn identification(&self) -> Identification<'_> {
        Identification::parse(self.identification.as_bytes()).unwrap()
    }

    fn address(&self) -> &[u8] {
        self.address.as_bytes()
    }

    fn line(&mut self, _table: u8, index: u32, out: &mut Writer<'_>) -> bool {
        self.lines.get(index as usize).is_some_and(|line| out.slice(line.as_bytes()).is_ok())
    }

    fn seed(&mut self, out: &mut Writer<'_>) {
        out.slice(self.seed.as_bytes()).unwrap();
    }

    fn unlock(&mut self, kind: u8, password: &[u8]) -> bool {
        self.password.as_ref().is_none_or(|(k, p)| (*k, p.as_bytes()) == (kind, password))
    }

    fn command(&mut self, command: &Command<'_>, index: u32, out: &mut Writer<'_>) -> Reply {
        if command.code != Code::Read {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            self.written.push(format!("{}={}", text(command.address()), text(command.value())));
            return Reply::Acknowledge;
        }
        let register = self.registers.iter().find(|(name, _)| name.as_bytes() == command.address());
        let Some((_, lines)) = register else { return Reply::Refuse(b"ER07") };
        let index = index as usize;
        let Some(line) = lines.get(index) else { return Reply::Refuse(b"ER10") };
        out.slice(line.as_bytes()).unwrap();
        match index + 1 {
            next if next == lines.len() => Reply::Last,
            next if next % self.block == 0 => Reply::Block,
            _ => Reply::Line,
        }
    }
}

/// Keeps `address text unit` of everything, and throws away what was rejected.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept {
    pub(crate) values: Vec<String>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) identifications: Vec<String>,
    sure: usize,
}

impl Sink for Kept {
    fn identification(&mut self, identification: &Identification<'_>) {
        self.identifications.push(String::from_utf8_lossy(identification.model).into_owned());
    }

    fn value(&mut self, value: &Value<'_>) -> ControlFlow<()> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let unit = value.unit().map_or(String::new(), |unit| format!(" {}", text(unit)));
        let number = value.decimal().map_or_else(|| format!("'{}'", text(value.text)), |d| d.to_string());
        self.values.push(format!("{} {number}{unit}", text(value.address)));
        ControlFlow::Continue(())
    }

    fn fault(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    fn accepted(&mut self) {
        self.sure = self.values.len();
    }

    fn rejected(&mut self) {
        self.values.truncate(self.sure);
    }
}

/// What a reading brought.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) kept: Kept,
    /// How the last exchange ended.
    pub(crate) last: String,
    pub(crate) result: Result<(), Error>,
    pub(crate) wire: WireReport,
}

#[derive(Debug)]
pub(crate) struct WireReport {
    pub(crate) now: Instant,
    pub(crate) sent: Vec<Vec<u8>>,
    pub(crate) bytes: usize,
    pub(crate) busy: ccm_core::Duration,
}

impl WireReport {
    pub(crate) fn of(wire: Wire) -> Self {
        Self { now: wire.now, sent: wire.sent, bytes: wire.bytes, busy: wire.busy }
    }
}

/// Reads a meter out with a script.
pub(crate) fn read(meter: Meter, quirks: Quirks, policy: Policy, script: Reading<'_>) -> Report {
    let mut kept = Kept::default();
    let (last, result, wire) = read_into(meter, quirks, policy, script, &mut kept);
    Report { kept, last, result, wire: WireReport::of(wire) }
}

/// The same into any sink.
pub(crate) fn read_into(
    meter: Meter,
    quirks: Quirks,
    policy: Policy,
    mut script: Reading<'_>,
    sink: impl Sink,
) -> (String, Result<(), Error>, Wire) {
    let (mut input, mut output, mut buffer) = ([0; 160], [0; 1200], [0; 160]);
    let mut server = Server::new(meter, quirks, &mut input, &mut output);
    if policy.eight_bits {
        server = server.with_eight_bits();
    }
    let mut client = Client::new(policy, sink, &mut buffer);
    let mut wire = Wire::new(ccm_core::Line::new(policy.fixed_baud.unwrap_or(1)));
    let mut outcome = None;
    let result = loop {
        let request = match script.next(outcome.take()) {
            Ok(Some(request)) => request,
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        };
        if let Err(error) = client.start(wire.now, request) {
            break Err(error.into());
        }
        wire.run(&mut client, &mut server);
        outcome = Some(client.outcome());
    };
    (format!("{:?}", client.outcome()), result, wire)
}

/// Runs commands in programming mode; gives what each brought, and what the meter was told to write.
pub(crate) fn program<C: ccm_iec62056::script::Challenge>(
    meter: Meter,
    quirks: Quirks,
    policy: Policy,
    challenge: C,
    commands: &[Command<'_>],
) -> (Report, Vec<String>) {
    let (mut input, mut output, mut buffer) = ([0; 160], [0; 400], [0; 160]);
    let mut server = Server::new(meter, quirks, &mut input, &mut output);
    let mut client = Client::new(policy, Kept::default(), &mut buffer);
    let mut script = Programming::new(&policy, b"", challenge, commands);
    let mut wire = Wire::new(ccm_core::Line::new(policy.fixed_baud.unwrap_or(1)));
    let mut outcome: Option<Result<Response<'_>, Error>> = None;
    let result = loop {
        let request = match script.next(outcome.take()) {
            Ok(Some(request)) => request,
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        };
        if let Err(error) = client.start(wire.now, request) {
            break Err(error.into());
        }
        wire.run(&mut client, &mut server);
        outcome = Some(client.outcome());
    };
    let last = format!("{:?}", client.outcome());
    let written = server.handler().written.clone();
    let kept = client.sink().clone();
    (Report { kept, last, result, wire: WireReport::of(wire) }, written)
}
