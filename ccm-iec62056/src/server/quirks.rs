//! In what ways meters are strange: every one of them seen somewhere.

use ccm_core::Duration;

use crate::Polynomial;

/// Switches of a simulated meter; none is set by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quirks {
    /// Pushes a telegram so often and at such a speed by itself, without STX (mode D, P1).
    pub push: Option<(Duration, u32)>,
    /// What a telegram that is pushed carries behind `!`.
    pub ending: Ending,
    /// Reacts after so long, whatever its third letter says.
    pub reaction: Option<Duration>,
    /// Sleeps until two seconds of NULs have come (battery meters).
    pub sleeps: bool,
    /// Gives back every message (optical heads, Itron ACE3000).
    pub echoes: bool,
    /// Sets the eighth bit to even parity: 7E1 through a port set to 8N1.
    pub parity: bool,
    /// Bytes before each answer (Itron: 0x7F).
    pub lead: &'static [u8],
    /// Bytes before STX (Elster AS1440: `?`).
    pub before_stx: &'static [u8],
    /// The end of a line (E350: LF LF; UH50: nothing).
    pub line_end: &'static [u8],
    /// Bytes between the last line and `!` (Itron: control characters).
    pub before_end: &'static [u8],
    /// `!` stands on the last line (Kamstrup, UH50).
    pub joins_end: bool,
    /// Neither ETX nor check character (DZG).
    pub omits_etx: bool,
    /// Bytes behind the end of a telegram (`EasyMeter`: 0xFF).
    pub trail: &'static [u8],
    /// So many blocks carry a wrong check character; those after them are right.
    pub wrong_checks: u8,
    /// Loses the bytes of this line from here to there (Iskra AM550 towards slow readers).
    pub loses: Option<(u32, usize, usize)>,
    /// Breaks this line off within its value and begins the whole telegram anew (Holley).
    pub restarts: Option<u32>,
    /// Reads with this digit only, and answers all others with ACK and a break (EMH: 5; Turkish meters: 2).
    pub reads_with: Option<u8>,
    /// Reads out only where the acknowledgement has these V and Y (APA NORAX: `2` and `6`).
    pub option: Option<(u8, u8)>,
    /// Answers a speed other than the one offered with garbage (AUX SX330).
    pub garbles_other_speeds: bool,
    /// Goes to programming mode without a password (NZR).
    pub needs_no_password: bool,
    /// Wants the password of a write in its second group (EMH).
    pub second_group: Option<&'static [u8]>,
    /// Refuses with these words, whatever its reason (Sagemcom ZDUE: `ERROR` and two digits).
    pub refusal: Option<&'static [u8]>,
    /// Reads out at 300 Bd where no acknowledgement comes, in place of giving up.
    pub reads_unasked: bool,
    /// Does not give back the acknowledgement that leads to mode E.
    pub confirms_nothing: bool,
    /// Understands IEC 62056-21 not at all (Spanish meters with IEC 60870-5-102).
    pub is_deaf: bool,
}

/// What stands behind `!` of a telegram that is pushed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    /// Nothing: mode D, P1 version 2 and 3.
    #[default]
    Bare,
    /// Four digits: P1 from version 4 on.
    Crc(Polynomial),
    /// As many digits as the number has (a Dutch heat meter).
    Unpadded,
}

impl Quirks {
    /// A meter by the standard.
    pub const NONE: Self = Self {
        push: None,
        ending: Ending::Bare,
        reaction: None,
        sleeps: false,
        echoes: false,
        parity: false,
        lead: b"",
        before_stx: b"",
        line_end: b"\r\n",
        before_end: b"",
        joins_end: false,
        omits_etx: false,
        trail: b"",
        wrong_checks: 0,
        loses: None,
        restarts: None,
        reads_with: None,
        option: None,
        garbles_other_speeds: false,
        needs_no_password: false,
        second_group: None,
        refusal: None,
        reads_unasked: false,
        confirms_nothing: false,
        is_deaf: false,
    };

    /// The meters that have names here, for simulators.
    pub const NAMED: &[(&'static str, Self)] = &[
        ("standard", Self::NONE),
        ("iskra-mt17x", Self { echoes: true, ..Self::NONE }),
        ("landis-e350", Self { line_end: b"\n\n", ..Self::NONE }),
        ("landis-uh50", Self { sleeps: true, line_end: b"", joins_end: true, ..Self::NONE }),
        ("emh-lzqj", Self { reads_with: Some(5), second_group: Some(b"00000000"), ..Self::NONE }),
        ("emh-ehz", Self { push: Some((SECOND, 9600)), trail: b"\xFF\xFF\xFF", ..Self::NONE }),
        ("elster-as1440", Self { before_stx: b"?", ..Self::NONE }),
        ("itron-ace3000", Self { lead: b"\x7F\x7F", echoes: true, before_end: b"\x05\x00", ..Self::NONE }),
        ("kamstrup-mc66", Self { joins_end: true, ..Self::NONE }),
        ("apa-norax", Self { option: Some((b'2', b'6')), ..Self::NONE }),
        ("aux-sx330", Self { garbles_other_speeds: true, ..Self::NONE }),
        ("dzg", Self { omits_etx: true, ..Self::NONE }),
        ("nzr", Self { needs_no_password: true, ..Self::NONE }),
        ("sagemcom-zdue", Self { refusal: Some(b"ERROR14"), ..Self::NONE }),
        ("turkish", Self { reads_with: Some(2), ..Self::NONE }),
        ("p1-v3", Self { push: Some((TEN, 9600)), ..Self::NONE }),
        ("p1-v5", Self { push: Some((SECOND, FAST)), ending: Ending::Crc(Polynomial::Arc), ..Self::NONE }),
        ("p1-heat", Self { push: Some((TEN, FAST)), ending: Ending::Unpadded, ..Self::NONE }),
        (
            "holley",
            Self {
                push: Some((TEN, FAST)),
                ending: Ending::Crc(Polynomial::X25),
                restarts: Some(1),
                ..Self::NONE
            },
        ),
        (
            "iskra-am550",
            Self {
                push: Some((TEN, FAST)),
                ending: Ending::Crc(Polynomial::Arc),
                loses: Some((1, 8, 16)),
                ..Self::NONE
            },
        ),
        ("parity", Self { parity: true, ..Self::NONE }),
        ("noise-once", Self { wrong_checks: 1, ..Self::NONE }),
        ("deaf", Self { is_deaf: true, ..Self::NONE }),
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

const SECOND: Duration = Duration::from_secs(1);
const TEN: Duration = Duration::from_secs(10);
const FAST: u32 = 115_200;
