//! A DLMS meter between two polls: its association, its keys, and what it does not have.

use ccm_config::limits::MeterAddress;
use ccm_config::{Auth, CipherKey, Dlms, Protection as Protected};
use ccm_core::crypto::Crypto;
use ccm_dlms::message::{ExceptionServiceError, Hidden};
use ccm_dlms::script::{Authentication, Session, SessionError, Settings};
use ccm_dlms::security::{
    AuthenticationKey, Context, InvocationCounter, Keys, Outgoing, Protection, SecurityError, Suite,
    SystemTitle,
};
use ccm_dlms::{Error, hdlc};
use ccm_registry::Map;

use super::objects::Objects;
use super::{Vault, VaultError};

/// A meter on a port with [`Link::Dlms`](ccm_config::Link::Dlms).
pub struct DlmsMeter<'s, C: Crypto> {
    pub(super) device: usize,
    /// Its IEC 62056-21 address, for mode E.
    pub(super) address: MeterAddress,
    pub(super) settings: &'s Dlms,
    pub(super) session: Session<'s, C>,
    pub(super) objects: Objects,
    /// It answers lists of attributes, as far as is known.
    pub(super) takes_lists: bool,
    /// The lowest invocation counter that it takes, as far as it has said one.
    least: u32,
    pub(super) counter: Counter,
}

/// Whether the meter may have seen higher invocation counters than the hub remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counter {
    Trusted,
    /// The meter has refused the association, and does not say why.
    Doubted,
    /// It was asked for what it has seen; if it still refuses, it refuses for another reason.
    Asked,
}

/// Keys have handles of any kind, and are not printed.
impl<C: Crypto> core::fmt::Debug for DlmsMeter<'_, C> {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.debug_struct("DlmsMeter").field("device", &self.device).finish_non_exhaustive()
    }
}

impl<'s, C: Crypto> DlmsMeter<'s, C> {
    /// The meter at this place among the settings' devices; `key` makes handles of its keys.
    ///
    /// # Errors
    /// [`SecurityError::AuthenticationKey`], which checked settings do not give.
    pub fn new(
        (device, known): (usize, &ccm_config::Device),
        settings: &'s Dlms,
        map: &'static Map<'static>,
        (crypto, key): (&'s C, impl FnOnce(&CipherKey) -> C::Key),
    ) -> Result<Self, SecurityError> {
        Ok(Self {
            device,
            address: known.address.clone(),
            settings,
            session: session(settings, crypto, key)?,
            objects: Objects::new(map),
            takes_lists: true,
            least: 1,
            counter: Counter::Trusted,
        })
    }

    /// Sees to it that there are invocation counters enough for what comes next.
    pub(super) fn top_up(&mut self, vault: &mut impl Vault) -> Result<(), VaultError> {
        let Some(context) = self.session.security_mut() else { return Ok(()) };
        let (title, counter) = (context.own_title(), context.counter());
        if counter.due().is_none() && counter.next() >= self.least {
            return Ok(());
        }
        let first = vault.reserve(title.bytes(), self.least.max(counter.next()), MARGIN)?;
        let counter = context.counter_mut();
        counter.raise(first);
        counter.stored(first.saturating_add(MARGIN));
        Ok(())
    }

    /// Learns from what went wrong: a meter may say which invocation counter it expects, or refuse and say nothing.
    pub(super) fn learn(&mut self, error: &Error) {
        let Error::Session(error) = error else { return };
        let refuses = matches!(error, SessionError::Refused { .. } | SessionError::Service(_));
        match error {
            SessionError::Exception(exception) => {
                if let ExceptionServiceError::InvocationCounterError { expected } = exception.service_error {
                    self.expects(expected);
                }
            }
            _ if refuses && self.counter == Counter::Trusted && self.session.security().is_some() => {
                self.counter = Counter::Doubted;
            }
            _ => {}
        }
    }

    /// Goes on counting from `least`. Nothing protects what a meter says of that, so it is believed only as far as a hub
    /// can have counted.
    pub(super) fn expects(&mut self, least: u32) {
        let next = self.session.security().map_or(0, |context| context.counter().next());
        if least.saturating_sub(next) <= AHEAD {
            self.least = self.least.max(least);
        }
    }

    /// How it is called by a client over HDLC.
    pub(super) fn hdlc(&self, client: u8) -> hdlc::Hdlc {
        let (server, physical) = (self.settings.server, self.settings.physical);
        let width = match physical {
            None if server <= SEPTET => hdlc::Width::One,
            Some(physical) if server <= SEPTET && physical <= SEPTET => hdlc::Width::Two,
            _ => hdlc::Width::Four,
        };
        let address = hdlc::Address::new(server, physical.unwrap_or_default(), width);
        // Both halves fit: the settings were checked.
        hdlc::Hdlc::new(hdlc::Address::client(client), address.unwrap_or(hdlc::Address::client(1)))
    }
}

fn session<'s, C: Crypto>(
    dlms: &'s Dlms,
    crypto: &'s C,
    key: impl FnOnce(&CipherKey) -> C::Key,
) -> Result<Session<'s, C>, SecurityError> {
    let password = Hidden(dlms.password.as_ref().map_or(&[], |password| password.bytes()));
    let authentication = match dlms.auth {
        Auth::None => Authentication::Lowest,
        Auth::Lls => Authentication::Low(password),
        Auth::HlsMd5 => Authentication::Md5(password),
        Auth::HlsSha1 => Authentication::Sha1(password),
        Auth::HlsGmac => Authentication::Gmac,
        Auth::HlsSha256 => Authentication::Sha256(password),
    };
    let needs_title = dlms.security.is_none() && dlms.auth == Auth::HlsSha256;
    let title = dlms.system_title.map(SystemTitle::new);
    let settings = Settings { authentication, own_title: title.filter(|_| needs_title), ..Settings::PUBLIC };
    let session = Session::new(crypto, settings);
    let Some((security, title)) = dlms.security.as_ref().zip(title) else { return Ok(session) };
    let suite = match security.suite {
        0 => Suite::Zero,
        1 => Suite::One,
        _ => Suite::Two,
    };
    let authentication = match &security.authentication {
        CipherKey::Short(key) => AuthenticationKey::short(*key),
        CipherKey::Long(key) => AuthenticationKey::long(*key),
    };
    let keys = Keys::new(key(&security.encryption), authentication);
    let mut context = Context::new(suite, title, keys, InvocationCounter::resume(0, MARGIN))?;
    let protection = protection(security.protection);
    context.require(protection);
    let outgoing = (protection != Protection::NONE).then_some(Outgoing { protection, ..Outgoing::GLOBAL });
    Ok(session.with_security(context, outgoing))
}

const fn protection(protected: Protected) -> Protection {
    match protected {
        Protected::None => Protection::NONE,
        Protected::Auth => Protection::AUTHENTICATED,
        Protected::Enc => Protection::ENCRYPTED,
        Protected::Both => Protection::BOTH,
    }
}

/// So many invocation counters are stored ahead of their use: a page of flash lasts longer, and a power cut costs no more
/// than these.
const MARGIN: u32 = 256;

/// How far ahead of the own a meter's counter may be: years of polls every few seconds.
const AHEAD: u32 = 1 << 28;

const SEPTET: u16 = 0x7F;
