//! Keys as they are typed, kept in files or in the environment.

use std::path::{Path, PathBuf};

use ccm_core::crypto::Key;
use ccm_dlms::security::{
    AuthenticationKey, Context, InvocationCounter, Keys, Protection, SecurityError, Suite, SystemTitle,
};
use clap::{Args, ValueEnum};

use crate::cli::stop::{Stop, secret_file};

/// What the meter's messages are protected with.
#[derive(Clone, Debug, Args)]
pub(super) struct KeyArgs {
    #[command(flatten)]
    pair: PairArgs,
    /// The meter's system title, 16 hexadecimal digits: without it, that of every meter that has the keys
    #[arg(long, value_name = "HEX", value_parser = title)]
    system_title: Option<SystemTitle>,
    /// Our own title, which messages of general-ciphering may be addressed to
    #[arg(long, value_name = "HEX", value_parser = title)]
    own_title: Option<SystemTitle>,
    /// What a push must be protected with at least
    #[arg(long, value_enum)]
    protection: Option<ProtectionArg>,
}

/// The two keys that both sides hold.
#[derive(Clone, Debug, Args)]
pub(super) struct PairArgs {
    /// The encryption key (GUEK, or GBEK of broadcasts), in hexadecimal digits; a file is a better place for it
    #[arg(long, value_name = "HEX", conflicts_with = "ek_file")]
    ek: Option<Secret>,
    /// A file that holds the encryption key alone
    #[arg(long, value_name = "FILE")]
    ek_file: Option<PathBuf>,
    /// The authentication key (GAK)
    #[arg(long, value_name = "HEX", conflicts_with = "ak_file")]
    ak: Option<Secret>,
    /// A file that holds the authentication key alone
    #[arg(long, value_name = "FILE")]
    ak_file: Option<PathBuf>,
    /// The security suite
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=2))]
    suite: u8,
}

/// The two keys, as far as they are there.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    pub(super) suite: Suite,
    pub(super) encryption: Option<Key>,
    pub(super) authentication: Option<AuthenticationKey>,
}

impl PairArgs {
    /// Reads them from wherever they are.
    pub(super) fn read(&self) -> Result<Pair, Stop> {
        let suite = Suite::try_from(self.suite).map_err(|error| Stop::Misuse(error.to_string()))?;
        let encryption = secret(self.ek.as_ref(), self.ek_file.as_deref(), "CCMASTER_DLMS_EK")?;
        let authentication = secret(self.ak.as_ref(), self.ak_file.as_deref(), "CCMASTER_DLMS_AK")?;
        Ok(Pair {
            suite,
            encryption: encryption.map(|text| encryption_key(suite, &text)).transpose()?,
            authentication: authentication.map(|text| authentication_key(suite, &text)).transpose()?,
        })
    }
}

/// Protection, as the command line calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ProtectionArg {
    None,
    Auth,
    Enc,
    Both,
}

impl From<ProtectionArg> for Protection {
    fn from(protection: ProtectionArg) -> Self {
        match protection {
            ProtectionArg::None => Self::NONE,
            ProtectionArg::Auth => Self::AUTHENTICATED,
            ProtectionArg::Enc => Self::ENCRYPTED,
            ProtectionArg::Both => Self::BOTH,
        }
    }
}

/// Digits of a key, which are never printed.
#[derive(Clone)]
pub(super) struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secret(..)")
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// Keys, and what is asked of messages.
#[derive(Clone, Debug)]
pub(super) struct Held {
    suite: Suite,
    encryption: Key,
    /// Nothing where the meter authenticates nothing, or its key is not known.
    authentication: Option<AuthenticationKey>,
    pub(super) required: Protection,
    own_title: SystemTitle,
    pub(super) peer: Option<SystemTitle>,
}

impl KeyArgs {
    /// The keys, where there are any.
    pub(super) fn held(&self) -> Result<Option<Held>, Stop> {
        let Pair { suite, encryption, authentication } = self.pair.read()?;
        let Some(encryption) = encryption else { return self.without(authentication.is_some()) };
        let default = if authentication.is_some() { Protection::BOTH } else { Protection::ENCRYPTED };
        let required = self.protection.map_or(default, Into::into);
        if required.authenticated && authentication.is_none() {
            return Err(Stop::Misuse("what must be authenticated wants --ak or --ak-file".into()));
        }
        let own_title = self.own_title.unwrap_or(SystemTitle::new([0; 8]));
        Ok(Some(Held { suite, encryption, authentication, required, own_title, peer: self.system_title }))
    }

    fn without(&self, has_authentication: bool) -> Result<Option<Held>, Stop> {
        let asks = !matches!(self.protection, None | Some(ProtectionArg::None));
        match has_authentication || asks {
            true => Err(Stop::Misuse("--ak and --protection want --ek or --ek-file".into())),
            false => Ok(None),
        }
    }
}

impl Held {
    /// Whether the authentication key is known.
    pub(super) const fn authenticates(&self) -> bool {
        self.authentication.is_some()
    }

    /// A meter that nothing was heard of yet.
    pub(super) fn context(&self) -> Result<Context<Key>, SecurityError> {
        let none = match self.suite {
            Suite::Two => AuthenticationKey::long([0; 32]),
            _ => AuthenticationKey::short([0; 16]),
        };
        let authentication = self.authentication.clone().unwrap_or(none);
        let keys = Keys::new(self.encryption.clone(), authentication);
        let mut context = Context::new(self.suite, self.own_title, keys, InvocationCounter::volatile(1))?;
        context.require(self.required);
        Ok(context)
    }
}

/// A secret from the command line, a file or the environment.
pub(super) fn secret(
    typed: Option<&Secret>,
    file: Option<&Path>,
    variable: &str,
) -> Result<Option<String>, Stop> {
    match (typed, file) {
        (Some(Secret(text)), _) => Ok(Some(text.clone())),
        (None, Some(path)) => secret_file(path).map(Some),
        (None, None) => Ok(std::env::var(variable).ok()),
    }
}

fn encryption_key(suite: Suite, text: &str) -> Result<Key, Stop> {
    match suite {
        Suite::Two => Ok(Key::Aes256(key(text)?)),
        _ => Ok(Key::Aes128(key(text)?)),
    }
}

fn authentication_key(suite: Suite, text: &str) -> Result<AuthenticationKey, Stop> {
    match suite {
        Suite::Two => Ok(AuthenticationKey::long(key(text)?)),
        _ => Ok(AuthenticationKey::short(key(text)?)),
    }
}

fn key<const N: usize>(text: &str) -> Result<[u8; N], Stop> {
    let bytes = unhex(text).and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| Stop::Misuse(format!("a key of this suite has {} hexadecimal digits", 2 * N)))
}

pub(super) fn title(text: &str) -> Result<SystemTitle, String> {
    let bytes = unhex(text).and_then(|bytes| bytes.try_into().ok());
    bytes.map(SystemTitle::new).ok_or_else(|| "a system title has 16 hexadecimal digits".into())
}

/// Bytes of hexadecimal digits, with or without spaces or colons between them.
pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text
        .chars()
        .filter(|digit| !digit.is_whitespace() && *digit != ':')
        .map(|digit| digit.to_digit(16))
        .collect();
    let pair = |pair: &[u32]| match pair {
        [high, low] => u8::try_from(high << 4 | low).ok(),
        _ => None,
    };
    digits?.chunks(2).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_read_as_people_write_them() {
        assert_eq!(unhex("7e A0:08\r\n"), Some(vec![0x7E, 0xA0, 0x08]));
        assert!(unhex("7").is_none() && unhex("0x7E").is_none());
        assert_eq!(unhex(""), Some(vec![]));
    }

    #[test]
    fn keys_have_the_suites_length_and_are_not_printed() {
        assert!(encryption_key(Suite::Zero, &"00".repeat(16)).is_ok());
        assert!(encryption_key(Suite::Two, &"00".repeat(16)).is_err());
        assert!(authentication_key(Suite::Two, &"00".repeat(32)).is_ok());
        assert_eq!(format!("{:?}", Secret("00".into())), "Secret(..)");
        assert!(title("4D4D4D0000BC614E").is_ok() && title("4D").is_err());
    }
}
