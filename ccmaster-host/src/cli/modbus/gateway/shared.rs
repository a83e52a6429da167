//! What the tasks of a gateway share: all run on one thread.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use ccm_core::{Clock, Instant, Writer};
use ccm_modbus::Frame;
use ccm_modbus::gateway::{Adu, Gateway, mbap};
use tokio::sync::Notify;

use super::{MOST_CLIENTS, MOST_PORTS};
use crate::port::TokioTimer;

/// A gateway as large as can be asked for.
pub(super) type HostGateway = Gateway<MOST_PORTS, { MOST_CLIENTS as usize }, QUEUE, CACHE>;

/// The gateway and whom to wake when something has changed.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) gateway: RefCell<Box<HostGateway>>,
    pub(super) timer: TokioTimer,
    clients: RefCell<Vec<Option<Rc<Client>>>>,
    /// One for each port: there is something to ask.
    ports: Vec<Notify>,
    /// There is a new deadline.
    deadline: Notify,
}

/// A connected client: what goes out to it, and whether it is to be closed.
#[derive(Debug)]
pub(super) struct Client {
    out: RefCell<Vec<u8>>,
    pub(super) filled: Notify,
    pub(super) closing: Notify,
    /// When it last sent something.
    active: Cell<Instant>,
}

impl Shared {
    pub(super) fn new(gateway: Box<HostGateway>, ports: usize, clients: usize) -> Self {
        Self {
            gateway: RefCell::new(gateway),
            timer: TokioTimer::default(),
            clients: RefCell::new(vec![None; clients]),
            ports: (0..ports).map(|_| Notify::new()).collect(),
            deadline: Notify::new(),
        }
    }

    /// A number for a new client. Where there is none, one that has been idle for long is asked to go.
    pub(super) fn enter(&self) -> Option<(usize, Rc<Client>)> {
        let mut clients = self.clients.borrow_mut();
        let Some(index) = clients.iter().position(Option::is_none) else {
            let now = self.timer.now();
            let idle = clients.iter().flatten().min_by_key(|client| client.active.get());
            let idle = idle.filter(|client| now.since(client.active.get()) >= IDLE);
            idle.inspect(|client| client.closing.notify_one());
            return None;
        };
        let client = Rc::new(Client {
            out: RefCell::default(),
            filled: Notify::new(),
            closing: Notify::new(),
            active: Cell::new(self.timer.now()),
        });
        *clients.get_mut(index)? = Some(Rc::clone(&client));
        Some((index, client))
    }

    pub(super) fn leave(&self, index: usize) {
        self.gateway.borrow_mut().disconnect(index);
        if let Some(client) = self.clients.borrow_mut().get_mut(index) {
            *client = None;
        }
    }

    /// Takes a request of a client; what is known at once is answered at once.
    pub(super) fn request(&self, index: usize, client: &Client, transaction: u16, frame: Frame<'_>) {
        let now = self.timer.now();
        client.active.set(now);
        let mut gateway = self.gateway.borrow_mut();
        let verdict = gateway.request(now, Adu { client: index, transaction, frame });
        if let Some(pdu) = verdict.answer() {
            return client.send(transaction, &Frame { unit: frame.unit, pdu });
        }
        self.ports.iter().for_each(Notify::notify_one);
        self.deadline.notify_one();
    }

    /// Hands out the answers that are ready.
    pub(super) fn deliver(&self) {
        let (mut gateway, clients) = (self.gateway.borrow_mut(), self.clients.borrow());
        while let Some(reply) = gateway.reply() {
            if let Some(Some(client)) = clients.get(reply.client) {
                client.send(reply.transaction, &reply.frame);
            }
        }
    }

    /// Ends when `port` may have something to ask.
    pub(super) async fn work(&self, port: usize) {
        match self.ports.get(port) {
            Some(port) => port.notified().await,
            None => std::future::pending().await,
        }
    }

    /// Answers requests whose deadline passes while they wait.
    pub(super) async fn keep_deadlines(&self) {
        loop {
            let next = self.gateway.borrow_mut().expire(self.timer.now());
            self.deliver();
            let passed = async {
                match next {
                    Some(next) => tokio::time::sleep(next.since(self.timer.now()).into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = passed => {}
                () = self.deadline.notified() => {}
            }
        }
    }
}

impl Client {
    /// Puts an answer behind those that wait to leave; a client that does not fetch them is closed.
    fn send(&self, transaction: u16, frame: &Frame<'_>) {
        let mut buffer = [0; LONGEST];
        let mut writer = Writer::new(&mut buffer);
        let emitted = mbap::emit(transaction, frame, &mut writer);
        let mut out = self.out.borrow_mut();
        if emitted.is_err() || out.len() > MOST_WAITING {
            self.closing.notify_one();
            return;
        }
        out.extend_from_slice(writer.written());
        self.filled.notify_one();
    }

    /// Exchanges what waits to leave for an empty buffer.
    pub(super) fn take(&self, buffer: &mut Vec<u8>) {
        buffer.clear();
        std::mem::swap(&mut *self.out.borrow_mut(), buffer);
    }
}

/// 16 requests for each of 64 clients; more clients get a smaller share.
pub(super) const QUEUE: usize = 1024;

/// Values of the cache.
const CACHE: usize = 256;

/// Header, unit and PDU.
const LONGEST: usize = 260;

/// Bytes of answers that a client may leave unread, beyond what the sockets hold.
const MOST_WAITING: usize = 64 * 1024;

/// A client that has sent nothing for so long makes room for another.
const IDLE: ccm_core::Duration = ccm_core::Duration::from_secs(60);
