//! What each byte means where the decoder stands.

use super::characters::{ACK, CR, EOT, ETX, LF, NAK, SOH, STX, is_identification};
use super::text::slash;
use super::token::{Fate, State, Token};
use super::{Check, Decoder, Fault};

impl Decoder {
    pub(super) fn step(&mut self, byte: u8) -> Fate {
        if matches!(byte, SOH..=EOT) {
            return self.frame(byte);
        }
        match self.state {
            State::Value => self.value_byte(byte),
            State::Closed => self.closed(byte),
            State::Line => self.line(byte),
            State::Address => self.address_byte(byte),
            State::Mark => self.mark(byte),
            State::Identification => self.identification(byte),
            State::Command => self.command(byte),
            State::Bcc => self.check(byte),
            State::Outside => self.outside(byte),
        }
    }

    /// The characters that frame blocks; elsewhere they are noise like any other.
    fn frame(&mut self, byte: u8) -> Fate {
        match (self.state, byte) {
            (State::Bcc, _) => self.check(byte),
            // Byte 2 stands in some transcriptions for `\2`.
            (State::Identification, _) => self.identification(byte),
            (State::Command, _) => self.command(byte),
            (_, STX) => self.open_block(),
            (State::Line | State::Address | State::Closed | State::Mark | State::Outside, SOH) => self.open_command(),
            (State::Outside, _) => Fate::Taken,
            (_, ETX | EOT) if self.block => self.end_block(byte),
            (State::Value, _) => self.value_byte(byte),
            (State::Mark, _) => self.mark(byte),
            _ => Fate::Taken,
        }
    }

    fn outside(&mut self, byte: u8) -> Fate {
        match byte {
            b'/' => self.open_identification(),
            ACK => Fate::Means(Token::Acknowledge),
            NAK => Fate::Means(Token::Repeat),
            _ => Fate::Taken,
        }
    }

    fn open_identification(&mut self) -> Fate {
        if core::mem::take(&mut self.content) {
            return Fate::After(Token::Fault(Fault::Restart));
        }
        self.reset();
        self.sums.reset();
        self.state = State::Identification;
        Fate::Taken
    }

    fn identification(&mut self, byte: u8) -> Fate {
        match byte {
            b'/' => self.open_identification(),
            CR | LF if is_identification(self.text.field()) => {
                self.state = State::Line;
                Fate::Means(Token::Identification)
            }
            STX if self.text.length() == ESCAPE => self.keep(byte),
            b' '..0x7F if self.text.length() < IDENTIFICATION => self.keep(byte),
            _ => {
                self.reset();
                Fate::Again
            }
        }
    }

    fn open_command(&mut self) -> Fate {
        self.reset();
        // The check character does not count this SOH.
        self.sums.reset_bcc(SOH);
        (self.state, self.block) = (State::Command, true);
        Fate::Taken
    }

    fn command(&mut self, byte: u8) -> Fate {
        match byte {
            // SOH was noise.
            STX if self.text.length() == 0 => self.open_block(),
            STX => {
                self.state = State::Line;
                Fate::Means(Token::Command)
            }
            ETX | EOT => {
                self.state = State::Line;
                Fate::After(Token::Command)
            }
            b' '..0x7F if self.text.length() < COMMAND => self.keep(byte),
            _ => {
                self.reset();
                Fate::Again
            }
        }
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
        self.sums.reset_bcc(STX);
        Fate::Taken
    }

    fn end_block(&mut self, byte: u8) -> Fate {
        if let Some(token) = self.close() {
            return Fate::After(token);
        }
        self.state = State::Bcc;
        Fate::Means(if byte == EOT { Token::EndPartial } else { Token::EndLast })
    }

    fn check(&mut self, byte: u8) -> Fate {
        self.check = Check::Bcc { given: byte & 0x7F, computed: self.sums.bcc() };
        self.begin(State::Outside, false);
        Fate::Means(Token::End)
    }

    fn line(&mut self, byte: u8) -> Fate {
        match byte {
            b'(' => self.open_value(),
            b'!' => {
                (self.state, self.crc) = (State::Mark, (0, 0));
                Fate::Taken
            }
            b'/' => self.open_identification(),
            ACK if !self.block => Fate::Means(Token::Acknowledge),
            NAK if !self.block => Fate::Means(Token::Repeat),
            // Blanks before an address, and control characters anywhere between data sets.
            ..=b' ' | 0x7F => Fate::Taken,
            _ => {
                self.state = State::Address;
                self.forget();
                Fate::Again
            }
        }
    }

    fn address_byte(&mut self, byte: u8) -> Fate {
        match byte {
            b'(' => {
                let fault = core::mem::take(&mut self.spoiled) || self.text.length() > ADDRESS;
                self.text.end_address();
                self.open_value();
                self.lost = fault;
                Fate::Means(if fault { Token::Fault(Fault::Address) } else { Token::Address })
            }
            CR | LF => self.close().map_or(Fate::Taken, Fate::After),
            ..=b' ' | 0x7F => Fate::Taken,
            _ => {
                self.spoiled |= !self.text.keep(byte);
                Fate::Taken
            }
        }
    }

    fn open_value(&mut self) -> Fate {
        (self.set_open, self.line_open, self.content) = (true, true, true);
        self.group = if core::mem::take(&mut self.first) { 0 } else { self.group.saturating_add(1) };
        self.state = State::Value;
        (self.depth, self.pieces, self.spoiled) = (0, 0, false);
        self.text.begin_value();
        Fate::Taken
    }

    fn value_byte(&mut self, byte: u8) -> Fate {
        match byte {
            b')' if self.depth == 0 => self.close_value(),
            CR | LF => self.close().map_or(Fate::Again, Fate::After),
            ..b' ' | 0x7F => {
                self.spoiled = true;
                Fate::Taken
            }
            _ if !self.text.keep(byte) => self.give_piece(),
            b'(' => {
                self.depth = self.depth.saturating_add(1);
                Fate::Taken
            }
            b')' => {
                self.depth -= 1;
                Fate::Taken
            }
            _ => Fate::Taken,
        }
    }

    fn close_value(&mut self) -> Fate {
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

    fn closed(&mut self, byte: u8) -> Fate {
        match byte {
            b'(' => self.open_value(),
            CR | LF if !self.set_open && self.line_open => {
                (self.line_open, self.state) = (false, State::Line);
                Fate::Means(Token::EndLine)
            }
            // Blanks and control characters between groups.
            ..=b' ' | 0x7F if !matches!(byte, CR | LF) => Fate::Taken,
            _ if self.set_open => {
                self.set_open = false;
                Fate::After(Token::EndSet)
            }
            b'!' if self.line_open => {
                self.line_open = false;
                Fate::After(Token::EndLine)
            }
            _ => {
                self.state = State::Line;
                Fate::Again
            }
        }
    }

    /// Ends what is open, one thing at a time; nothing when all is closed.
    fn close(&mut self) -> Option<Token> {
        match self.state {
            State::Value => return Some(self.lose(Fault::Unclosed)),
            State::Address => return Some(self.lose(Fault::NoValue)),
            _ => {}
        }
        if core::mem::take(&mut self.set_open) {
            return Some(Token::EndSet);
        }
        core::mem::take(&mut self.line_open).then_some(Token::EndLine)
    }

    /// Gives up the value or address that has no end; another telegram may have begun within it.
    fn lose(&mut self, fault: Fault) -> Token {
        let field = self.text.field();
        let behind = slash(field).and_then(|slash| field.get(slash + 1..)).unwrap_or_default();
        self.set_open = false;
        if !is_identification(behind) {
            self.state = State::Closed;
            return self.fault(fault);
        }
        self.sums.reset();
        self.sums.push(b'/');
        behind.iter().for_each(|byte| self.sums.push(*byte));
        self.text.keep_behind_slash();
        self.begin(State::Identification, false);
        self.first = true;
        Token::Fault(Fault::Restart)
    }

    fn fault(&mut self, fault: Fault) -> Token {
        self.lost = true;
        Token::Fault(fault)
    }

    fn mark(&mut self, byte: u8) -> Fate {
        let digit = char::from(byte).to_digit(16).filter(|_| !self.block).and_then(|digit| u16::try_from(digit).ok());
        match digit {
            Some(digit) => {
                self.crc = (self.crc.0 << 4 | digit, self.crc.1 + 1);
                if self.crc.1 < CRC_DIGITS { Fate::Taken } else { Fate::Means(self.end()) }
            }
            None if self.block && byte != b'/' => Fate::Taken,
            None => Fate::After(self.end()),
        }
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
        (self.set_open, self.line_open, self.content, self.spoiled) = (false, false, false, false);
    }

    /// No address has come.
    pub(super) fn forget(&mut self) {
        self.text.begin();
        (self.first, self.lost) = (true, false);
    }

    fn keep(&mut self, byte: u8) -> Fate {
        self.text.keep(byte);
        Fate::Taken
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
