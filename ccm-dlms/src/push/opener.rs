//! Who opens what is ciphered.

use ccm_core::crypto::Crypto;

use crate::security::{Agreement, Context, Envelope, KeyUse, SecurityError, glance};

/// Opens protected messages: [`Plain`] none, [`Sender`] those of one meter. Who hears several meters looks at the title
/// ([`glance`]) and asks the right one.
pub trait Opener {
    /// Gives the message within a protected one, in place; one that is in no envelope as it is, where that is allowed.
    ///
    /// # Errors
    /// Why it is not believed. What `apdu` holds then is not to be used.
    fn open<'a>(&mut self, apdu: &'a mut [u8]) -> Result<&'a mut [u8], SecurityError>;
}

/// Has no keys: takes what is in no envelope, and links no cryptography.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plain;

impl Opener for Plain {
    fn open<'a>(&mut self, apdu: &'a mut [u8]) -> Result<&'a mut [u8], SecurityError> {
        match glance(apdu)? {
            None => Ok(apdu),
            Some(_) => Err(SecurityError::NoKey { key: KeyUse::Global }),
        }
    }
}

/// The keys of one meter. What it must be protected with says [`Context::require`].
///
/// Where the context knows no title, that of the first message that is believed becomes the meter's, and no other is
/// believed from then on.
#[derive(Debug)]
pub struct Sender<'c, C: Crypto> {
    crypto: &'c C,
    context: Context<C::Key>,
    is_known: bool,
}

impl<'c, C: Crypto> Sender<'c, C> {
    /// Opens with the keys of `context`.
    pub const fn new(crypto: &'c C, context: Context<C::Key>) -> Self {
        let is_known = context.peer().is_some();
        Self { crypto, context, is_known }
    }

    /// The context, to store the numbers that were believed last.
    pub const fn context(&self) -> &Context<C::Key> {
        &self.context
    }

    /// The same, to set the numbers that were stored, or another key.
    pub const fn context_mut(&mut self) -> &mut Context<C::Key> {
        &mut self.context
    }
}

impl<C: Crypto> Opener for Sender<'_, C> {
    fn open<'a>(&mut self, apdu: &'a mut [u8]) -> Result<&'a mut [u8], SecurityError> {
        let envelope = glance(apdu)?;
        if let Some(title) = envelope.and_then(|glance| glance.title).filter(|_| !self.is_known) {
            self.context.set_peer(title);
        }
        let incoming = match envelope {
            Some(glance) if glance.envelope == Envelope::Ciphering => {
                self.context.unprotect_general(self.crypto, &Agreement::default(), apdu)?.incoming
            }
            _ => self.context.unprotect(self.crypto, apdu)?,
        };
        self.is_known |= incoming.envelope.is_some();
        Ok(incoming.apdu)
    }
}
