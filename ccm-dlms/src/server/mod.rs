//! The meter's side above the link, for simulators and for devices that are read like meters: associations, security,
//! GET, SET, ACTION, READ and WRITE, blocks both ways; and what real meters make of them.

mod answer;
mod association;
mod blocks;
mod envelope;
mod held;
mod meter;
mod opening;
mod proof;
mod quirks;
mod request;
mod session;
mod short;
mod store;

pub use association::{Association, Authentication, Referencing};
pub use meter::{Entry, Load, Meter};
pub use quirks::Quirks;
pub use store::{Caller, Named, Part, Store};

use ccm_core::crypto::Crypto;
use ccm_core::{Full, Instant, Machine, Step, Writer};

use crate::frame::{Event, Serving};
use crate::message::{DataNotification, tag};
use crate::security::Outgoing;
use answer::Answering;
use blocks::Blocks;
use envelope::Reply;
use held::Held;
use session::Session;

/// A meter behind a link, [`Station`](crate::hdlc::Station) or [`Service`](crate::wrapper::Service). It never ends.
///
/// One client is associated at a time, as the link has one at a time.
pub struct Server<'b, L, C: Crypto, S> {
    link: L,
    crypto: C,
    store: S,
    associations: &'b mut [Association<'b, C::Key>],
    import: Option<Import<C::Key>>,
    quirks: Quirks,
    max_receive_pdu_size: u16,
    /// The request that is carried out, in clear; one that comes in blocks is put together here.
    request: Held<'b>,
    request_room: usize,
    /// A piece of the answer; what a store returns; an answer that goes in general blocks.
    pieces: &'b mut [u8],
    session: Session,
    answering: Answering,
    /// The number of the last block of a request that comes in blocks.
    receiving: Option<u32>,
    blocks: Blocks,
    reply: Option<Reply>,
    /// The frame that was sent is sent again.
    again: bool,
}

/// Makes a key of the bytes of a dedicated key; nothing where they are none.
pub type Import<K> = fn(&[u8]) -> Option<K>;

/// Where a server keeps what it works on, beside the link's own buffer.
#[derive(Debug)]
pub struct Buffers<'b> {
    /// Holds the longest request, in blocks or not.
    pub request: &'b mut [u8],
    /// Holds the longest piece that the store writes at once, and all that the methods of one request return; with
    /// general block transfer, the longest answer.
    pub pieces: &'b mut [u8],
}

impl<'b, L: Serving, C: Crypto, S: Store> Server<'b, L, C, S> {
    /// A meter with these objects, which lets these clients in.
    pub fn new(
        link: L,
        crypto: C,
        store: S,
        associations: &'b mut [Association<'b, C::Key>],
        buffers: Buffers<'b>,
    ) -> Self {
        Self {
            link,
            crypto,
            store,
            associations,
            import: None,
            quirks: Quirks::NONE,
            max_receive_pdu_size: u16::MAX,
            request_room: buffers.request.len(),
            request: Held::new(buffers.request),
            pieces: buffers.pieces,
            session: Session::default(),
            answering: Answering::default(),
            receiving: None,
            blocks: Blocks::default(),
            reply: None,
            again: false,
        }
    }

    /// Takes dedicated keys, made into handles like this; without it associations that bring one are refused.
    #[must_use]
    pub const fn with_dedicated_keys(mut self, import: Import<C::Key>) -> Self {
        self.import = Some(import);
        self
    }

    /// Tells clients that requests may have so many bytes, where the buffers hold that many.
    #[must_use]
    pub const fn with_max_receive_pdu_size(mut self, size: u16) -> Self {
        self.max_receive_pdu_size = size;
        self
    }

    /// Breaks these rules; those of frames are the link's.
    #[must_use]
    pub const fn with_quirks(mut self, quirks: Quirks) -> Self {
        self.quirks = quirks;
        self
    }

    /// The objects.
    pub const fn store(&mut self) -> &mut S {
        &mut self.store
    }

    /// The link.
    pub const fn link(&mut self) -> &mut L {
        &mut self.link
    }

    /// The clients that are let in, with their keys and counters.
    pub const fn associations(&mut self) -> &mut [Association<'b, C::Key>] {
        self.associations
    }

    /// The address of the client whose association stands.
    pub fn associated(&self) -> Option<u16> {
        self.session.is_proven().then_some(self.session.caller.client)
    }

    /// Sends a notification unasked to a client, from the logical device `server`; protected like `how` with the keys of
    /// that client's first association that has any. Says whether it leaves: not while the link is in use, and not where
    /// it does not fit or cannot be protected.
    pub fn push(
        &mut self,
        (client, server): (u16, u16),
        how: Option<Outgoing>,
        notification: &DataNotification<'_>,
    ) -> bool {
        if !self.link.may_push() {
            return false;
        }
        let length = self.write(|writer| notification.emit(writer));
        let length = match how {
            Some(how) => self.protect_push(client, how, length),
            None => length,
        };
        self.link.push(client, server, length);
        length > 0
    }

    fn protect_push(&mut self, client: u16, how: Outgoing, length: usize) -> usize {
        let Self { link, crypto, associations, .. } = self;
        let mut of_client = associations.iter_mut().filter(|association| association.client == client);
        let security = of_client.find_map(|association| association.security.as_mut());
        let protected = security.map(|security| security.protect(crypto, how, link.apdu_mut(), length));
        protected.and_then(Result::ok).unwrap_or_default()
    }

    /// Forgets the association: the connection below the wrapper was closed.
    pub fn disconnect(&mut self) {
        if let Some(security) = self.session.association(self.associations).and_then(|a| a.security.as_mut())
        {
            security.set_dedicated(None);
        }
        self.session = Session::default();
        self.forget();
    }

    /// Ends transfers that are under way.
    fn forget(&mut self) {
        self.answering = Answering::default();
        self.receiving = None;
        self.blocks = Blocks::default();
        self.reply = None;
    }

    fn happen(&mut self, now: Instant, happening: Happening) -> Option<Next> {
        match happening {
            Happening::Wait(until) => return Some(Next::Wait(until)),
            Happening::Send if self.quirks.is_silent && self.associated().is_some() => {}
            Happening::Send => {
                self.again = self.quirks.doubles;
                return Some(Next::Send);
            }
            Happening::Linked => self.disconnect(),
            Happening::Request { client, server, length } => {
                (self.session.caller.now, self.session.asking) = (now, (client, server));
                let answer = self.respond(length);
                self.link.answer(answer);
            }
        }
        None
    }

    /// Answers the request that lies in the link's buffer, and gives the answer's length.
    fn respond(&mut self, length: usize) -> usize {
        let first = self.link.apdu_mut().first().copied().unwrap_or_default();
        match first {
            tag::AARQ => self.associate(length),
            tag::RLRQ => self.release(length),
            tag::GENERAL_BLOCK_TRANSFER => self.take_general_block(length),
            _ => match self.open(length) {
                Ok(plain) => {
                    // Who asks without general blocks has given up those that were under way.
                    self.blocks = Blocks::default();
                    let answer = self.carry_out(plain);
                    self.send(answer)
                }
                Err(refusal) => self.refuse(refusal),
            },
        }
    }

    /// Writes an answer where the link wants it; nothing where it does not fit.
    fn write(&mut self, emit: impl FnOnce(&mut Writer<'_>) -> Result<(), Full>) -> usize {
        let mut writer = Writer::new(self.link.apdu_mut());
        match emit(&mut writer) {
            Ok(()) => writer.finish(),
            Err(Full) => 0,
        }
    }
}

/// An [`Event`] without its borrow.
enum Happening {
    Send,
    Linked,
    Request { client: u16, server: u16, length: usize },
    Wait(Option<Instant>),
}

enum Next {
    Send,
    Wait(Option<Instant>),
}

impl<L: Serving, C: Crypto, S: Store> Machine for Server<'_, L, C, S> {
    fn receive(&mut self, now: Instant, bytes: &[u8]) -> usize {
        self.link.receive(now, bytes)
    }

    fn poll(&mut self, now: Instant) -> Step<'_> {
        if core::mem::take(&mut self.again) {
            return Step::Send(self.link.sent());
        }
        loop {
            let happening = match self.link.poll(now) {
                Event::Send(_) => Happening::Send,
                Event::Connected { .. } | Event::Disconnected => Happening::Linked,
                Event::Request { client, server, length } => Happening::Request { client, server, length },
                Event::Wait(until) => Happening::Wait(until),
            };
            match self.happen(now, happening) {
                None => {}
                Some(Next::Send) => break,
                Some(Next::Wait(until)) => return Step::Wait(until),
            }
        }
        Step::Send(self.link.sent())
    }
}
