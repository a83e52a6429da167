//! The grammar as a table: what is done with a byte of each class, where the decoder stands.

use super::characters::{ACK, CR, EOT, ETX, LF, NAK, SOH, STX};

/// What a byte is, as far as the grammar tells bytes apart.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Plain,
    Slash,
    Mark,
    Blank,
    Open,
    Close,
    Return,
    Stx,
    Soh,
    /// ETX or EOT
    End,
    Ack,
    Nak,
    Control,
}

/// Where a decoder stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Between telegrams.
    Outside,
    Identification,
    /// After SOH.
    Command,
    /// At the start of a line.
    Line,
    /// In an address.
    Address,
    /// Within brackets.
    Value,
    /// Right behind `)`.
    Closed,
    /// Behind `!`: digits of a CRC may follow.
    Mark,
    /// The next byte is the check character.
    Check,
}

/// What is done with a byte.
#[derive(Clone, Copy)]
pub(super) enum Action {
    Ignore,
    Keep,
    /// What has come is noise; the byte comes again outside.
    Forget,
    OpenIdentification,
    EndIdentification,
    /// Byte 2 stands in some transcriptions for `\2`.
    Escape,
    OpenCommand,
    EndCommand,
    EndCommandAlone,
    OpenBlock,
    EndBlock,
    Check,
    Acknowledge,
    Repeat,
    BeginAddress,
    EndAddress,
    OpenValue,
    Deeper,
    EndValue,
    /// No character of an address or a value.
    Spoil,
    /// The line ends within an address or a value.
    Break,
    EndLine,
    EndSet,
    BeginMark,
    Digit,
    EndMark,
}

impl Class {
    pub(super) fn of(byte: u8) -> Self {
        TABLE.get(usize::from(byte)).copied().unwrap_or(Self::Plain)
    }

    /// Whether it is text in an address and in a value, and comes in runs.
    pub(super) const fn is_text(self) -> bool {
        matches!(self, Self::Plain | Self::Slash | Self::Mark)
    }

    const fn find(byte: u8) -> Self {
        match byte {
            b'/' => Self::Slash,
            b'!' => Self::Mark,
            b' ' => Self::Blank,
            b'(' => Self::Open,
            b')' => Self::Close,
            CR | LF => Self::Return,
            STX => Self::Stx,
            SOH => Self::Soh,
            ETX | EOT => Self::End,
            ACK => Self::Ack,
            NAK => Self::Nak,
            ..b' ' => Self::Control,
            _ => Self::Plain,
        }
    }
}

/// All from `0` on are plain, DEL and the letters beyond ASCII too.
static TABLE: [Class; 0x30] = {
    let mut table = [Class::Plain; 0x30];
    let (mut rest, mut byte): (&mut [Class], u8) = (&mut table, 0);
    while let Some((class, after)) = rest.split_first_mut() {
        *class = Class::find(byte);
        (rest, byte) = (after, byte.wrapping_add(1));
    }
    table
};

impl State {
    pub(super) fn action(self, class: Class) -> Action {
        let row = GRAMMAR.get(self as usize);
        row.and_then(|row| row.get(class as usize)).copied().unwrap_or(Action::Ignore)
    }
}

#[rustfmt::skip]
static GRAMMAR: [[Action; CLASSES]; 9] = {
    use Action::*;
    [
        // Plain        /                   !             blank    (           )             CR LF              STX         SOH          ETX EOT          ACK          NAK     control
        // Outside
        [Ignore,        OpenIdentification, Ignore,       Ignore,  Ignore,     Ignore,       Ignore,            OpenBlock,  OpenCommand, Ignore,          Acknowledge, Repeat, Ignore],
        // Identification
        [Keep,          OpenIdentification, Keep,         Keep,    Keep,       Keep,         EndIdentification, Escape,     Forget,      Forget,          Forget,      Forget, Forget],
        // Command
        [Keep,          Forget,             Forget,       Forget,  Forget,     Forget,       Forget,            EndCommand, Forget,      EndCommandAlone, Forget,      Forget, Forget],
        // Line
        [BeginAddress,  OpenIdentification, BeginMark,    Ignore,  OpenValue,  BeginAddress, Ignore,            OpenBlock,  OpenCommand, EndBlock,        Acknowledge, Repeat, Ignore],
        // Address
        [Keep,          Keep,               Keep,         Keep,    EndAddress, Keep,         Break,             OpenBlock,  OpenCommand, EndBlock,        Spoil,       Spoil,  Spoil],
        // Value
        [Keep,          Keep,               Keep,         Keep,    Deeper,     EndValue,     Break,             OpenBlock,  Spoil,       EndBlock,        Spoil,       Spoil,  Spoil],
        // Closed
        [EndSet,        EndSet,             EndSet,       Ignore,  OpenValue,  EndSet,       EndLine,           OpenBlock,  OpenCommand, EndBlock,        Ignore,      Ignore, Ignore],
        // Mark
        [Digit,         EndMark,            EndMark,      EndMark, EndMark,    EndMark,      EndMark,           OpenBlock,  OpenCommand, EndBlock,        EndMark,     EndMark, EndMark],
        // Check
        [Check,         Check,              Check,        Check,   Check,      Check,        Check,             Check,      Check,       Check,           Check,       Check,  Check],
    ]
};

const CLASSES: usize = 13;
