//! The tokenizer: bytes in, events out, and no memory of what has passed but one address.

use super::check::Sums;
use super::grammar::{Class, State};
use super::text::Text;
use super::token::{Fate, Token};
use super::{Check, Event, Profile, Terminator};
use crate::Value;

/// Cuts telegrams of any length into [`Event`]s. It holds an address and a piece of a value, skips noise, and keeps both
/// checksums; how the bytes come in pieces makes no difference.
///
/// ```
/// use ccm_iec62056::{Check, Decoder, Event, Profile};
///
/// let mut decoder = Decoder::new(Profile::P1);
/// let mut bytes: &[u8] = b"/CCM5SIM\r\n\r\n1-0:1.8.0(000123.4*kWh)\r\n!\r\n";
/// assert_eq!(decoder.decode(&mut bytes), Some(Event::Identification(b"CCM5SIM")));
/// assert_eq!(decoder.decode(&mut bytes), Some(Event::Address(b"1-0:1.8.0")));
/// let Some(Event::Value(value)) = decoder.decode(&mut bytes) else { panic!("a value follows") };
/// assert_eq!((value.address, value.text, value.unit), (b"1-0:1.8.0".as_slice(), b"000123.4".as_slice(), Some(b"kWh".as_slice())));
/// assert_eq!(decoder.decode(&mut bytes), Some(Event::EndSet { ends_line: true }));
/// assert_eq!(decoder.decode(&mut bytes), Some(Event::End(Check::None)));
/// assert_eq!(decoder.decode(&mut bytes), None);
/// ```
#[derive(Clone, Debug)]
pub struct Decoder {
    pub(super) text: Text,
    pub(super) sums: Sums,
    /// The digits of a CRC, and how many there are.
    pub(super) crc: (u16, u8),
    /// What the end of the telegram says.
    pub(super) check: Check,
    /// Which pair of brackets of the data set it is.
    pub(super) group: u16,
    pub(super) depth: u8,
    mask: u8,
    pub(super) state: State,
    /// After STX: ends with ETX or EOT and a check character.
    pub(super) block: bool,
    pub(super) set_open: bool,
    /// Values have come since the telegram began.
    pub(super) content: bool,
    /// The value or address that is being read is none.
    pub(super) spoiled: bool,
    /// Something was lost: values have no data set until there is an address again.
    pub(super) lost: bool,
    /// The next value is the first of its data set.
    pub(super) first: bool,
    /// Pieces of the value that have been given; it stays at the largest number.
    pub(super) pieces: u8,
}

impl Decoder {
    /// A decoder between two telegrams.
    pub const fn new(profile: Profile) -> Self {
        Self {
            text: Text::new(),
            sums: Sums::new(profile.polynomial),
            crc: (0, 0),
            check: Check::None,
            group: 0,
            depth: 0,
            mask: if profile.strips_parity { 0x7F } else { 0xFF },
            state: State::Outside,
            block: false,
            set_open: false,
            content: false,
            spoiled: false,
            lost: false,
            first: true,
            pieces: 0,
        }
    }

    /// Forgets all that was read.
    pub fn reset(&mut self) {
        self.forget();
        self.begin(State::Outside, false);
    }

    /// Forgets the block that was being read, but not its address: the next block may go on with the data set.
    pub fn reset_block(&mut self) {
        self.begin(State::Outside, false);
    }

    /// Whether a telegram has begun and is not over.
    pub fn is_reading(&self) -> bool {
        self.state != State::Outside
    }

    /// Takes bytes from the front of `input` up to the next event; nothing when all are taken.
    #[inline(always)]
    pub fn decode(&mut self, input: &mut &[u8]) -> Option<Event<'_>> {
        self.text.drop_spent();
        let token = self.advance(input)?;
        Some(self.event(token))
    }

    /// What silence ends: call until there is nothing. A meter that sends no ETX is read this way; a telegram that has
    /// not even come to its `!` is [`Fault::Truncated`](super::Fault::Truncated).
    pub fn finish(&mut self) -> Option<Event<'_>> {
        self.text.drop_spent();
        let token = self.silence()?;
        Some(self.event(token))
    }

    fn advance(&mut self, input: &mut &[u8]) -> Option<Token> {
        let mut bytes = *input;
        let token = loop {
            if matches!(self.state, State::Value | State::Address) {
                bytes = self.run(bytes);
            }
            let Some((byte, rest)) = bytes.split_first() else { break None };
            let byte = byte & self.mask;
            let fate = self.step(byte);
            if matches!(fate, Fate::Taken | Fate::Means(_)) {
                self.sums.push(byte);
                bytes = rest;
            }
            if let Fate::Means(token) | Fate::After(token) = fate {
                break Some(token);
            }
        };
        *input = bytes;
        token
    }

    /// Takes characters that mean nothing by themselves, in one go; gives what follows them.
    #[inline]
    fn run<'i>(&mut self, bytes: &'i [u8]) -> &'i [u8] {
        let mask = self.mask;
        let kept = self.text.fill(bytes, |byte| Some(byte & mask).filter(|byte| Class::of(*byte).is_text()));
        self.sums.extend(kept);
        bytes.get(kept.len()..).unwrap_or_default()
    }

    #[inline(always)]
    fn event(&self, token: Token) -> Event<'_> {
        match token {
            Token::Identification => Event::Identification(self.text.field()),
            Token::Command => Event::Command(self.text.field()),
            Token::Address => Event::Address(self.text.address()),
            Token::Value => Event::Value(self.value()),
            Token::Piece => Event::Value(self.piece()),
            Token::EndSet { ends_line } => Event::EndSet { ends_line },
            Token::EndPartial => Event::EndBlock(Terminator::Partial),
            Token::EndLast => Event::EndBlock(Terminator::Last),
            Token::End => Event::End(self.check),
            Token::Acknowledge => Event::Acknowledge,
            Token::Repeat => Event::Repeat,
            Token::Fault(fault) => Event::Fault(fault),
        }
    }

    /// The last piece of a value, and its unit. What is longer than a unit is text with an asterisk in it.
    fn value(&self) -> Value<'_> {
        let field = self.text.field();
        let from = field.len().saturating_sub(UNIT);
        let star = field.iter().rposition(|byte| *byte == b'*').filter(|star| *star >= from);
        let (text, unit) = match star.and_then(|star| field.split_at_checked(star)) {
            Some((text, unit)) => (text, unit.get(1..)),
            None => (field, None),
        };
        Value { text, unit, continues: self.pieces > 0, more: false, ..self.piece() }
    }

    fn piece(&self) -> Value<'_> {
        Value {
            address: self.text.address(),
            group: self.group,
            text: self.text.piece(),
            unit: None,
            continues: self.pieces > 1,
            more: true,
        }
    }
}

/// An asterisk and 16 characters (6.6).
const UNIT: usize = 17;
