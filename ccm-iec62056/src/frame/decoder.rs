//! The tokenizer: bytes in, events out, and no memory of what has passed.

use super::characters::{ACK, CR, EOT, ETX, LF, NAK, SOH, STX, is_identification, is_plain};
use super::check::Sums;
use super::token::{Fate, State, Token};
use super::{Check, Event, Fault, Profile, Terminator};

/// Cuts telegrams of any length into [`Event`]s. It holds [`PIECE`] bytes of text and little else, skips noise, and
/// keeps both checksums; how the bytes come in pieces makes no difference.
///
/// ```
/// use ccm_iec62056::{Check, Decoder, Event, Profile};
///
/// let mut decoder = Decoder::new(Profile::P1);
/// let mut bytes: &[u8] = b"/CCM5SIM\r\n\r\n1-0:1.8.0(000123.4*kWh)\r\n!\r\n";
/// assert_eq!(decoder.decode(&mut bytes), Some(Event::Identification(b"CCM5SIM")));
/// assert_eq!(decoder.decode(&mut bytes), Some(Event::Address(b"1-0:1.8.0")));
/// let value = Event::Value { text: b"000123.4", unit: Some(b"kWh"), more: false };
/// assert_eq!(decoder.decode(&mut bytes), Some(value));
/// assert_eq!(decoder.decode(&mut bytes), Some(Event::EndSet));
/// assert_eq!(decoder.decode(&mut bytes), Some(Event::EndLine));
/// assert_eq!(decoder.decode(&mut bytes), Some(Event::End(Check::None)));
/// assert_eq!(decoder.decode(&mut bytes), None);
/// ```
#[derive(Clone, Debug)]
pub struct Decoder {
    text: [u8; PIECE],
    length: usize,
    /// Bytes of `text` that the last event was about.
    spent: usize,
    /// Where the unit begins, if no `*` follows.
    star: Option<usize>,
    /// Where another telegram may have begun, and its checksums.
    slash: Option<usize>,
    candidate: Sums,
    sums: Sums,
    /// The digits of a CRC, and how many there are.
    crc: (u16, u8),
    depth: u8,
    mask: u8,
    state: State,
    /// After STX: ends with ETX or EOT and a check character.
    block: bool,
    set_open: bool,
    line_open: bool,
    /// Values have come since the telegram began.
    content: bool,
    /// The value or address that is being read is none.
    spoiled: bool,
    /// What the byte taken last means besides.
    pending: Option<Token>,
}

impl Decoder {
    /// A decoder between two telegrams.
    pub const fn new(profile: Profile) -> Self {
        Self {
            text: [0; PIECE],
            length: 0,
            spent: 0,
            star: None,
            slash: None,
            candidate: Sums::new(profile.polynomial),
            sums: Sums::new(profile.polynomial),
            crc: (0, 0),
            depth: 0,
            mask: if profile.strips_parity { 0x7F } else { 0xFF },
            state: State::Outside,
            block: false,
            set_open: false,
            line_open: false,
            content: false,
            spoiled: false,
            pending: None,
        }
    }

    /// Forgets the telegram that was being read.
    pub fn reset(&mut self) {
        self.clear();
        self.begin(State::Outside, false);
        self.pending = None;
    }

    /// Whether a telegram has begun and is not over.
    pub fn is_reading(&self) -> bool {
        self.state != State::Outside
    }

    /// Takes bytes from the front of `input` up to the next event; nothing when all are taken.
    pub fn decode(&mut self, input: &mut &[u8]) -> Option<Event<'_>> {
        self.drop_spent();
        let token = self.pending.take().or_else(|| self.advance(input))?;
        Some(self.event(token))
    }

    /// What silence ends: call until there is nothing. A meter that sends no ETX is read this way; a telegram that has
    /// not even come to its `!` is [`Fault::Truncated`].
    pub fn finish(&mut self) -> Option<Event<'_>> {
        self.drop_spent();
        let token = self.pending.take().or_else(|| self.silence())?;
        Some(self.event(token))
    }

    fn advance(&mut self, input: &mut &[u8]) -> Option<Token> {
        loop {
            let (byte, rest) = input.split_first()?;
            let byte = byte & self.mask;
            if is_plain(byte) && self.takes_runs() {
                self.run(input);
                continue;
            }
            match self.step(byte) {
                Fate::Taken => *input = self.take(byte, rest),
                Fate::Means(token) => {
                    *input = self.take(byte, rest);
                    return Some(token);
                }
                Fate::After(token) => return Some(token),
                Fate::Again => {}
            }
        }
    }

    #[inline]
    fn takes_runs(&self) -> bool {
        matches!(self.state, State::Value | State::Address) && self.slash.is_none() && self.length < PIECE
    }

    /// Takes characters that mean nothing by themselves, in one go.
    fn run(&mut self, input: &mut &[u8]) {
        match self.sums.is_arc() {
            true => self.run_with(input, Sums::push_arc),
            false => self.run_with(input, Sums::push),
        }
    }

    #[inline(always)]
    fn run_with(&mut self, input: &mut &[u8], push: impl Fn(&mut Sums, u8)) {
        let (mut sums, mut count, mask) = (self.sums, 0, self.mask);
        let free = self.text.get_mut(self.length..).unwrap_or_default();
        for (slot, byte) in free.iter_mut().zip(input.iter()) {
            let byte = byte & mask;
            if !is_plain(byte) {
                break;
            }
            *slot = byte;
            push(&mut sums, byte);
            count += 1;
        }
        self.sums = sums;
        self.length += count;
        *input = input.get(count..).unwrap_or_default();
    }

    #[inline]
    fn take<'i>(&mut self, byte: u8, rest: &'i [u8]) -> &'i [u8] {
        // The CRC ends with `!`, which was taken before the state changed.
        if self.state != State::Mark || byte == b'!' || self.block {
            self.sums.push(byte);
        }
        if self.slash.is_some() {
            self.candidate.push(byte);
        }
        rest
    }

    fn step(&mut self, byte: u8) -> Fate {
        match self.state {
            State::Value if byte > EOT => self.value(byte),
            State::Closed if byte > EOT => self.closed(byte),
            State::Address if byte > EOT => self.address(byte),
            State::Bcc => self.check(byte),
            State::Identification => self.identification(byte),
            State::Command => self.command(byte),
            _ if byte <= EOT => self.frame(byte),
            State::Mark => self.mark(byte),
            _ => self.outside(byte),
        }
    }

    /// The characters that frame blocks; elsewhere they are noise like any other.
    fn frame(&mut self, byte: u8) -> Fate {
        match (self.state, byte) {
            (_, STX) => self.open_block(),
            (State::Value, SOH) => self.value(byte),
            (_, SOH) => self.open_command(),
            (State::Mark, _) => self.mark(byte),
            (State::Value, 0) => self.value(byte),
            (_, ETX | EOT) if self.block => self.end_block(byte),
            (State::Value, _) => self.value(byte),
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
        self.clear();
        self.sums.reset();
        self.begin(State::Identification, false);
        Fate::Taken
    }

    fn identification(&mut self, byte: u8) -> Fate {
        match byte {
            b'/' => self.open_identification(),
            CR | LF if is_identification(self.written()) => {
                self.begin(State::Address, false);
                self.spent = self.length;
                Fate::Means(Token::Identification)
            }
            // Byte 2 stands in some transcriptions for `\2`.
            STX if self.length == ESCAPE => self.keep(byte),
            b' '..0x7F if self.length < IDENTIFICATION => self.keep(byte),
            _ => {
                self.reset();
                Fate::Again
            }
        }
    }

    fn open_command(&mut self) -> Fate {
        self.clear();
        self.begin(State::Command, true);
        self.sums.reset();
        // The check character does not count this SOH.
        self.sums.bcc = SOH;
        Fate::Taken
    }

    fn command(&mut self, byte: u8) -> Fate {
        match byte {
            // SOH was noise.
            STX if self.length == 0 => self.open_block(),
            STX | ETX | EOT => {
                self.state = if byte == STX { State::Address } else { State::Bcc };
                self.spent = self.length;
                self.pending = (byte != STX).then(|| Token::EndBlock(terminator(byte)));
                Fate::Means(Token::Command)
            }
            b' '..0x7F if self.length < COMMAND => self.keep(byte),
            _ => {
                self.reset();
                Fate::Again
            }
        }
    }

    /// STX begins a block anew wherever it comes: what was before it was noise.
    fn open_block(&mut self) -> Fate {
        if let Some(fate) = self.close() {
            return fate;
        }
        if core::mem::take(&mut self.content) {
            return Fate::After(Token::Fault(Fault::Restart));
        }
        self.clear();
        self.begin(State::Address, true);
        self.sums.reset();
        self.sums.bcc = STX;
        Fate::Taken
    }

    fn end_block(&mut self, byte: u8) -> Fate {
        if let Some(fate) = self.close() {
            return fate;
        }
        self.state = State::Bcc;
        Fate::Means(Token::EndBlock(terminator(byte)))
    }

    fn check(&mut self, byte: u8) -> Fate {
        let computed = self.sums.bcc & 0x7F;
        self.over();
        Fate::Means(Token::End(Check::Bcc { given: byte & 0x7F, computed }))
    }

    fn address(&mut self, byte: u8) -> Fate {
        match byte {
            b'(' => self.open_value(),
            CR | LF if self.length == 0 => Fate::Taken,
            CR | LF => self.close().unwrap_or(Fate::Taken),
            b'!' if self.length == 0 => self.begin_mark(),
            b'/' if self.length == 0 => self.open_identification(),
            b'/' => self.suspect(byte),
            ACK if self.length == 0 && !self.block => Fate::Means(Token::Acknowledge),
            NAK if self.length == 0 && !self.block => Fate::Means(Token::Repeat),
            // Blanks before an address, and control characters anywhere between data sets.
            b' ' if self.length == 0 => Fate::Taken,
            ..b' ' | 0x7F => Fate::Taken,
            _ if self.length == PIECE => {
                self.spoiled = true;
                Fate::Taken
            }
            _ => self.keep(byte),
        }
    }

    fn open_value(&mut self) -> Fate {
        let fault = self.spoiled || self.length > ADDRESS;
        self.state = State::Value;
        (self.set_open, self.line_open, self.content) = (true, true, true);
        (self.depth, self.star, self.slash, self.spoiled) = (1, None, None, false);
        self.spent = self.length;
        Fate::Means(if fault { Token::Fault(Fault::Address) } else { Token::Address })
    }

    fn value(&mut self, byte: u8) -> Fate {
        match byte {
            b')' if self.depth == 1 => self.close_value(),
            CR | LF => self.close().unwrap_or(Fate::Again),
            _ if self.length == PIECE => self.piece(),
            b'(' | b')' => {
                self.depth = if byte == b'(' { self.depth.saturating_add(1) } else { self.depth - 1 };
                self.keep(byte)
            }
            b'*' => {
                self.star = Some(self.length);
                self.keep(byte)
            }
            b'/' => self.suspect(byte),
            ..b' ' | 0x7F => {
                self.spoiled = true;
                Fate::Taken
            }
            _ => self.keep(byte),
        }
    }

    fn close_value(&mut self) -> Fate {
        self.state = State::Closed;
        self.slash = None;
        self.spent = self.length;
        if self.spoiled {
            self.spoiled = false;
            return Fate::Means(Token::Fault(Fault::Character));
        }
        // A unit has 16 characters at most (6.6); what is longer is text with an asterisk in it.
        let unit = self.star.filter(|star| self.length - star <= UNIT);
        Fate::Means(Token::Value { end: unit.unwrap_or(self.length), unit: unit.is_some(), more: false })
    }

    /// The text is full: gives it away, but for what may be a unit or another telegram's beginning.
    fn piece(&mut self) -> Fate {
        let recent = |at: &usize| *at > 0 && PIECE - at <= IDENTIFICATION;
        let end = [self.star, self.slash].into_iter().flatten().filter(recent).min().unwrap_or(PIECE);
        self.spent = end;
        Fate::After(Token::Value { end, unit: false, more: true })
    }

    /// Another telegram may begin here, if what goes before it has lost its end.
    fn suspect(&mut self, byte: u8) -> Fate {
        self.slash = Some(self.length);
        self.candidate = self.sums;
        self.candidate.reset();
        if self.length < PIECE { self.keep(byte) } else { Fate::Taken }
    }

    fn closed(&mut self, byte: u8) -> Fate {
        match byte {
            b'(' => {
                self.state = State::Value;
                (self.depth, self.star, self.slash) = (1, None, None);
                Fate::Taken
            }
            // Blanks and control characters between groups.
            ..CR | 0x0E..=b' ' | 0x7F if byte != LF => Fate::Taken,
            _ if self.set_open => {
                self.set_open = false;
                Fate::After(Token::EndSet)
            }
            CR | LF if self.line_open => {
                (self.line_open, self.state) = (false, State::Address);
                Fate::Means(Token::EndLine)
            }
            b'!' | CR | LF => self.close().unwrap_or_else(|| {
                self.state = State::Address;
                Fate::Again
            }),
            _ => {
                self.state = State::Address;
                Fate::Again
            }
        }
    }

    /// Ends what is open, one thing at a time; nothing when all is closed.
    fn close(&mut self) -> Option<Fate> {
        let unfinished = match self.state {
            State::Value => Some(Fault::Unclosed),
            State::Address if self.length > 0 => Some(Fault::NoValue),
            _ => None,
        };
        if let Some(fault) = unfinished {
            return Some(Fate::After(Token::Fault(self.lose(fault))));
        }
        let token = match (self.set_open, self.line_open) {
            (true, _) => Token::EndSet,
            (_, true) => Token::EndLine,
            _ => return None,
        };
        (self.set_open, self.line_open) = (false, self.set_open && self.line_open);
        Some(Fate::After(token))
    }

    /// Gives up the value or address that has no end; another telegram may have begun within it.
    fn lose(&mut self, fault: Fault) -> Fault {
        let begun = self.slash.filter(|slash| self.written().get(slash + 1..).is_some_and(is_identification));
        (self.spoiled, self.set_open) = (false, false);
        let Some(slash) = begun else {
            self.state = State::Closed;
            self.spent = self.length;
            return fault;
        };
        self.sums = self.candidate;
        self.begin(State::Identification, false);
        self.spent = slash + 1;
        self.drop_spent();
        Fault::Restart
    }

    fn begin_mark(&mut self) -> Fate {
        self.state = State::Mark;
        self.crc = (0, 0);
        Fate::Taken
    }

    fn mark(&mut self, byte: u8) -> Fate {
        if self.block {
            return match byte {
                ETX | EOT => self.end_block(byte),
                b'/' => self.telegram_over(),
                _ => Fate::Taken,
            };
        }
        let digit = char::from(byte).to_digit(16).and_then(|digit| u16::try_from(digit).ok());
        let Some(digit) = digit else { return self.telegram_over() };
        self.crc = (self.crc.0 << 4 | digit, self.crc.1 + 1);
        if self.crc.1 < CRC_DIGITS { Fate::Taken } else { Fate::Means(self.telegram_end()) }
    }

    fn telegram_over(&mut self) -> Fate {
        Fate::After(self.telegram_end())
    }

    fn telegram_end(&mut self) -> Token {
        let check = if self.crc.1 > 0 && !self.block { self.sums.crc(self.crc.0) } else { Check::None };
        self.over();
        Token::End(check)
    }

    /// Silence in the middle of something.
    fn silence(&mut self) -> Option<Token> {
        match self.state {
            State::Outside | State::Identification | State::Command => {
                self.reset();
                None
            }
            State::Mark => Some(self.telegram_end()),
            _ => match self.close() {
                Some(Fate::After(token)) => Some(token),
                // A block whose check character is missing has no end either.
                _ if self.content || self.block => {
                    self.over();
                    Some(Token::Fault(Fault::Truncated))
                }
                _ => None,
            },
        }
    }

    fn over(&mut self) {
        self.clear();
        self.crc = (0, 0);
        self.begin(State::Outside, false);
    }

    fn begin(&mut self, state: State, block: bool) {
        self.state = state;
        self.block = block;
        (self.set_open, self.line_open, self.spoiled, self.slash) = (false, false, false, None);
        self.content = false;
    }

    #[inline]
    fn keep(&mut self, byte: u8) -> Fate {
        if let Some(slot) = self.text.get_mut(self.length) {
            *slot = byte;
            self.length += 1;
        }
        Fate::Taken
    }

    fn clear(&mut self) {
        (self.length, self.spent, self.star, self.slash) = (0, 0, None, None);
    }

    #[inline]
    fn drop_spent(&mut self) {
        if self.spent > 0 && self.pending.is_none() {
            if self.spent >= self.length {
                return self.clear();
            }
            // `copy_within` would bring a panic that cannot happen.
            for (to, from) in (self.spent..self.length).enumerate() {
                let byte = self.text.get(from).copied().unwrap_or_default();
                self.text.get_mut(to).into_iter().for_each(|slot| *slot = byte);
            }
            self.length = self.length.saturating_sub(self.spent);
            let moved = |at: usize| at.checked_sub(self.spent);
            (self.star, self.slash) = (self.star.and_then(moved), self.slash.and_then(moved));
            self.spent = 0;
        }
    }

    fn written(&self) -> &[u8] {
        self.text.get(..self.length).unwrap_or_default()
    }

    fn event(&self, token: Token) -> Event<'_> {
        let text = self.written();
        match token {
            Token::Identification => Event::Identification(text),
            Token::Command => Event::Command(text),
            Token::Address => Event::Address(text.trim_ascii()),
            Token::Value { end, unit, more } => Event::Value {
                text: text.get(..end).unwrap_or_default(),
                unit: text.get(end + 1..).filter(|_| unit),
                more,
            },
            Token::EndSet => Event::EndSet,
            Token::EndLine => Event::EndLine,
            Token::EndBlock(terminator) => Event::EndBlock(terminator),
            Token::End(check) => Event::End(check),
            Token::Acknowledge => Event::Acknowledge,
            Token::Repeat => Event::Repeat,
            Token::Fault(fault) => Event::Fault(fault),
        }
    }
}

const fn terminator(byte: u8) -> Terminator {
    if byte == EOT { Terminator::Partial } else { Terminator::Last }
}

/// The longest text that is given in one piece; longer values come in several.
pub const PIECE: usize = 192;

/// Where the first escape of an identification stands.
const ESCAPE: usize = 4;
/// Longer than any identification seen; the standard has 21 characters (6.3.2).
const IDENTIFICATION: usize = 64;
/// A letter and a digit; some makers add one.
const COMMAND: usize = 4;
/// An address has 16 characters (6.6) and P1 has 20; three times that is none.
const ADDRESS: usize = 60;
/// The asterisk and 16 characters.
const UNIT: usize = 17;
const CRC_DIGITS: u8 = 4;
