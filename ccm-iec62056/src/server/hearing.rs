//! What a server makes of what it hears.

use ccm_core::{Duration, Instant, Line};

use super::{Handler, Part, Phase, Server, Short, Task};
use crate::frame::{ACK, EOT, ETX, LF, NAK, SOH};
use crate::message::baud;
use crate::{Code, Command, Data, Request, Select};

impl<H: Handler> Server<'_, H> {
    pub(super) fn hear(&mut self, now: Instant, byte: u8) {
        self.notice_nulls(now, byte);
        let is_first = self.heard == 0;
        match (self.phase, byte) {
            (Phase::Block(next), ACK) if is_first => {
                let onward = self.onward(next);
                return self.react(now, onward);
            }
            (Phase::Block(_) | Phase::Repeatable | Phase::Programming, NAK) if is_first => {
                return self.react(now, self.block);
            }
            (_, b'/' | ACK | SOH) if is_first => self.keep(byte),
            // A request that begins anew within another.
            (_, b'/') if self.message().first() != Some(&SOH) => {
                self.heard = 0;
                self.keep(byte);
            }
            _ if is_first => {}
            _ => self.keep(byte),
        }
        if self.is_message() {
            self.obey(now);
        }
    }

    /// A break may come while the meter talks.
    pub(super) fn hear_break(&mut self, byte: u8) {
        let is_next = BREAK.get(self.broken) == Some(&byte);
        self.broken = if is_next { self.broken + 1 } else { usize::from(BREAK.first() == Some(&byte)) };
        if self.broken == BREAK.len() {
            self.broken = 0;
            self.hang_up();
        }
    }

    fn onward(&self, next: u32) -> Task {
        match self.block {
            Task::Readout(_) => Task::Readout(Part::Begin(next)),
            _ => Task::Answer(Part::Begin(next)),
        }
    }

    fn notice_nulls(&mut self, now: Instant, byte: u8) {
        self.nulls = if byte == 0 { self.nulls.saturating_add(1) } else { 0 };
        if self.nulls >= WAKING {
            self.awake = now + AWAKE;
        }
    }

    fn keep(&mut self, byte: u8) {
        match self.input.get_mut(self.heard) {
            Some(slot) => {
                *slot = byte;
                self.heard += 1;
            }
            None => self.heard = 0,
        }
    }

    fn message(&self) -> &[u8] {
        self.input.get(..self.heard).unwrap_or_default()
    }

    fn is_message(&self) -> bool {
        match self.message() {
            [SOH, .., ETX | EOT, _] => true,
            [SOH, ..] => false,
            [.., last] => *last == LF,
            [] => false,
        }
    }

    /// Carries out the message that has come.
    fn obey(&mut self, now: Instant) {
        self.kept = core::mem::take(&mut self.heard);
        let is_asleep = self.quirks.sleeps && now > self.awake;
        if self.quirks.is_deaf || self.quirks.push.is_some() || is_asleep {
            return;
        }
        let Some(request) = self.input.get(..self.kept).and_then(Request::parse) else {
            return if matches!(self.phase, Phase::Programming) {
                self.begin(now, None, Task::Short(Short::Repeat));
            };
        };
        match (self.phase, request) {
            (Phase::Choice, Request::Select(select)) => self.choose(now, select),
            (Phase::Programming | Phase::Block(_), Request::Command(_)) => self.command(now),
            (_, Request::SignOn { table, address }) if is_addressed(self.handler.address(), address) => {
                self.table = table;
                self.begin(now, None, Task::Identification);
            }
            _ => {}
        }
    }

    /// Says a task when the message has been given back, where the meter does that, and the line has changed.
    fn begin(&mut self, now: Instant, line: Option<Line>, task: Task) {
        self.plan = (line, task);
        if self.quirks.echoes {
            self.phase = Phase::Talk(Task::Echo);
        } else {
            self.proceed(now);
        }
    }

    pub(super) fn proceed(&mut self, now: Instant) {
        let (line, task) = self.plan;
        self.react(now, task);
        if let Some(line) = line {
            self.phase = Phase::Switch(line, task);
        }
    }

    fn choose(&mut self, now: Instant, select: Select) {
        let identification = self.handler.identification();
        let stays = select.speed == b'0' && !self.quirks.garbles_other_speeds;
        let is_offered = select.speed == identification.speed || stays;
        let readout = self.quirks.option.unwrap_or((b'0', b'0'));
        let task = match (select.protocol, select.option) {
            _ if !is_offered => Task::Garbage,
            chosen if chosen == readout => Task::Readout(Part::Begin(0)),
            (b'0', b'1') => Task::Prompt,
            (b'2', b'2') if identification.is_binary() && self.quirks.option.is_none() => Task::Confirm,
            _ => return self.hang_up(),
        };
        self.is_unlocked = self.quirks.needs_no_password;
        let speed = baud(select.speed).filter(|_| is_offered);
        let line = speed.map(|baud| self.at(baud));
        self.begin(now, line, task);
    }

    fn command(&mut self, now: Instant) {
        let Some(Request::Command(command)) = self.input.get(..self.kept).and_then(Request::parse) else {
            return;
        };
        let kind = command.kind;
        let task = match command.code {
            Code::Exit => return self.hang_up(),
            Code::Password if self.handler.unlock(kind, command.value()) => {
                self.is_unlocked = true;
                Task::Short(Short::Acknowledge)
            }
            Code::Password => Task::Short(Short::Break),
            _ if !self.is_unlocked => Task::Short(Short::Refuse(b"ERROR")),
            Code::Read if self.quirks.reads_with.is_some_and(|only| only != kind) => {
                Task::Short(Short::AcknowledgeAndBreak)
            }
            Code::Write if !has_second(&command, self.quirks.second_group) => {
                Task::Short(Short::Refuse(b"ER07"))
            }
            _ => Task::Answer(Part::Begin(0)),
        };
        self.begin(now, None, task);
    }
}

/// Leading zeros of an address do not count (6.3.1), and an empty one means everybody.
fn is_addressed(own: &[u8], asked: &[u8]) -> bool {
    let bare = |address: &[u8]| address.iter().position(|digit| *digit != b'0').unwrap_or(address.len());
    own.is_empty() || asked.is_empty() || own.get(bare(own)..) == asked.get(bare(asked)..)
}

fn has_second(command: &Command<'_>, wanted: Option<&[u8]>) -> bool {
    match (wanted, command.data) {
        (None, _) => true,
        (wanted, Data::Set { second, .. }) => second == wanted,
        _ => false,
    }
}

/// `SOH B0 ETX` and its check character.
const BREAK: [u8; 5] = *b"\x01B0\x03q";

/// NULs that wake a meter: two seconds of them at 300 Bd.
const WAKING: u8 = 60;

/// How long it then stays awake.
const AWAKE: Duration = Duration::from_secs(10);
