//! The meter behind a server.

use ccm_core::Writer;

use crate::{Command, Identification};

/// What a meter shows and does.
pub trait Handler {
    /// Who it is. The speed character decides the mode (6.3.2); [`Quirks::push`](super::Quirks::push) makes it mode D.
    fn identification(&self) -> Identification<'_>;

    /// Its address; an empty one answers everybody.
    fn address(&self) -> &[u8] {
        &[]
    }

    /// Writes a line of the readout, from 0, without its end: `1.8.0(000123.4*kWh)`. False behind the last one. `table` is
    /// `?`, or `1` to `4` where somebody asked for that.
    fn line(&mut self, table: u8, index: u32, out: &mut Writer<'_>) -> bool;

    /// Writes the operand of a password, which the prompt carries.
    fn seed(&mut self, out: &mut Writer<'_>) {
        let _ = out;
    }

    /// Whether this is the password, given with P1 or P2.
    fn unlock(&mut self, kind: u8, password: &[u8]) -> bool {
        let _ = (kind, password);
        true
    }

    /// Carries out a command of an unlocked meter. `index` counts the calls: an answer of several lines is asked for line
    /// by line.
    fn command(&mut self, command: &Command<'_>, index: u32, out: &mut Writer<'_>) -> Reply {
        let _ = (command, index, out);
        Reply::Refuse(b"ER07")
    }
}

/// What a command brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply {
    /// The line written; another one follows.
    Line,
    /// The line written, which ends a partial block; more follows when it is acknowledged.
    Block,
    /// The line written is the last one.
    Last,
    /// ACK.
    Acknowledge,
    /// An error message in brackets.
    Refuse(&'static [u8]),
    /// The meter ends the dialogue.
    Break,
}
