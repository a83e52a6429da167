//! What a server says, piece by piece, and what comes after it.

use ccm_core::{Instant, Writer};

use super::{Handler, INACTIVITY, PATIENCE, Part, Phase, Reply, Server, Short, Task};
use crate::frame::ACK;
use crate::{Mode, Request, Response};

impl<H: Handler> Server<'_, H> {
    /// Puts a piece in the output; where there is none, gives the task that comes in its place.
    pub(super) fn prepare(&mut self, task: Task) -> Option<Task> {
        match task {
            Task::Echo | Task::Confirm => self.repeat_message(),
            Task::Identification => self.identify(),
            Task::Prompt => self.prompt(),
            Task::Short(short) => self.say(short),
            Task::Garbage => self.output.set(|out| {
                let _ = out.slice(GARBAGE);
            }),
            Task::Readout(part) => return self.readout(part),
            Task::Answer(part) => return self.answer(part),
            Task::Push(part) => return self.push(part),
        }
        None
    }

    fn repeat_message(&mut self) {
        let message = self.input.get(..self.kept).unwrap_or_default();
        self.output.set(|out| {
            let _ = out.slice(message);
        });
    }

    fn say(&mut self, short: Short) {
        let short = match (short, self.quirks.refusal) {
            (Short::Refuse(_), Some(words)) => Short::Refuse(words),
            _ => short,
        };
        self.output.set(|out| short.emit(out));
    }

    fn identify(&mut self) {
        let identification = self.handler.identification();
        self.output.set(|out| {
            let _ = out.slice(self.quirks.lead).and_then(|()| identification.emit(out));
        });
    }

    fn prompt(&mut self) {
        let mut seed = [0; SEED];
        let mut writer = Writer::new(&mut seed);
        self.handler.seed(&mut writer);
        let prompt = Response::Prompt { kind: 0, seed: writer.written() };
        self.output.set(|out| {
            let _ = prompt.emit(out);
        });
    }

    fn readout(&mut self, part: Part) -> Option<Task> {
        match part {
            Part::Begin(first) => {
                self.block = Task::Readout(Part::Begin(first));
                self.output.begin_block(self.quirks.before_stx);
            }
            Part::Line(number) => {
                if !self.line(number) {
                    return Some(Task::Readout(Part::End(None)));
                }
            }
            Part::End(next) => self.end(true, next.is_none()),
        }
        None
    }

    /// A line of the readout; false behind the last one.
    fn line(&mut self, number: u32) -> bool {
        let (handler, table, quirks) = (&mut self.handler, self.table, self.quirks);
        let joined = quirks.joins_end && !self.output.line(|out| handler.line(table, number + 1, out));
        if quirks.joins_end {
            // What was written to find out whether a line follows is not said, and does not count.
            self.output.take_back();
        }
        let restart = quirks.restarts == Some(number) && !self.restarted;
        let is_there = self.output.line(|out| {
            let is_there = handler.line(table, number, out);
            let end = if joined || !is_there { b"" } else { quirks.line_end };
            out.slice(end).is_ok() && is_there
        });
        if let Some((_, from, to)) = quirks.loses.filter(|(line, ..)| *line == number) {
            self.output.lose(from, to);
        }
        if restart {
            self.output.break_off();
        }
        is_there
    }

    fn answer(&mut self, part: Part) -> Option<Task> {
        match part {
            Part::Begin(first) => {
                self.block = Task::Answer(Part::Begin(first));
                let reply = self.ask(first);
                self.output.begin_block(b"");
                short(reply)
            }
            Part::Line(number) => {
                self.ask(number);
                None
            }
            Part::End(next) => {
                self.end(false, next.is_none());
                None
            }
        }
    }

    /// What the handler says to the command, its line written.
    fn ask(&mut self, number: u32) -> Reply {
        let message = self.input.get(..self.kept).unwrap_or_default();
        let Some(Request::Command(command)) = Request::parse(message) else { return Reply::Break };
        let handler = &mut self.handler;
        let reply = self.output.line(|out| {
            let reply = handler.command(&command, number, out);
            if reply == Reply::Line {
                let _ = out.array(*b"\r\n");
            }
            reply
        });
        self.reply = reply;
        reply
    }

    fn end(&mut self, mark: bool, last: bool) {
        let wrong = self.wrong_checks > 0;
        self.wrong_checks = self.wrong_checks.saturating_sub(1);
        self.output.end_block(&self.quirks, mark, last, wrong);
    }

    fn push(&mut self, part: Part) -> Option<Task> {
        match part {
            Part::Begin(_) => {
                let identification = self.handler.identification();
                self.output.begin_push(|out| {
                    let _ = identification.emit(out).and_then(|()| out.array(*b"\r\n"));
                });
            }
            Part::Line(number) => {
                if !self.line(number) {
                    return Some(Task::Push(Part::End(None)));
                }
            }
            Part::End(_) => self.output.end_push(&self.quirks),
        }
        None
    }

    /// A piece has left.
    pub(super) fn talked(&mut self, now: Instant, task: Task) {
        match task {
            Task::Echo => self.proceed(now),
            Task::Identification => self.identified(now),
            Task::Confirm => self.phase = Phase::HandOver,
            Task::Prompt | Task::Short(Short::Acknowledge | Short::Refuse(_) | Short::Repeat) => {
                self.block = task;
                self.listen(now, Phase::Programming, INACTIVITY);
            }
            Task::Short(Short::AcknowledgeAndBreak) => self.react(now, Task::Short(Short::Break)),
            Task::Short(Short::Break) | Task::Garbage => self.hang_up(),
            Task::Readout(Part::End(_)) => self.listen(now, Phase::Repeatable, PATIENCE),
            Task::Answer(Part::End(None)) => self.listen(now, Phase::Programming, INACTIVITY),
            Task::Answer(Part::End(Some(next))) => self.listen(now, Phase::Block(next), INACTIVITY),
            Task::Push(Part::End(_)) => self.hang_up(),
            Task::Readout(part) => self.glance(now, Task::Readout(part.following())),
            Task::Answer(part) => {
                let next = self.answered(part);
                self.glance(now, Task::Answer(next));
            }
            Task::Push(part) => self.pushed(now, part),
        }
    }

    fn identified(&mut self, now: Instant) {
        let identification = self.handler.identification();
        match (identification.mode(), identification.baud()) {
            (Mode::C | Mode::E, _) => self.listen(now, Phase::Choice, PATIENCE),
            (Mode::B, Some(baud)) => {
                self.until = now + self.reaction();
                self.phase = Phase::Switch(self.at(baud), Task::Readout(Part::Begin(0)));
            }
            _ => self.react(now, Task::Readout(Part::Begin(0))),
        }
    }

    fn pushed(&mut self, now: Instant, part: Part) {
        let begins_anew = matches!(part, Part::Line(number) if self.quirks.restarts == Some(number));
        let next = if begins_anew && !self.restarted { Part::Begin(0) } else { part.following() };
        self.restarted |= begins_anew;
        self.glance(now, Task::Push(next));
    }

    /// What follows a piece of an answer.
    fn answered(&self, part: Part) -> Part {
        match (part, self.reply) {
            (Part::Line(_), Reply::Last) => Part::End(None),
            (Part::Line(number), Reply::Block) => Part::End(Some(number + 1)),
            _ => part.following(),
        }
    }

    fn glance(&mut self, now: Instant, task: Task) {
        self.until = now;
        self.phase = Phase::Glance(task);
    }
}

impl Part {
    const fn following(self) -> Self {
        match self {
            Self::Begin(first) => Self::Line(first),
            Self::Line(number) => Self::Line(number.saturating_add(1)),
            Self::End(next) => Self::End(next),
        }
    }
}

impl Short {
    fn emit(self, out: &mut Writer<'_>) {
        let _ = match self {
            Self::Acknowledge | Self::AcknowledgeAndBreak => out.u8(ACK),
            Self::Repeat => Response::Repeat.emit(out),
            Self::Refuse(text) => Response::Refused(text).emit(out),
            Self::Break => Response::Break.emit(out),
        };
    }
}

/// Replies that are no data.
const fn short(reply: Reply) -> Option<Task> {
    match reply {
        Reply::Line | Reply::Block | Reply::Last => None,
        Reply::Acknowledge => Some(Task::Short(Short::Acknowledge)),
        Reply::Refuse(text) => Some(Task::Short(Short::Refuse(text))),
        Reply::Break => Some(Task::Short(Short::Break)),
    }
}

/// The longest operand of a password.
const SEED: usize = 40;

/// What a wrong speed makes of an answer.
const GARBAGE: &[u8] = b"U+j~k}x";
