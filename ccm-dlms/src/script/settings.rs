//! What a server is to be asked for.

use crate::message::{Conformance, Hidden, MechanismName};
use crate::security::SystemTitle;

/// How the client proves who it is. Secrets are never printed.
#[derive(Debug)]
pub enum Authentication<'s, K> {
    /// Not at all: the public client.
    Lowest,
    /// By a password in clear (LLS).
    Low(Hidden<'s>),
    /// By AES-128 of the challenge, as most vendors do (HLS 2).
    Vendor(&'s K),
    /// By MD5 of challenge and secret (HLS 3).
    Md5(Hidden<'s>),
    /// By SHA-1 of challenge and secret (HLS 4).
    Sha1(Hidden<'s>),
    /// By GMAC with the keys of the session's security (HLS 5).
    Gmac,
    /// By SHA-256 of secret, titles and challenges (HLS 6).
    Sha256(Hidden<'s>),
    /// By a signature of titles and challenges (HLS 7).
    Ecdsa {
        /// The own private key for signatures.
        key: &'s K,
        /// The server's public key for signatures, x and y.
        peer_key: &'s [u8],
    },
}

impl<K> Authentication<'_, K> {
    /// The name of the mechanism; nothing where there is none.
    pub const fn mechanism(&self) -> Option<MechanismName<'static>> {
        Some(match self {
            Self::Lowest => return None,
            Self::Low(_) => MechanismName::Low,
            Self::Vendor(_) => MechanismName::High,
            Self::Md5(_) => MechanismName::HighMd5,
            Self::Sha1(_) => MechanismName::HighSha1,
            Self::Gmac => MechanismName::HighGmac,
            Self::Sha256(_) => MechanismName::HighSha256,
            Self::Ecdsa { .. } => MechanismName::HighEcdsa,
        })
    }

    /// Whether both sides answer challenges after the AARE.
    pub fn has_four_passes(&self) -> bool {
        self.mechanism().is_some_and(|mechanism| mechanism.has_four_passes())
    }
}

/// How an association is ended before the link is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Release {
    /// The end of the link is the end of the association: for meters that do not know RLRQ.
    Never,
    /// By an RLRQ with nothing but its reason.
    Plain,
    /// By an RLRQ with an initiate-request, ciphered where the association is, as the standard wants it there.
    WithInitiate,
}

/// What a server is to be asked for, and how.
#[derive(Debug)]
pub struct Settings<'s, K> {
    /// Whether objects have short names (SN) in place of logical names (LN).
    pub short_names: bool,
    /// How the client proves who it is.
    pub authentication: Authentication<'s, K>,
    /// What is proposed; the server agrees to a part of it.
    pub conformance: Conformance,
    /// The longest APDU that the client wants to take; what the client's buffer holds, where that is less.
    pub max_receive_pdu_size: u16,
    /// Own system title, sent in the AARQ. That of the security's keys is sent wherever something is ciphered or signed;
    /// elsewhere some meters refuse the association for it.
    pub own_title: Option<SystemTitle>,
    /// The server's system title: an AARE with another one is refused. Where it is not known, that of the AARE is taken.
    pub peer_title: Option<SystemTitle>,
    /// The association object, whose method 1 takes the answer to the challenge.
    pub association: [u8; 6],
    /// The base name of the association object where objects have short names.
    pub association_short_name: u16,
    /// The object with the last invocation counter that the server has taken of this client: 0.0.43.1.x.255.
    pub counter: [u8; 6],
    /// How the association is ended.
    pub release: Release,
    /// Sends this invoke-id always, for meters that repeat no other; normally it counts, so that answers to earlier
    /// requests are known.
    pub fixed_invoke_id: Option<u8>,
    /// How many general blocks are taken in one stream: 1 to 63.
    pub window: u8,
}

impl<K> Settings<'_, K> {
    /// The public client with logical names.
    pub const PUBLIC: Self = Self {
        short_names: false,
        authentication: Authentication::Lowest,
        conformance: LOGICAL_NAME,
        max_receive_pdu_size: u16::MAX,
        own_title: None,
        peer_title: None,
        association: [0, 0, 40, 0, 0, 255],
        association_short_name: 0xFA00,
        counter: [0, 0, 43, 1, 0, 255],
        release: Release::Plain,
        fixed_invoke_id: None,
        window: 1,
    };

    /// The public client with short names.
    pub const SHORT_NAMES: Self = Self { short_names: true, conformance: SHORT_NAME, ..Self::PUBLIC };
}

const LOGICAL_NAME: Conformance = Conformance::GENERAL_PROTECTION
    .union(Conformance::GENERAL_BLOCK_TRANSFER)
    .union(Conformance::BLOCK_TRANSFER_WITH_GET_OR_READ)
    .union(Conformance::BLOCK_TRANSFER_WITH_SET_OR_WRITE)
    .union(Conformance::BLOCK_TRANSFER_WITH_ACTION)
    .union(Conformance::MULTIPLE_REFERENCES)
    .union(Conformance::GET)
    .union(Conformance::SET)
    .union(Conformance::SELECTIVE_ACCESS)
    .union(Conformance::ACTION);

const SHORT_NAME: Conformance = Conformance::GENERAL_PROTECTION
    .union(Conformance::GENERAL_BLOCK_TRANSFER)
    .union(Conformance::READ)
    .union(Conformance::WRITE)
    .union(Conformance::BLOCK_TRANSFER_WITH_GET_OR_READ)
    .union(Conformance::BLOCK_TRANSFER_WITH_SET_OR_WRITE)
    .union(Conformance::MULTIPLE_REFERENCES)
    .union(Conformance::PARAMETERIZED_ACCESS);
