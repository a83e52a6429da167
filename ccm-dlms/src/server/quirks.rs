//! How meters break the rules: every fault that a client must notice, by its name.

use crate::hdlc::{self, Width};

/// Switches of a simulated meter; none is set by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quirks {
    /// What is wrong with its frames: for [`Station::with_quirks`](hdlc::Station::with_quirks), as the server does not
    /// make the link.
    pub link: hdlc::Quirks,
    /// Sends nothing any more once a client is associated.
    pub is_silent: bool,
    /// Sends every frame twice.
    pub doubles: bool,
    /// No answer is longer than so many bytes before it is protected, whatever the client takes; no limit where it is 0.
    pub max_pdu: u16,
    /// The last byte of each protected answer is wrong.
    pub spoils_tag: bool,
    /// Every protected answer after the first has the counter of the one before.
    pub repeats_counter: bool,
    /// Answers in clear what was asked under protection.
    pub omits_protection: bool,
    /// Says of its answers that the broadcast key protects them.
    pub claims_broadcast: bool,
    /// Cuts off the last bytes of each block.
    pub truncates_blocks: bool,
    /// Skips a number after the first block.
    pub jumps_blocks: bool,
    /// Answers with another invoke-id than was asked with.
    pub changes_invoke_id: bool,
    /// Answers in the general envelope whatever the request came in.
    pub answers_general: bool,
    /// Refuses associations without user information (Landis+Gyr ZCX).
    pub refuses_bare: bool,
}

impl Quirks {
    /// A meter by the standard.
    pub const NONE: Self = Self {
        link: LINK,
        is_silent: false,
        doubles: false,
        max_pdu: 0,
        spoils_tag: false,
        repeats_counter: false,
        omits_protection: false,
        claims_broadcast: false,
        truncates_blocks: false,
        jumps_blocks: false,
        changes_invoke_id: false,
        answers_general: false,
        refuses_bare: false,
    };

    /// The faults that have names here, for simulators.
    pub const NAMED: &[(&'static str, Self)] = &[
        ("standard", Self::NONE),
        ("bad-tag", Self { spoils_tag: true, ..Self::NONE }),
        ("stale-counter", Self { repeats_counter: true, ..Self::NONE }),
        ("missing-protection", Self { omits_protection: true, ..Self::NONE }),
        ("broadcast-bit", Self { claims_broadcast: true, ..Self::NONE }),
        ("bad-fcs", Self { link: hdlc::Quirks { spoils: 3, ..LINK }, ..Self::NONE }),
        ("lost-frame", Self { link: hdlc::Quirks { loses: 3, ..LINK }, ..Self::NONE }),
        ("doubled-frame", Self { doubles: true, ..Self::NONE }),
        ("silence", Self { is_silent: true, ..Self::NONE }),
        ("one-byte-address", Self { link: hdlc::Quirks { width: Some(Width::One), ..LINK }, ..Self::NONE }),
        ("two-byte-address", Self { link: hdlc::Quirks { width: Some(Width::Two), ..LINK }, ..Self::NONE }),
        ("four-byte-address", Self { link: hdlc::Quirks { width: Some(Width::Four), ..LINK }, ..Self::NONE }),
        ("no-llc", Self { link: hdlc::Quirks { omits_llc: true, ..LINK }, ..Self::NONE }),
        ("empty-ua", Self { link: hdlc::Quirks { empty_ua: true, ..LINK }, ..Self::NONE }),
        ("small-pdu", Self { max_pdu: 48, ..Self::NONE }),
        ("truncated-block", Self { truncates_blocks: true, ..Self::NONE }),
        ("block-jump", Self { jumps_blocks: true, ..Self::NONE }),
        ("wrong-invoke-id", Self { changes_invoke_id: true, ..Self::NONE }),
        ("general-envelope", Self { answers_general: true, ..Self::NONE }),
        ("bare-refusal", Self { refuses_bare: true, ..Self::NONE }),
    ];

    /// The meter of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMED.iter().find_map(|(known, quirks)| (*known == name).then_some(*quirks))
    }
}

impl Default for Quirks {
    fn default() -> Self {
        Self::NONE
    }
}

const LINK: hdlc::Quirks =
    hdlc::Quirks { omits_llc: false, empty_ua: false, width: None, spoils: 0, loses: 0 };
