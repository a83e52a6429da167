//! Who we are: secrets, keys and titles, and the session that is made of them.

use ccm_core::crypto::{Key, Software};
use ccm_dlms::message::{Conformance, Hidden};
use ccm_dlms::script::{Authentication, Session, Settings};
use ccm_dlms::security::{Envelope, InvocationCounter, KeyUse, Outgoing, Protection, Suite};

use super::arguments::{EnvelopeArg, IdentityArgs};
use crate::cli::dlms::credentials::{AuthArg, Credentials, misuse};
use crate::cli::stop::Stop;

/// Who we are to the meter.
pub(super) struct Identity(Credentials);

impl Identity {
    pub(super) fn new(arguments: &IdentityArgs) -> Result<Self, Stop> {
        let credentials = Credentials::new(&arguments.credentials)?;
        if credentials.needs_title() && arguments.system_title.is_none() {
            return misuse("keys, hls-sha256 and hls-ecdsa want --system-title");
        }
        Ok(Self(credentials))
    }

    /// Whether messages or challenges use up invocation counters.
    pub(super) const fn counts(&self) -> bool {
        self.0.keys.is_some()
    }

    /// A new dedicated key, where the envelope wants one.
    pub(super) fn dedicated(&self, arguments: &IdentityArgs) -> Result<Option<(Vec<u8>, Key)>, Stop> {
        let wants = matches!(arguments.envelope, EnvelopeArg::Ded | EnvelopeArg::GeneralDed);
        if !wants || self.0.protection == Protection::NONE {
            return Ok(None);
        }
        let bytes: [u8; 32] = random()?;
        let short = bytes.first_chunk().copied().unwrap_or_default();
        Ok(Some(match self.0.suite {
            Suite::Two => (bytes.to_vec(), Key::Aes256(bytes)),
            _ => (short.to_vec(), Key::Aes128(short)),
        }))
    }

    /// A session that counts from `counter`.
    pub(super) fn session(
        &self,
        arguments: &IdentityArgs,
        counter: InvocationCounter,
    ) -> Result<Session<'_, Software>, Stop> {
        let session = Session::new(&Software, self.settings(arguments)?);
        let Some(title) = arguments.system_title.filter(|_| self.counts()) else { return Ok(session) };
        let context = self.0.context(title, counter)?;
        let outgoing = (self.0.protection != Protection::NONE).then_some(self.outgoing(arguments.envelope));
        Ok(session.with_security(context, outgoing))
    }

    fn outgoing(&self, envelope: EnvelopeArg) -> Outgoing {
        let (envelope, key) = match envelope {
            EnvelopeArg::Glo => (Envelope::Service, KeyUse::Global),
            EnvelopeArg::Ded => (Envelope::Service, KeyUse::Dedicated),
            EnvelopeArg::GeneralGlo => (Envelope::General, KeyUse::Global),
            EnvelopeArg::GeneralDed => (Envelope::General, KeyUse::Dedicated),
        };
        Outgoing { envelope, key, protection: self.0.protection }
    }

    fn settings(&self, arguments: &IdentityArgs) -> Result<Settings<'_, Key>, Stop> {
        let usual = if arguments.short_names { Settings::SHORT_NAMES } else { Settings::PUBLIC };
        let titled = matches!(self.0.auth, AuthArg::HlsSha256 | AuthArg::HlsEcdsa);
        Ok(Settings {
            authentication: self.authentication()?,
            conformance: conformance(usual.conformance, arguments.gbt.is_some()),
            max_receive_pdu_size: arguments.max_pdu,
            own_title: arguments.system_title.filter(|_| titled),
            peer_title: arguments.server_title,
            association: arguments.association.name,
            release: arguments.release.into(),
            window: arguments.gbt.unwrap_or(usual.window),
            ..usual
        })
    }

    fn authentication(&self) -> Result<Authentication<'_, Key>, Stop> {
        let password = Hidden(&self.0.password);
        let key = || self.0.key.as_ref().ok_or_else(|| Stop::Misuse("there is no key".into()));
        Ok(match self.0.auth {
            AuthArg::None => Authentication::Lowest,
            AuthArg::Lls => Authentication::Low(password),
            AuthArg::Hls => Authentication::Vendor(key()?),
            AuthArg::HlsMd5 => Authentication::Md5(password),
            AuthArg::HlsSha1 => Authentication::Sha1(password),
            AuthArg::HlsGmac => Authentication::Gmac,
            AuthArg::HlsSha256 => Authentication::Sha256(password),
            AuthArg::HlsEcdsa => Authentication::Ecdsa { key: key()?, peer_key: &self.0.peer_key },
        })
    }
}

/// Random bytes of the system.
pub(super) fn random<const N: usize>() -> Result<[u8; N], Stop> {
    let mut bytes = [0; N];
    let filled = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    match filled {
        Ok(count) if count == N => Ok(bytes),
        _ => Err(Stop::failed("port", "the system gives no random bytes")),
    }
}

/// With general block transfer alone a server has no other way to send what is long.
fn conformance(usual: Conformance, general_blocks: bool) -> Conformance {
    let own = Conformance::BLOCK_TRANSFER_WITH_GET_OR_READ
        .union(Conformance::BLOCK_TRANSFER_WITH_SET_OR_WRITE)
        .union(Conformance::BLOCK_TRANSFER_WITH_ACTION);
    if general_blocks { usual.difference(own) } else { usual }
}
