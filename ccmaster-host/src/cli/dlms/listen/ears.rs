//! One listener for each sender.

use std::collections::HashMap;

use ccm_core::Instant;
use ccm_dlms::message::cosem::Layout;
use ccm_dlms::push::{Buffers, Datagram, Hdlc, Listener, Mixed, Push, PushError, Source, Stream};

use super::Told;
use super::heard::{From, Piece};
use crate::cli::dlms::arguments::{FramingArg, Listen};
use crate::cli::dlms::senders::Senders;
use crate::cli::stop::Stop;

/// Who is told of each push, or why there is none.
pub(super) type Tell<'t> = dyn FnMut(Result<Push<'_>, PushError>) -> Result<(), Stop> + 't;

/// A listener, whatever it listens to.
pub(super) trait Ear {
    /// Takes all bytes.
    fn receive(&mut self, now: Instant, bytes: &[u8], tell: &mut Tell<'_>) -> Result<(), Stop>;
    /// Gives up what was not whole in time.
    fn expire(&mut self, now: Instant, tell: &mut Tell<'_>) -> Result<(), Stop>;
    /// No more bytes will come.
    fn finish(&mut self, tell: &mut Tell<'_>) -> Result<(), Stop>;
    fn deadline(&self) -> Option<Instant>;
    fn is_within(&self) -> bool;
}

impl<S: Source> Ear for Listener<'static, S, Senders> {
    fn receive(&mut self, now: Instant, mut bytes: &[u8], tell: &mut Tell<'_>) -> Result<(), Stop> {
        loop {
            let (taken, push) = Listener::receive(self, now, bytes);
            bytes = bytes.get(taken..).unwrap_or_default();
            match push {
                Some(push) => tell(push)?,
                None if bytes.is_empty() => return Ok(()),
                None => {}
            }
        }
    }

    fn expire(&mut self, now: Instant, tell: &mut Tell<'_>) -> Result<(), Stop> {
        while let Some(push) = Listener::expire(self, now) {
            tell(push)?;
        }
        Ok(())
    }

    fn finish(&mut self, tell: &mut Tell<'_>) -> Result<(), Stop> {
        while let Some(push) = Listener::finish(self) {
            tell(push)?;
        }
        Ok(())
    }

    fn deadline(&self) -> Option<Instant> {
        Listener::deadline(self)
    }

    fn is_within(&self) -> bool {
        Listener::is_within(self)
    }
}

/// What is listened with.
#[derive(Clone, Copy)]
enum Kind {
    Hdlc,
    Stream,
    Datagram,
    Mixed,
}

/// The listeners of all senders. Those that are not needed any more are kept for the next: their memory is never freed.
pub(super) struct Ears {
    kind: Kind,
    layout: Layout,
    senders: Senders,
    busy: HashMap<From, Box<dyn Ear>>,
    idle: Vec<Box<dyn Ear>>,
}

impl Ears {
    pub(super) fn new(listen: &Listen, senders: Senders) -> Self {
        let heard = &listen.heard;
        let framing = if heard.tcp.is_some() { FramingArg::Wrapper } else { FramingArg::Hdlc };
        let kind = match listen.framing.unwrap_or(framing) {
            _ if heard.hex.is_some() => Kind::Mixed,
            _ if heard.udp.is_some() => Kind::Datagram,
            FramingArg::Hdlc => Kind::Hdlc,
            FramingArg::Wrapper => Kind::Stream,
        };
        let layout = if listen.kaifa { Layout::Kaifa } else { Layout::Detect };
        Self { kind, layout, senders, busy: HashMap::new(), idle: Vec::new() }
    }

    /// A listener that has heard nothing.
    pub(super) fn open(&self) -> Box<dyn Ear> {
        let [frames, apdu, blocks] = [(); 3].map(|()| &mut *Box::leak(vec![0; MEMORY].into_boxed_slice()));
        let buffers = Buffers { frames, apdu, blocks };
        match self.kind {
            Kind::Hdlc => self.of(Hdlc::new(buffers)),
            Kind::Stream => self.of(Stream::new(buffers)),
            Kind::Datagram => self.of(Datagram::new(buffers)),
            Kind::Mixed => self.of(Mixed::new(buffers)),
        }
    }

    fn of<S: Source + 'static>(&self, (source, blocks): (S, &'static mut [u8])) -> Box<dyn Ear> {
        let mut listener = Listener::new(source, blocks, self.senders.clone());
        listener.set_layout(self.layout);
        Box::new(listener)
    }

    /// When the first of them wants to be told that time has passed.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.busy.values().filter_map(|ear| ear.deadline()).min()
    }

    pub(super) fn expire(&mut self, now: Instant, told: &mut Told) -> Result<(), Stop> {
        for (from, ear) in &mut self.busy {
            ear.expire(now, &mut |push| told.tell(push, &place(*from)))?;
        }
        self.rest();
        Ok(())
    }

    /// Hears a piece, or that its sender says nothing more.
    pub(super) fn take(&mut self, now: Instant, piece: &Piece, told: &mut Told) -> Result<(), Stop> {
        if !self.busy.contains_key(&piece.from) && !piece.is_end() {
            if self.busy.len() >= MOST {
                tracing::warn!("{}too many send at once; this is not heard", place(piece.from));
                return Ok(());
            }
            let ear = self.idle.pop().unwrap_or_else(|| self.open());
            self.busy.insert(piece.from, ear);
        }
        let Some(ear) = self.busy.get_mut(&piece.from) else { return Ok(()) };
        let mut tell = |push: Result<Push<'_>, PushError>| told.tell(push, &place(piece.from));
        if !piece.is_end() {
            ear.receive(now, &piece.bytes, &mut tell)?;
        } else {
            ear.finish(&mut tell)?;
        }
        self.rest();
        Ok(())
    }

    /// Who has nothing begun needs no listener.
    fn rest(&mut self) {
        let done: Vec<From> =
            self.busy.iter().filter(|(_, ear)| !ear.is_within()).map(|(from, _)| *from).collect();
        let done = done.into_iter().filter(Option::is_some);
        self.idle.extend(done.filter_map(|from| self.busy.remove(&from)));
    }
}

fn place(from: From) -> String {
    from.map_or_else(String::new, |from| format!("from {from}: "))
}

/// Bytes of the longest APDU that the wrapper carries.
const MEMORY: usize = 65_535;

/// Who may have begun a push at the same time.
const MOST: usize = 64;
