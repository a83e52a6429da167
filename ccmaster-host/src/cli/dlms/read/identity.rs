//! Who we are: secrets, keys and titles, and the session that is made of them.

use std::path::Path;

use ccm_core::crypto::{Key, Software};
use ccm_dlms::message::{Conformance, Hidden};
use ccm_dlms::script::{Authentication, Session, Settings};
use ccm_dlms::security::{
    AuthenticationKey, Context, Envelope, InvocationCounter, KeyUse, Keys, Outgoing, Protection, Suite,
};

use super::arguments::{AuthArg, EnvelopeArg, IdentityArgs};
use super::pem;
use crate::cli::dlms::keys::{Pair, ProtectionArg, secret, unhex};
use crate::cli::stop::Stop;

/// All that is secret or follows from it.
pub(super) struct Identity {
    password: Vec<u8>,
    /// Of mechanism 2, or for signatures.
    key: Option<Key>,
    peer_key: Vec<u8>,
    suite: Suite,
    /// The keys for messages, where they are used at all.
    keys: Option<(Key, AuthenticationKey)>,
    /// How services are protected, and must be.
    protection: Protection,
}

impl Identity {
    pub(super) fn new(arguments: &IdentityArgs) -> Result<Self, Stop> {
        let Pair { suite, encryption, authentication } = arguments.pair.read()?;
        let by_keys = arguments.auth == AuthArg::HlsGmac;
        let usual = match (&encryption, &authentication) {
            (Some(_), Some(_)) => Protection::BOTH,
            (Some(_), None) => Protection::ENCRYPTED,
            _ => Protection::NONE,
        };
        let protection = arguments.protection.map_or(usual, ProtectionArg::into);
        let wanted = by_keys || protection != Protection::NONE;
        let keys =
            wanted.then(|| keys(suite, encryption, authentication, protection, by_keys)).transpose()?;
        let needs_title = wanted || matches!(arguments.auth, AuthArg::HlsSha256 | AuthArg::HlsEcdsa);
        if needs_title && arguments.system_title.is_none() {
            return misuse("keys, hls-sha256 and hls-ecdsa want --system-title");
        }
        let password = password(arguments)?;
        let (key, peer_key) = match arguments.auth {
            AuthArg::Hls => (Some(vendor(&password)?), Vec::new()),
            AuthArg::HlsEcdsa => signatures(arguments)?,
            _ => (None, Vec::new()),
        };
        Ok(Self { password, key, peer_key, suite, keys, protection })
    }

    /// Whether messages or challenges use up invocation counters.
    pub(super) const fn counts(&self) -> bool {
        self.keys.is_some()
    }

    /// A new dedicated key, where the envelope wants one.
    pub(super) fn dedicated(&self, arguments: &IdentityArgs) -> Result<Option<(Vec<u8>, Key)>, Stop> {
        let wants = matches!(arguments.envelope, EnvelopeArg::Ded | EnvelopeArg::GeneralDed);
        if !wants || self.protection == Protection::NONE {
            return Ok(None);
        }
        let bytes: [u8; 32] = random()?;
        let short = bytes.first_chunk().copied().unwrap_or_default();
        Ok(Some(match self.suite {
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
        let Some((encryption, authentication)) = self.keys.clone() else { return Ok(session) };
        let Some(title) = arguments.system_title else { return misuse("keys want --system-title") };
        let context = Context::new(self.suite, title, Keys::new(encryption, authentication), counter);
        let mut context = context.map_err(|error| Stop::Misuse(error.to_string()))?;
        context.require(self.protection);
        let outgoing = (self.protection != Protection::NONE).then_some(self.outgoing(arguments.envelope));
        Ok(session.with_security(context, outgoing))
    }

    fn outgoing(&self, envelope: EnvelopeArg) -> Outgoing {
        let (envelope, key) = match envelope {
            EnvelopeArg::Glo => (Envelope::Service, KeyUse::Global),
            EnvelopeArg::Ded => (Envelope::Service, KeyUse::Dedicated),
            EnvelopeArg::GeneralGlo => (Envelope::General, KeyUse::Global),
            EnvelopeArg::GeneralDed => (Envelope::General, KeyUse::Dedicated),
        };
        Outgoing { envelope, key, protection: self.protection }
    }

    fn settings(&self, arguments: &IdentityArgs) -> Result<Settings<'_, Key>, Stop> {
        let usual = if arguments.short_names { Settings::SHORT_NAMES } else { Settings::PUBLIC };
        let titled = matches!(arguments.auth, AuthArg::HlsSha256 | AuthArg::HlsEcdsa);
        Ok(Settings {
            authentication: self.authentication(arguments.auth)?,
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

    fn authentication(&self, auth: AuthArg) -> Result<Authentication<'_, Key>, Stop> {
        let password = Hidden(&self.password);
        let key = || self.key.as_ref().ok_or_else(|| Stop::Misuse("there is no key".into()));
        Ok(match auth {
            AuthArg::None => Authentication::Lowest,
            AuthArg::Lls => Authentication::Low(password),
            AuthArg::Hls => Authentication::Vendor(key()?),
            AuthArg::HlsMd5 => Authentication::Md5(password),
            AuthArg::HlsSha1 => Authentication::Sha1(password),
            AuthArg::HlsGmac => Authentication::Gmac,
            AuthArg::HlsSha256 => Authentication::Sha256(password),
            AuthArg::HlsEcdsa => Authentication::Ecdsa { key: key()?, peer_key: &self.peer_key },
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

fn keys(
    suite: Suite,
    encryption: Option<Key>,
    authentication: Option<AuthenticationKey>,
    protection: Protection,
    by_keys: bool,
) -> Result<(Key, AuthenticationKey), Stop> {
    let Some(encryption) = encryption else {
        return misuse("hls-gmac and --protection want --ek-file or CCMASTER_DLMS_EK");
    };
    if authentication.is_none() && (protection.authenticated || by_keys) {
        return misuse("what is authenticated wants --ak-file or CCMASTER_DLMS_AK");
    }
    let unused = match suite {
        Suite::Two => AuthenticationKey::long([0; 32]),
        _ => AuthenticationKey::short([0; 16]),
    };
    Ok((encryption, authentication.unwrap_or(unused)))
}

/// The password; empty where the mechanism has none.
fn password(arguments: &IdentityArgs) -> Result<Vec<u8>, Stop> {
    let wanted = matches!(
        arguments.auth,
        AuthArg::Lls | AuthArg::Hls | AuthArg::HlsMd5 | AuthArg::HlsSha1 | AuthArg::HlsSha256
    );
    let text = secret(arguments.password.as_ref(), arguments.password_file.as_deref(), PASSWORD)?;
    let Some(text) = text.filter(|_| wanted) else {
        return if wanted {
            misuse(&format!("give the password with --password-file or {PASSWORD}"))
        } else {
            Ok(Vec::new())
        };
    };
    match text.strip_prefix("0x") {
        Some(digits) => {
            unhex(digits).ok_or_else(|| Stop::Misuse("the password has a digit that is none".into()))
        }
        None => Ok(text.into_bytes()),
    }
}

fn vendor(password: &[u8]) -> Result<Key, Stop> {
    let key = password.try_into().map(Key::Aes128);
    key.map_err(|_| Stop::Misuse("the password of --auth hls has 16 bytes".into()))
}

fn signatures(arguments: &IdentityArgs) -> Result<(Option<Key>, Vec<u8>), Stop> {
    let (Some(own), Some(peer)) = (&arguments.signing_key, &arguments.peer_key) else {
        return misuse("hls-ecdsa wants --signing-key and --peer-key");
    };
    let (key, peer_key) = (pem::private(&text(own)?), pem::public(&text(peer)?));
    let key =
        key.ok_or_else(|| Stop::Misuse(format!("{} holds no private key of P-256 or P-384", own.display())))?;
    let peer = peer_key
        .ok_or_else(|| Stop::Misuse(format!("{} holds no public key of P-256 or P-384", peer.display())))?;
    match (&key, peer.len()) {
        (Key::P256(_), 64) | (Key::P384(_), 96) => Ok((Some(key), peer)),
        _ => misuse("the two keys for signatures are of different curves"),
    }
}

fn text(path: &Path) -> Result<String, Stop> {
    crate::cli::stop::secret_file(path)
}

fn misuse<T>(message: &str) -> Result<T, Stop> {
    Err(Stop::Misuse(message.into()))
}

/// Where the password may stand, too.
const PASSWORD: &str = "CCMASTER_DLMS_PASSWORD";
