//! The meters whose pushes are opened, each with its own counters.

use std::cell::RefCell;
use std::rc::Rc;

use ccm_core::crypto::Software;
use ccm_dlms::push::{Opener, Plain, Sender};
use ccm_dlms::security::{Glance, Protection, SecurityError, SystemTitle, glance};

use super::keys::Held;

/// All meters that have the keys, shared by all that is listened to: a push that comes again over another connection is
/// a repetition too.
#[derive(Clone)]
pub(super) struct Senders(Rc<RefCell<Inner>>);

struct Inner {
    held: Option<Held>,
    known: Vec<(SystemTitle, Sender<'static, Software>)>,
}

impl Senders {
    pub(super) fn new(held: Option<Held>) -> Self {
        Self(Rc::new(RefCell::new(Inner { held, known: Vec::new() })))
    }
}

impl Opener for Senders {
    fn open<'a>(&mut self, apdu: &'a mut [u8]) -> Result<&'a mut [u8], SecurityError> {
        self.0.borrow_mut().open(apdu)
    }
}

impl Inner {
    fn open<'a>(&mut self, apdu: &'a mut [u8]) -> Result<&'a mut [u8], SecurityError> {
        let Some(held) = &self.held else { return Plain.open(apdu) };
        let Some(found) = glance(apdu)? else {
            let (required, found) = (held.required, Protection::NONE);
            return if required == found { Ok(apdu) } else { Err(SecurityError::Policy { required, found }) };
        };
        if found.control.protection.authenticated && !held.authenticates() {
            // No tag can be checked, and nothing is believed unchecked.
            return Err(SecurityError::AuthenticationKey { expected: 16, found: 0 });
        }
        let title = sender(held, found)?;
        if let Some((_, sender)) = self.known.iter_mut().find(|(known, _)| *known == title) {
            return sender.open(apdu);
        }
        let mut context = held.context()?;
        context.set_peer(title);
        let mut sender = Sender::new(&Software, context);
        let opened = sender.open(apdu)?;
        // Only who has the keys is remembered.
        self.known.push((title, sender));
        Ok(opened)
    }
}

/// Who claims to have sent.
fn sender(held: &Held, glance: Glance) -> Result<SystemTitle, SecurityError> {
    match (glance.title, held.peer) {
        (Some(found), Some(peer)) if found != peer => Err(SecurityError::UnknownTitle { found }),
        (found, peer) => found.or(peer).ok_or(SecurityError::NoTitle),
    }
}
