//! What lives from one exchange to the next.

use ccm_core::crypto::{Crypto, TAG};

use super::{Closing, NoKey, Opening, Profile, SessionError, Settings, Task, Transfer, Unprotected};
use crate::Error;
use crate::message::data::{Data, Fault};
use crate::message::{
    AttributeAccess, AttributeDescriptor, Conformance, ContextName, Encoded, InvokeIdAndPriority,
    MethodDescriptor, VariableAccess,
};
use crate::security::{Context, Outgoing, SystemTitle};

/// A client's side of an association: settings, keys and counters, and what was agreed on.
///
/// Each verb gives a script that borrows the session until it is done; see [`Script`](super::Script).
#[derive(Debug)]
pub struct Session<'s, C: Crypto> {
    pub(super) crypto: &'s C,
    pub(super) settings: Settings<'s, C::Key>,
    pub(super) security: Option<Context<C::Key>>,
    /// How services are sent; nothing is ciphered where there is nothing here.
    pub(super) outgoing: Option<Outgoing>,
    pub(super) agreed: Option<Agreed>,
    invoke_id: u8,
}

/// What client and server agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Agreed {
    /// What both can do.
    pub conformance: Conformance,
    /// The longest APDU that the server takes; 0 is no limit.
    pub max_send_pdu_size: u16,
    /// Where the association object is.
    pub vaa_name: u16,
}

impl<'s> Session<'s, Unprotected> {
    /// A session without keys.
    pub const fn plain(settings: Settings<'s, NoKey>) -> Self {
        Self::new(&Unprotected, settings)
    }
}

impl<'s, C: Crypto> Session<'s, C> {
    /// A session without keys for messages, whose `crypto` computes answers to challenges.
    pub const fn new(crypto: &'s C, settings: Settings<'s, C::Key>) -> Self {
        Self { crypto, settings, security: None, outgoing: None, agreed: None, invoke_id: 0 }
    }

    /// A session with keys: services go out as `outgoing` says, or in clear where it is `None` (GMAC alone). What must
    /// be protected of what comes the context's policy says; it asks for all until told otherwise.
    #[must_use]
    pub fn with_security(mut self, context: Context<C::Key>, outgoing: Option<Outgoing>) -> Self {
        (self.security, self.outgoing) = (Some(context), outgoing);
        self
    }

    /// The settings.
    pub const fn settings(&self) -> &Settings<'s, C::Key> {
        &self.settings
    }

    /// Keys, titles and counters.
    pub const fn security(&self) -> Option<&Context<C::Key>> {
        self.security.as_ref()
    }

    /// The same, to raise or store counters, change keys, or ask for less.
    pub const fn security_mut(&mut self) -> Option<&mut Context<C::Key>> {
        self.security.as_mut()
    }

    /// Sends services in this way from now on. Whether anything is ciphered at all the association has agreed on.
    pub const fn set_outgoing(&mut self, outgoing: Option<Outgoing>) {
        self.outgoing = outgoing;
    }

    /// Whether there is an association: from the end of an opening until a closing, or until the link is lost.
    pub const fn is_open(&self) -> bool {
        self.agreed.is_some()
    }

    /// What was agreed on, while there is an association.
    pub const fn agreed(&self) -> Option<&Agreed> {
        self.agreed.as_ref()
    }

    /// What a public client reads before this one associates, where own counter and the server's may be out of step.
    pub const fn counter_object(&self) -> AttributeAccess<'static> {
        AttributeAccess::whole(AttributeDescriptor {
            class_id: DATA_CLASS,
            instance_id: self.settings.counter,
            attribute_id: 2,
        })
    }

    /// Goes on counting behind the number in this `Data`, the value of [`counter_object`](Self::counter_object), and
    /// says with which. Never goes back. What a public client reads nothing protects: a false number uses up the
    /// own ones, so read it only when the server has refused one.
    ///
    /// # Errors
    /// Where it is no number of 32 bits.
    pub fn skip_counter(&mut self, data: &[u8]) -> Result<u32, Error> {
        let range = Fault::Range { field: "invocation counter" }.at(0);
        let number = Data::parse(data)?.value()?.integer();
        let number = number.and_then(|number| u32::try_from(number).ok()).ok_or(range)?;
        let missing = SessionError::Settings { missing: "keys" };
        let counter = self.security.as_mut().ok_or(missing)?.counter_mut();
        counter.raise(number.saturating_add(1));
        Ok(counter.next())
    }

    /// Says that the link is gone, and the association with it.
    pub const fn forget(&mut self) {
        self.agreed = None;
    }

    /// Links and associates. `challenge` is 8 to 64 random bytes, new each time; it is not looked at where no proof is
    /// asked for.
    pub const fn open<'o>(&'o mut self, challenge: &'o [u8]) -> Opening<'o, 's, C> {
        Opening::new(self, challenge)
    }

    /// Ends the association and the link.
    pub const fn close<'o>(&'o mut self) -> Closing<'o, 's, C> {
        Closing::new(self)
    }

    /// Reads an attribute or a part of it: [`Transfer::value`] is its `Data`. The buffer must hold it and 20 bytes more.
    pub const fn get<'t>(
        &'t mut self,
        attribute: AttributeAccess<'t>,
        buffer: &'t mut [u8],
    ) -> Transfer<'t, 's, C> {
        Transfer::new(self, Task::Get(attribute), buffer)
    }

    /// Reads several attributes.
    pub const fn get_list<'t>(
        &'t mut self,
        attributes: &'t [AttributeAccess<'t>],
        buffer: &'t mut [u8],
    ) -> Transfer<'t, 's, C> {
        Transfer::new(self, Task::GetList(attributes), buffer)
    }

    /// Writes an attribute. `buffer` is only used for general block transfer and may be empty.
    pub const fn set<'t>(
        &'t mut self,
        attribute: AttributeAccess<'t>,
        value: &'t [u8],
        buffer: &'t mut [u8],
    ) -> Transfer<'t, 's, C> {
        Transfer::new(self, Task::Set(attribute, value), buffer)
    }

    /// Writes several attributes.
    pub const fn set_list<'t>(
        &'t mut self,
        attributes: &'t [AttributeAccess<'t>],
        values: &'t [Encoded<'t>],
        buffer: &'t mut [u8],
    ) -> Transfer<'t, 's, C> {
        Transfer::new(self, Task::SetList(attributes, values), buffer)
    }

    /// Invokes a method: [`Transfer::value`] is what it returns, empty where it returns nothing.
    pub const fn action<'t>(
        &'t mut self,
        method: MethodDescriptor,
        parameters: Option<&'t [u8]>,
        buffer: &'t mut [u8],
    ) -> Transfer<'t, 's, C> {
        Transfer::new(self, Task::Action(method, parameters), buffer)
    }

    /// Invokes several methods.
    pub const fn action_list<'t>(
        &'t mut self,
        methods: &'t [MethodDescriptor],
        parameters: &'t [Encoded<'t>],
        buffer: &'t mut [u8],
    ) -> Transfer<'t, 's, C> {
        Transfer::new(self, Task::ActionList(methods, parameters), buffer)
    }

    /// Reads by short name; of one variable [`Transfer::value`] is its `Data`.
    pub const fn read<'t>(
        &'t mut self,
        variables: &'t [VariableAccess<'t>],
        buffer: &'t mut [u8],
    ) -> Transfer<'t, 's, C> {
        Transfer::new(self, Task::Read(variables), buffer)
    }

    /// Writes by short name. The buffer must hold all of the request where it goes in blocks.
    pub const fn write<'t>(
        &'t mut self,
        variables: &'t [VariableAccess<'t>],
        values: &'t [Encoded<'t>],
        buffer: &'t mut [u8],
    ) -> Transfer<'t, 's, C> {
        Transfer::new(self, Task::Write(variables, values), buffer)
    }

    /// Reads a long array, such as the buffer of a profile, and hands over its elements as they come. The buffer must
    /// hold one block and one element.
    pub const fn profile<'t>(
        &'t mut self,
        attribute: AttributeAccess<'t>,
        buffer: &'t mut [u8],
    ) -> Profile<'t, 's, C> {
        Profile::new(self, attribute, buffer)
    }

    /// The application context to ask for.
    pub(super) const fn context_name(&self) -> ContextName<'static> {
        match (self.settings.short_names, self.outgoing.is_some()) {
            (false, false) => ContextName::LogicalName,
            (true, false) => ContextName::ShortName,
            (false, true) => ContextName::LogicalNameCiphered,
            (true, true) => ContextName::ShortNameCiphered,
        }
    }

    pub(super) fn own_title(&self) -> Option<SystemTitle> {
        let mechanism = self.settings.authentication.mechanism().and_then(|name| name.number());
        let needed = self.outgoing.is_some() || mechanism.is_some_and(|number| number >= 5);
        let keys = self.security.as_ref().map(Context::own_title).filter(|_| needed);
        self.settings.own_title.or(keys)
    }

    /// A new invoke-id.
    pub(super) fn invoke(&mut self) -> InvokeIdAndPriority {
        self.invoke_id = self.invoke_id.wrapping_add(1);
        InvokeIdAndPriority::confirmed(self.settings.fixed_invoke_id.unwrap_or(self.invoke_id))
    }

    /// The longest APDU that can be sent, all protection included.
    pub(super) fn limit(&self, room: usize) -> usize {
        match self.agreed.map(|agreed| usize::from(agreed.max_send_pdu_size)) {
            None | Some(0) => room,
            Some(limit) => limit.min(room),
        }
    }

    /// How many bytes protection adds at the most.
    pub(super) const fn overhead(&self) -> usize {
        if self.outgoing.is_some() { Context::<C::Key>::OVERHEAD } else { 0 }
    }

    pub(super) fn allows(&self, needed: Conformance) -> Result<(), SessionError> {
        let agreed = self.agreed.ok_or(SessionError::NotOpen)?;
        if agreed.conformance.contains(needed) { Ok(()) } else { Err(SessionError::NotNegotiated) }
    }

    /// Protects the first `length` bytes as the session does, in place, and gives the new length.
    pub(super) fn protect(&mut self, apdu: &mut [u8], length: usize) -> Result<usize, Error> {
        let Some(outgoing) = self.outgoing else { return Ok(length) };
        let missing = SessionError::Settings { missing: "keys" };
        let security = self.security.as_mut().ok_or(missing)?;
        Ok(security.protect(self.crypto, outgoing, apdu, length)?)
    }

    /// Checks and deciphers an answer in place and says where in `apdu` the message lies.
    pub(super) fn unprotect(&mut self, apdu: &mut [u8]) -> Result<core::ops::Range<usize>, Error> {
        let length = apdu.len();
        let Some(security) = self.security.as_mut() else { return Ok(0..length) };
        let incoming = security.unprotect(self.crypto, apdu)?;
        let behind = match incoming.envelope {
            Some(_) if incoming.protection.authenticated => TAG,
            _ => 0,
        };
        let end = length.saturating_sub(behind);
        Ok(end.saturating_sub(incoming.apdu.len())..end)
    }

    pub(super) const fn stored(&mut self, ceiling: u32) {
        if let Some(security) = self.security.as_mut() {
            security.counter_mut().stored(ceiling);
        }
    }
}

/// Class Data.
const DATA_CLASS: u16 = 1;
