//! The meter's side, for simulators: modes A to E, P1, programming, and what real meters make of them.

mod handler;
mod hearing;
mod output;
mod quirks;
mod talking;

pub use handler::{Handler, Reply};
pub use quirks::{Ending, Quirks};

use ccm_core::{DataBits, Duration, Instant, Line, Machine, Parity, Step};
use output::Output;

use crate::message::START;

/// A meter on one line. It never ends, except where mode E is chosen: then HDLC has the line.
#[derive(Debug)]
pub struct Server<'b, H> {
    handler: H,
    quirks: Quirks,
    /// What is heard; a command stands here while it is answered, and so does a message for its echo.
    input: &'b mut [u8],
    heard: usize,
    kept: usize,
    output: Output<'b>,
    /// The port runs at 8N1.
    eight_bits: bool,
    line: Option<Line>,
    phase: Phase,
    until: Instant,
    /// The next push.
    due: Instant,
    table: u8,
    /// What is done when the echo has left.
    plan: (Option<Line>, Task),
    /// Where a block begins, to be said again after NAK.
    block: Task,
    /// What the handler said last.
    reply: Reply,
    is_unlocked: bool,
    wrong_checks: u8,
    /// NULs in a row; and until when a meter that sleeps is awake.
    nulls: u8,
    awake: Instant,
    /// Characters of a break that have come while the meter talks.
    broken: usize,
    restarted: bool,
}

/// Something to be said, one piece after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Task {
    Echo,
    Identification,
    Confirm,
    Prompt,
    Short(Short),
    Readout(Part),
    /// The answer to the command in `input`.
    Answer(Part),
    Push(Part),
    Garbage,
}

/// A piece of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Its beginning; lines follow from this one on.
    Begin(u32),
    Line(u32),
    /// Its end; a partial block is followed by one that begins with this line.
    End(Option<u32>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Short {
    Acknowledge,
    Repeat,
    Refuse(&'static [u8]),
    AcknowledgeAndBreak,
    Break,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The line gets the speed of the beginning.
    Tune,
    Idle,
    /// The line changes, then the meter reacts.
    Switch(Line, Task),
    /// Waits until `until`, then talks.
    React(Task),
    Talk(Task),
    /// The next poll says that the last stop bit has left.
    Talked(Task),
    /// Has an ear for a break between two pieces.
    Glance(Task),
    /// After the identification.
    Choice,
    /// After a readout: it may be asked for again.
    Repeatable,
    Programming,
    /// After a partial block; the next one begins with this line.
    Block(u32),
    /// HDLC has the line from here on.
    HandOver,
    Binary,
}

impl<'b, H: Handler> Server<'b, H> {
    /// A meter that hears in `input` (160 bytes hold every command) and talks from `output` (it holds the longest line).
    pub const fn new(handler: H, quirks: Quirks, input: &'b mut [u8], output: &'b mut [u8]) -> Self {
        Self {
            handler,
            quirks,
            input,
            heard: 0,
            kept: 0,
            output: Output::new(output),
            eight_bits: false,
            line: None,
            phase: Phase::Tune,
            until: Instant::ZERO,
            due: Instant::ZERO,
            table: b'?',
            plan: (None, Task::Garbage),
            block: Task::Garbage,
            reply: Reply::Last,
            is_unlocked: false,
            wrong_checks: quirks.wrong_checks,
            nulls: 0,
            awake: Instant::ZERO,
            broken: 0,
            restarted: false,
        }
    }

    /// Runs the port at 8N1 in place of 7E1.
    pub const fn with_eight_bits(mut self) -> Self {
        self.eight_bits = true;
        self
    }

    /// The meter behind it.
    pub const fn handler(&mut self) -> &mut H {
        &mut self.handler
    }

    const fn at(&self, baud: u32) -> Line {
        if self.eight_bits {
            return Line::new(baud);
        }
        Line { data_bits: DataBits::Seven, ..Line::new(baud).with_parity(Parity::Even) }
    }

    fn start(&self) -> Line {
        self.at(self.quirks.push.map_or(START, |(_, baud)| baud))
    }

    fn reaction(&self) -> Duration {
        self.quirks.reaction.unwrap_or(self.handler.identification().reaction())
    }

    fn react(&mut self, now: Instant, task: Task) {
        self.until = now + self.reaction();
        self.phase = Phase::React(task);
    }

    /// Waits for the reader.
    fn listen(&mut self, now: Instant, phase: Phase, patience: Duration) {
        self.until = now + patience;
        self.heard = 0;
        self.phase = phase;
    }

    const fn hang_up(&mut self) {
        self.is_unlocked = false;
        self.heard = 0;
        self.phase = Phase::Tune;
    }

    fn set_line(&mut self, line: Line, then: Phase) -> Step<'_> {
        let changes = self.line != Some(line);
        (self.line, self.phase) = (Some(line), then);
        if changes { Step::SetLine(line) } else { self.step() }
    }

    fn step(&mut self) -> Step<'_> {
        loop {
            match self.phase {
                Phase::Tune => return self.set_line(self.start(), Phase::Idle),
                Phase::Switch(line, task) => return self.set_line(line, Phase::React(task)),
                Phase::HandOver => {
                    let line = Line::new(self.line.map_or(START, |line| line.baud));
                    return self.set_line(line, Phase::Binary);
                }
                Phase::Talk(task) => match self.prepare(task) {
                    Some(next) => self.phase = Phase::Talk(next),
                    None => {
                        self.phase = Phase::Talked(task);
                        return Step::Send(self.output.ready(&self.quirks));
                    }
                },
                Phase::Idle => return Step::Wait(self.quirks.push.map(|_| self.due)),
                Phase::Binary => return Step::Done,
                _ => return Step::Wait(Some(self.until)),
            }
        }
    }

    /// The reader has been silent for too long.
    fn expire(&mut self, now: Instant) {
        match self.phase {
            Phase::Choice if self.quirks.reads_unasked => self.react(now, Task::Readout(Part::Begin(0))),
            _ => self.hang_up(),
        }
    }
}

impl<H: Handler> Machine for Server<'_, H> {
    fn receive(&mut self, now: Instant, bytes: &[u8]) -> usize {
        match self.phase {
            Phase::Binary => 0,
            Phase::Glance(_) => {
                bytes.iter().for_each(|byte| self.hear_break(byte & 0x7F));
                bytes.len()
            }
            Phase::Idle | Phase::Choice | Phase::Repeatable | Phase::Programming | Phase::Block(_) => {
                let is_over = |machine: &Self| matches!(machine.phase, Phase::React(_) | Phase::Talk(_));
                let taken = bytes.iter().take_while(|byte| {
                    let listens = !is_over(self);
                    if listens {
                        self.hear(now, *byte & 0x7F);
                    }
                    listens
                });
                taken.count()
            }
            _ => bytes.len(),
        }
    }

    fn poll(&mut self, now: Instant) -> Step<'_> {
        let due = now >= self.until;
        match self.phase {
            Phase::React(task) if due => self.phase = Phase::Talk(task),
            Phase::Talked(task) => self.talked(now, task),
            Phase::Glance(task) => self.phase = Phase::Talk(task),
            Phase::Idle if self.quirks.push.is_some() && now >= self.due => {
                self.restarted = false;
                self.due = now + self.quirks.push.map_or(Duration::ZERO, |(period, _)| period);
                self.phase = Phase::Talk(Task::Push(Part::Begin(0)));
            }
            Phase::Choice | Phase::Repeatable | Phase::Programming | Phase::Block(_) if due => {
                self.expire(now);
            }
            _ => {}
        }
        self.step()
    }
}

/// How long a meter waits for the acknowledgement, and for NAK after a readout (6.3.1: 1.5 s, and some for the message).
const PATIENCE: Duration = Duration::from_millis(2500);

/// How long programming mode lasts without a command.
const INACTIVITY: Duration = Duration::from_secs(60);
