//! Who somebody is: mechanism, secrets and keys, for clients and for meters.

use std::path::{Path, PathBuf};

use ccm_core::crypto::Key;
use ccm_dlms::security::{
    AuthenticationKey, Context, InvocationCounter, Keys, Protection, Suite, SystemTitle,
};
use clap::{Args, ValueEnum};

use super::keys::{Pair, PairArgs, ProtectionArg, Secret, secret, unhex};
use super::pem;
use crate::cli::stop::Stop;

/// How somebody proves who he is, and how messages are protected.
#[derive(Clone, Debug, Args)]
pub(super) struct CredentialArgs {
    /// How we prove who we are, and the meter proves who it is
    #[arg(long, value_enum, default_value_t = AuthArg::None)]
    pub(super) auth: AuthArg,
    /// The password, or 0x and hexadecimal digits; a file is a better place for it
    #[arg(long, value_name = "TEXT", conflicts_with = "password_file")]
    pub(super) password: Option<Secret>,
    /// A file that holds the password alone
    #[arg(long, value_name = "FILE")]
    pub(super) password_file: Option<PathBuf>,
    #[command(flatten)]
    pub(super) pair: PairArgs,
    /// How messages are protected, and must be: both where there are both keys, enc where only --ek is, unless said
    #[arg(long, value_enum)]
    pub(super) protection: Option<ProtectionArg>,
    /// Our private key for signatures: PKCS#8 in PEM, or hexadecimal digits
    #[arg(long, value_name = "FILE")]
    pub(super) signing_key: Option<PathBuf>,
    /// The meter's public key for signatures: PEM, or the hexadecimal digits of x and y
    #[arg(long, value_name = "FILE")]
    pub(super) peer_key: Option<PathBuf>,
}

/// A mechanism, as the command line calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum AuthArg {
    /// The public client
    None,
    /// A password in clear (1)
    Lls,
    /// AES of the challenge, by a password of 16 bytes (2)
    Hls,
    /// MD5 (3)
    HlsMd5,
    /// SHA-1 (4)
    HlsSha1,
    /// GMAC, by --ek and --ak (5)
    HlsGmac,
    /// SHA-256 (6)
    HlsSha256,
    /// Signatures (7)
    HlsEcdsa,
}

/// All that is secret or follows from it.
pub(super) struct Credentials {
    pub(super) auth: AuthArg,
    pub(super) password: Vec<u8>,
    /// Of mechanism 2, or for signatures.
    pub(super) key: Option<Key>,
    pub(super) peer_key: Vec<u8>,
    pub(super) suite: Suite,
    /// The keys for messages, where they are used at all.
    pub(super) keys: Option<(Key, AuthenticationKey)>,
    /// How services are protected, and must be.
    pub(super) protection: Protection,
}

impl Credentials {
    pub(super) fn new(arguments: &CredentialArgs) -> Result<Self, Stop> {
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
        let password = password(arguments)?;
        let (key, peer_key) = match arguments.auth {
            AuthArg::Hls => (Some(vendor(&password)?), Vec::new()),
            AuthArg::HlsEcdsa => signatures(arguments)?,
            _ => (None, Vec::new()),
        };
        let auth = arguments.auth;
        Ok(Self { auth, password, key, peer_key, suite, keys, protection })
    }

    /// Whether proofs or messages name system titles.
    pub(super) const fn needs_title(&self) -> bool {
        self.keys.is_some() || matches!(self.auth, AuthArg::HlsSha256 | AuthArg::HlsEcdsa)
    }

    /// The keys in use, with what is asked of messages; keys that open nothing where none are held.
    pub(super) fn context(
        &self,
        title: SystemTitle,
        counter: InvocationCounter,
    ) -> Result<Context<Key>, Stop> {
        let none = || match self.suite {
            Suite::Two => (Key::Aes256([0; 32]), AuthenticationKey::long([0; 32])),
            _ => (Key::Aes128([0; 16]), AuthenticationKey::short([0; 16])),
        };
        let (encryption, authentication) = self.keys.clone().unwrap_or_else(none);
        let context = Context::new(self.suite, title, Keys::new(encryption, authentication), counter);
        let mut context = context.map_err(|error| Stop::Misuse(error.to_string()))?;
        context.require(self.protection);
        Ok(context)
    }
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
fn password(arguments: &CredentialArgs) -> Result<Vec<u8>, Stop> {
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

fn signatures(arguments: &CredentialArgs) -> Result<(Option<Key>, Vec<u8>), Stop> {
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

pub(super) fn misuse<T>(message: &str) -> Result<T, Stop> {
    Err(Stop::Misuse(message.into()))
}

/// Where the password may stand, too.
const PASSWORD: &str = "CCMASTER_DLMS_PASSWORD";
