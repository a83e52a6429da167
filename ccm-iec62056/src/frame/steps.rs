//! What the decoder does, by the grammar's word.

use super::characters::{EOT, SOH, STX, is_identification};
use super::grammar::{Action, Class, State};
use super::text::slash;
use super::token::{Fate, Token};
use super::{Check, Decoder, Fault};

impl Decoder {
    pub(super) fn step(&mut self, byte: u8) -> Fate {
        let class = Class::of(byte);
        match self.state.action(class) {
            Action::Ignore => Fate::Taken,
            Action::Keep => self.keep(byte),
            Action::Forget => self.not_a_telegram(),
            Action::OpenIdentification => self.open_identification(),
            Action::EndIdentification => self.end_identification(),
            Action::Escape if self.text.length() == ESCAPE => self.keep(byte),
            Action::Escape => self.not_a_telegram(),
            Action::OpenCommand => self.open_command(),
            Action::EndCommand => self.end_command(),
            Action::EndCommandAlone => self.end_command_alone(),
            Action::OpenBlock => self.open_block(),
            Action::EndBlock => self.end_block(byte),
            Action::Check => self.check(byte),
            Action::Acknowledge if !self.block => Fate::Means(Token::Acknowledge),
            Action::Repeat if !self.block => Fate::Means(Token::Repeat),
            Action::Acknowledge | Action::Repeat => Fate::Taken,
            // Line noise between data sets (Itron ACE3000).
            Action::BeginAddress if byte == DEL => Fate::Taken,
            Action::BeginAddress => self.begin_address(byte),
            Action::EndAddress => self.end_address(),
            Action::OpenValue => self.open_value(),
            Action::Deeper => self.deeper(byte),
            Action::EndValue if self.depth > 0 => self.shallower(byte),
            Action::EndValue => self.end_value(),
            Action::Spoil => self.spoil(),
            Action::Break => Fate::After(self.lose()),
            Action::EndLine => self.end_line(),
            Action::EndSet => self.end_set(class),
            Action::BeginMark => self.begin_mark(),
            Action::Digit => self.digit(byte),
            Action::EndMark => self.end_mark(class),
        }
    }

    fn keep(&mut self, byte: u8) -> Fate {
        let limit = match self.state {
            State::Identification => IDENTIFICATION,
            State::Command => COMMAND,
            _ => usize::MAX,
        };
        if self.text.length() < limit && self.text.keep(byte) {
            return Fate::Taken;
        }
        match self.state {
            State::Value => self.give_piece(),
            State::Address => self.spoil(),
            _ => self.not_a_telegram(),
        }
    }

    fn not_a_telegram(&mut self) -> Fate {
        self.reset();
        Fate::Again
    }

    fn open_identification(&mut self) -> Fate {
        if core::mem::take(&mut self.content) {
            return Fate::After(Token::Fault(Fault::Restart));
        }
        self.reset();
        self.sums.begin_telegram();
        self.state = State::Identification;
        Fate::Taken
    }

    fn end_identification(&mut self) -> Fate {
        if !is_identification(self.text.field()) {
            return self.not_a_telegram();
        }
        self.state = State::Line;
        Fate::Means(Token::Identification)
    }

    fn open_command(&mut self) -> Fate {
        self.reset();
        // The check character does not count this SOH.
        self.sums.begin_block(SOH);
        (self.state, self.block) = (State::Command, true);
        Fate::Taken
    }

    fn end_command(&mut self) -> Fate {
        if self.text.length() == 0 {
            // SOH was noise.
            return self.open_block();
        }
        self.state = State::Line;
        Fate::Means(Token::Command)
    }

    fn end_command_alone(&mut self) -> Fate {
        self.state = State::Line;
        Fate::After(Token::Command)
    }

    /// STX begins a block anew wherever it comes: what was before it was noise.
    fn open_block(&mut self) -> Fate {
        if let Some(token) = self.close() {
            return Fate::After(token);
        }
        if core::mem::take(&mut self.content) {
            return Fate::After(Token::Fault(Fault::Restart));
        }
        self.begin(State::Line, true);
        self.sums.begin_block(STX);
        Fate::Taken
    }

    fn end_block(&mut self, byte: u8) -> Fate {
        match (self.block, self.state) {
            (true, _) => {}
            (_, State::Value) => return self.spoil(),
            (_, State::Mark) => return Fate::After(self.end()),
            _ => return Fate::Taken,
        }
        if let Some(token) = self.close() {
            return Fate::After(token);
        }
        self.state = State::Check;
        Fate::Means(if byte == EOT { Token::EndPartial } else { Token::EndLast })
    }

    fn check(&mut self, byte: u8) -> Fate {
        self.check = Check::Bcc { given: byte & 0x7F, computed: self.sums.bcc() };
        self.begin(State::Outside, false);
        Fate::Means(Token::End)
    }

    fn begin_address(&mut self, byte: u8) -> Fate {
        self.state = State::Address;
        self.forget();
        self.text.keep(byte);
        Fate::Taken
    }

    fn end_address(&mut self) -> Fate {
        self.text.end_address();
        if core::mem::take(&mut self.spoiled) || self.text.address().len() > ADDRESS {
            // It has no value, but the value would need its room.
            self.text.begin();
            self.lost = true;
        }
        self.open_value();
        Fate::Means(if self.lost { Token::Fault(Fault::Address) } else { Token::Address })
    }

    fn open_value(&mut self) -> Fate {
        (self.set_open, self.content) = (!self.lost, true);
        self.group = if core::mem::take(&mut self.first) { 0 } else { self.group.saturating_add(1) };
        (self.state, self.depth, self.pieces) = (State::Value, 0, 0);
        self.text.begin_value();
        Fate::Taken
    }

    fn deeper(&mut self, byte: u8) -> Fate {
        let fate = self.keep(byte);
        self.depth = self.depth.saturating_add(matches!(fate, Fate::Taken).into());
        fate
    }

    fn shallower(&mut self, byte: u8) -> Fate {
        let fate = self.keep(byte);
        self.depth -= u8::from(matches!(fate, Fate::Taken));
        fate
    }

    fn spoil(&mut self) -> Fate {
        self.spoiled = true;
        Fate::Taken
    }

    fn end_value(&mut self) -> Fate {
        self.state = State::Closed;
        match (self.lost, core::mem::take(&mut self.spoiled)) {
            (true, _) => Fate::Taken,
            (_, true) => Fate::Means(self.fault(Fault::Character)),
            _ => Fate::Means(Token::Value),
        }
    }

    /// The text is full: gives it away, but for what may be a unit or another telegram's beginning.
    fn give_piece(&mut self) -> Fate {
        self.text.spend();
        self.pieces = self.pieces.saturating_add(1);
        if self.lost || self.spoiled {
            self.text.drop_spent();
            return Fate::Again;
        }
        Fate::After(Token::Piece)
    }

    fn end_line(&mut self) -> Fate {
        self.state = State::Line;
        if core::mem::take(&mut self.set_open) {
            return Fate::Means(Token::EndSet { ends_line: true });
        }
        Fate::Taken
    }

    fn end_set(&mut self, class: Class) -> Fate {
        self.state = State::Line;
        if core::mem::take(&mut self.set_open) {
            return Fate::After(Token::EndSet { ends_line: class == Class::Mark });
        }
        Fate::Again
    }

    /// Ends what is open; nothing when all is closed.
    fn close(&mut self) -> Option<Token> {
        if matches!(self.state, State::Value | State::Address) {
            return Some(self.lose());
        }
        core::mem::take(&mut self.set_open).then_some(Token::EndSet { ends_line: true })
    }

    /// Gives up the value or address that has no end; another telegram may have begun within it.
    fn lose(&mut self) -> Token {
        let field = self.text.field();
        let behind = slash(field).and_then(|slash| field.get(slash + 1..)).unwrap_or_default();
        if is_identification(behind) {
            return self.restart();
        }
        let fault = if self.state == State::Value { Fault::Unclosed } else { Fault::NoValue };
        (self.state, self.set_open, self.spoiled) = (State::Closed, false, false);
        self.fault(fault)
    }

    /// Goes on with the telegram whose identification has come within a value.
    fn restart(&mut self) -> Token {
        self.text.keep_behind_slash();
        self.sums.begin_telegram();
        self.sums.push(b'/');
        self.sums.extend(self.text.field());
        self.begin(State::Identification, false);
        (self.first, self.lost) = (true, false);
        Token::Fault(Fault::Restart)
    }

    fn fault(&mut self, fault: Fault) -> Token {
        self.lost = true;
        Token::Fault(fault)
    }

    fn begin_mark(&mut self) -> Fate {
        (self.state, self.crc) = (State::Mark, (0, 0));
        if !self.block {
            self.sums.end(b'!');
        }
        Fate::Taken
    }

    fn digit(&mut self, byte: u8) -> Fate {
        let digit = char::from(byte).to_digit(16).and_then(|digit| u16::try_from(digit).ok());
        let Some(digit) = digit.filter(|_| !self.block) else { return self.end_mark(Class::Plain) };
        self.crc = (self.crc.0 << 4 | digit, self.crc.1 + 1);
        if self.crc.1 < CRC_DIGITS { Fate::Taken } else { Fate::Means(self.end()) }
    }

    /// In a block, ETX ends what `!` has announced.
    fn end_mark(&mut self, class: Class) -> Fate {
        if self.block && class != Class::Slash { Fate::Taken } else { Fate::After(self.end()) }
    }

    fn end(&mut self) -> Token {
        self.check = if self.crc.1 > 0 && !self.block { self.sums.crc(self.crc.0) } else { Check::None };
        self.begin(State::Outside, false);
        Token::End
    }

    /// Silence in the middle of something.
    pub(super) fn silence(&mut self) -> Option<Token> {
        match self.state {
            State::Outside => return None,
            State::Identification | State::Command => {
                self.reset();
                return None;
            }
            State::Mark => return Some(self.end()),
            _ => {}
        }
        if let Some(token) = self.close() {
            return Some(token);
        }
        // A block whose check character is missing has no end either.
        let is_truncated = self.content || self.block;
        if is_truncated {
            self.begin(State::Outside, false);
        }
        is_truncated.then_some(Token::Fault(Fault::Truncated))
    }

    pub(super) fn begin(&mut self, state: State, block: bool) {
        (self.state, self.block) = (state, block);
        (self.set_open, self.content, self.spoiled) = (false, false, false);
    }

    /// No address has come.
    pub(super) fn forget(&mut self) {
        self.text.begin();
        (self.first, self.lost) = (true, false);
    }
}

/// Where the first escape of an identification stands.
const ESCAPE: usize = 4;
/// Longer than any identification seen; the standard has 21 characters (6.3.2).
const IDENTIFICATION: usize = 64;
/// A letter and a digit; some makers add one.
const COMMAND: usize = 4;
/// An address has 16 characters (6.6) and P1 has 20; three times that is none.
const ADDRESS: usize = 60;
const CRC_DIGITS: u8 = 4;
const DEL: u8 = 0x7F;
