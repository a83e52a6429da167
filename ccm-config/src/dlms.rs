//! Meters that speak DLMS/COSEM: who asks, who answers, and with which secrets.

use core::fmt;

use heapless::Vec;
use serde::{Deserialize, Serialize};

use crate::Secret;
use crate::limits::{Id, Title};

/// What carries the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Framing {
    /// HDLC frames (IEC 62056-46): on serial lines, and through gateways that pass them on.
    Hdlc,
    /// The wrapper of TCP (IEC 62056-47).
    Wrapper,
}

/// How the client proves who it is (IEC 62056-5-3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Auth {
    /// Not at all.
    #[default]
    None,
    /// By a password in clear.
    Lls,
    /// By MD5 of challenge and password.
    HlsMd5,
    /// By SHA-1 of challenge and password.
    HlsSha1,
    /// By GMAC of the challenge, with the keys.
    HlsGmac,
    /// By SHA-256 of password, titles and challenges.
    HlsSha256,
}

impl Auth {
    pub(crate) const fn has_password(self) -> bool {
        matches!(self, Self::Lls | Self::HlsMd5 | Self::HlsSha1 | Self::HlsSha256)
    }

    pub(crate) const fn has_title(self) -> bool {
        matches!(self, Self::HlsGmac | Self::HlsSha256)
    }
}

/// How messages are protected, in both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protection {
    /// Not at all.
    None,
    /// Authenticated.
    Auth,
    /// Encrypted.
    Enc,
    /// Authenticated and encrypted.
    Both,
}

/// How a device on a port with `dlms` is talked to: who asks, who answers, and with which secrets. All but the device has a
/// default: the public client of logical device 1.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DlmsDraft {
    /// The name of the device.
    pub device: Id,
    /// The client's address.
    pub client: Option<u32>,
    /// The address of the logical device.
    pub server: Option<u32>,
    /// The physical device, where several are on one line; only over HDLC.
    pub physical: Option<u32>,
    /// How the client proves who it is.
    pub auth: Option<Auth>,
    /// The password of LLS, or the secret of HLS: a text, or `hex:` and hexadecimal digits.
    pub password: Option<Secret>,
    /// The security suite; only with `key`.
    pub suite: Option<u32>,
    /// How messages are protected; only with `key`.
    pub protection: Option<Protection>,
    /// The global unicast encryption key: 32 hexadecimal digits, 64 in suite 2.
    pub key: Option<Secret>,
    /// The authentication key, as long.
    pub authentication_key: Option<Secret>,
    /// The client's own system title: 16 hexadecimal digits.
    pub system_title: Option<Title>,
}

/// How a DLMS meter is talked to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dlms {
    /// The client's address: 16 is the public one.
    pub client: u8,
    /// The address of the logical device.
    pub server: u16,
    /// The physical device, where several are on one line.
    pub physical: Option<u16>,
    /// How the client proves who it is.
    pub auth: Auth,
    /// The password or secret, exactly where `auth` wants one.
    pub password: Option<Password>,
    /// The client's own system title; there wherever keys or `auth` want one.
    pub system_title: Option<[u8; 8]>,
    /// Keys, and what they are used for.
    pub security: Option<DlmsSecurity>,
}

/// Keys of a DLMS meter, and what they are used for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DlmsSecurity {
    /// The security suite: 0, 1 or 2.
    pub suite: u8,
    /// How messages are protected.
    pub protection: Protection,
    /// The global unicast encryption key.
    pub encryption: CipherKey,
    /// The authentication key.
    pub authentication: CipherKey,
}

/// A password or secret of 1 to 64 bytes. It is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(pub(crate) Vec<u8, 64>);

impl Password {
    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A key of the suite's length. It is never printed.
#[derive(Clone, PartialEq, Eq)]
pub enum CipherKey {
    /// Suites 0 and 1: AES-128.
    Short([u8; 16]),
    /// Suite 2: AES-256.
    Long([u8; 32]),
}

impl fmt::Debug for Password {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Password(..)")
    }
}

impl fmt::Debug for CipherKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("CipherKey(..)")
    }
}

impl CipherKey {
    fn secret(&self) -> Secret {
        match self {
            Self::Short(key) => Secret::of(key),
            Self::Long(key) => Secret::of(key),
        }
    }
}

impl Dlms {
    /// The public client of logical device 1: no secrets.
    pub const PUBLIC: Self = Self {
        client: 16,
        server: 1,
        physical: None,
        auth: Auth::None,
        password: None,
        system_title: None,
        security: None,
    };

    pub(crate) fn draft(&self, device: Id) -> DlmsDraft {
        let security = self.security.as_ref();
        DlmsDraft {
            device,
            client: Some(self.client.into()),
            server: Some(self.server.into()),
            physical: self.physical.map(u32::from),
            auth: Some(self.auth),
            password: self.password.as_ref().map(|password| Secret::of_password(password.bytes())),
            suite: security.map(|security| security.suite.into()),
            protection: security.map(|security| security.protection),
            key: security.map(|security| security.encryption.secret()),
            authentication_key: security.map(|security| security.authentication.secret()),
            system_title: self.system_title.map(title),
        }
    }
}

fn title(bytes: [u8; 8]) -> Title {
    let mut text = Title::new();
    // 16 digits fit.
    let _ = fmt::write(&mut text, format_args!("{:016X}", u64::from_be_bytes(bytes)));
    text
}
