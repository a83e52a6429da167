//! The objects behind a server.

use ccm_core::{Full, Instant, Writer};

use crate::message::data::Data;
use crate::message::{
    ActionResult, AttributeAccess, AttributeDescriptor, Conformance, DataAccessResult, MethodDescriptor,
};
use crate::security::Protection;

/// What a meter shows, takes and does.
///
/// The server itself answers what only it knows: the object with the client's invocation counter
/// ([`Association::counter`](super::Association)), and the third pass of high level security.
pub trait Store {
    /// Writes the piece `part`, from 0, of the attribute's value in A-XDR; [`Part::More`] where another one follows.
    ///
    /// A piece may end anywhere, so a profile gives its array's head first and then row by row: no buffer need hold more
    /// than a row. Each piece is asked for once and in order, with other requests between them where the value goes in
    /// blocks. What `access` selects is the store's to obey.
    ///
    /// # Errors
    /// What the client is told. From a later piece than the first, the client is told that the transfer is aborted.
    fn get(
        &mut self,
        caller: &Caller,
        access: &AttributeAccess<'_>,
        part: u32,
        out: &mut Writer<'_>,
    ) -> Result<Part, DataAccessResult>;

    /// Writes an attribute.
    ///
    /// # Errors
    /// What the client is told.
    fn set(
        &mut self,
        caller: &Caller,
        access: &AttributeAccess<'_>,
        value: Data<'_>,
    ) -> Result<(), DataAccessResult> {
        let _ = (caller, access, value);
        Err(DataAccessResult::ReadWriteDenied)
    }

    /// Invokes a method, and writes what it returns, if anything, in A-XDR.
    ///
    /// # Errors
    /// What the client is told.
    fn invoke(
        &mut self,
        caller: &Caller,
        method: &MethodDescriptor,
        parameters: Option<Data<'_>>,
        out: &mut Writer<'_>,
    ) -> Result<(), ActionResult> {
        let _ = (caller, method, parameters, out);
        Err(ActionResult::ReadWriteDenied)
    }

    /// What a short name stands for; nothing where the meter has none such.
    fn short_name(&self, name: u16) -> Option<Named> {
        let _ = name;
        None
    }

    /// Fills in a challenge that nobody can foretell.
    fn challenge(&mut self, challenge: &mut [u8]);
}

impl<S: Store> Store for &mut S {
    fn get(
        &mut self,
        caller: &Caller,
        access: &AttributeAccess<'_>,
        part: u32,
        out: &mut Writer<'_>,
    ) -> Result<Part, DataAccessResult> {
        (**self).get(caller, access, part, out)
    }

    fn set(
        &mut self,
        caller: &Caller,
        access: &AttributeAccess<'_>,
        value: Data<'_>,
    ) -> Result<(), DataAccessResult> {
        (**self).set(caller, access, value)
    }

    fn invoke(
        &mut self,
        caller: &Caller,
        method: &MethodDescriptor,
        parameters: Option<Data<'_>>,
        out: &mut Writer<'_>,
    ) -> Result<(), ActionResult> {
        (**self).invoke(caller, method, parameters, out)
    }

    fn short_name(&self, name: u16) -> Option<Named> {
        (**self).short_name(name)
    }

    fn challenge(&mut self, challenge: &mut [u8]) {
        (**self).challenge(challenge);
    }
}

/// Whether a value is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Part {
    /// Another piece follows.
    More,
    /// This was the last one.
    Last,
}

/// What a short name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Named {
    /// An attribute.
    Attribute(AttributeDescriptor),
    /// A method.
    Method(MethodDescriptor),
}

/// Who asks, and what was agreed on with him.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Caller {
    /// When.
    pub now: Instant,
    /// The client's address.
    pub client: u16,
    /// The logical device that it addresses.
    pub server: u16,
    /// The number of the application context's name, 1 to 4.
    pub context: u8,
    /// The number of the authentication mechanism's name, 0 to 7.
    pub mechanism: u8,
    /// What both sides can do.
    pub conformance: Conformance,
    /// The longest APDU that the client takes; 0 is no limit.
    pub client_max_receive_pdu_size: u16,
    /// The longest APDU that the server takes.
    pub server_max_receive_pdu_size: u16,
    /// How the request was protected.
    pub protection: Protection,
}

impl Caller {
    pub(super) const NOBODY: Self = Self {
        now: Instant::ZERO,
        client: 0,
        server: 0,
        context: 0,
        mechanism: 0,
        conformance: Conformance::empty(),
        client_max_receive_pdu_size: 0,
        server_max_receive_pdu_size: 0,
        protection: Protection::NONE,
    };

    /// Whether objects have short names.
    pub const fn is_short_name(&self) -> bool {
        matches!(self.context, 2 | 4)
    }
}

/// A piece that does not fit the server's buffer.
impl From<Full> for DataAccessResult {
    fn from(Full: Full) -> Self {
        Self::OtherReason
    }
}

/// A return value that does not fit the server's buffer.
impl From<Full> for ActionResult {
    fn from(Full: Full) -> Self {
        Self::OtherReason
    }
}
