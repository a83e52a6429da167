//! The two checksums: the block check character of IEC 62056-21 and the CRC of P1.

/// What the end of a telegram says of all before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "lowercase"))]
pub enum Check {
    /// It carries no checksum, or was not read to its end.
    #[default]
    None,
    /// The block check character: exclusive or of all after the first SOH or STX up to and with ETX or EOT (6.4.1).
    Bcc {
        /// What the meter sent.
        given: u8,
        /// What its bytes give.
        computed: u8,
    },
    /// The CRC of P1: from `/` up to and with `!` (P1 companion standard 5.0.2, 6.2).
    Crc {
        /// What the meter sent.
        given: u16,
        /// What its bytes give.
        computed: u16,
    },
}

impl Check {
    /// There is a checksum and it does not fit.
    pub const fn is_wrong(self) -> bool {
        match self {
            Self::None => false,
            Self::Bcc { given, computed } => given != computed,
            Self::Crc { given, computed } => given != computed,
        }
    }

    /// There is a checksum and it fits.
    pub const fn is_right(self) -> bool {
        !matches!(self, Self::None) && !self.is_wrong()
    }
}

/// Which CRC a meter puts at the end of its telegrams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "lowercase"))]
pub enum Polynomial {
    /// CRC-16/ARC: the Dutch companion standard and nearly everybody.
    #[default]
    Arc,
    /// CRC-16/X-25: Holley meters, among others of E.ON in Hungary.
    X25,
    /// Either; twice the work per byte.
    Any,
}

/// The checksum of what is being read, kept while the bytes pass: a check character in blocks, else a CRC.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sums {
    counts: Counts,
    polynomial: Polynomial,
    bcc: u8,
    arc: u32,
    x25: u32,
}

/// What the bytes count for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counts {
    Nothing,
    Bcc,
    Crc,
}

impl Sums {
    pub(crate) const fn new(polynomial: Polynomial) -> Self {
        Self { counts: Counts::Nothing, polynomial, bcc: 0, arc: 0, x25: 0xFFFF }
    }

    /// Begins a check character, which does not count the byte that begins it.
    pub(crate) const fn begin_block(&mut self, uncounted: u8) {
        (self.counts, self.bcc) = (Counts::Bcc, uncounted);
    }

    /// Begins a CRC.
    pub(crate) const fn begin_telegram(&mut self) {
        (self.arc, self.x25) = (0, 0xFFFF);
        self.counts = Counts::Crc;
    }

    /// The last byte that counts.
    pub(crate) fn end(&mut self, byte: u8) {
        self.push(byte);
        self.counts = Counts::Nothing;
    }

    pub(crate) fn push(&mut self, byte: u8) {
        self.extend(&[byte]);
    }

    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        match self.counts {
            Counts::Nothing => {}
            Counts::Bcc => self.bcc = bytes.iter().fold(self.bcc, |bcc, byte| bcc ^ byte),
            Counts::Crc => self.extend_crc(bytes),
        }
    }

    fn extend_crc(&mut self, bytes: &[u8]) {
        if self.polynomial != Polynomial::Arc {
            self.x25 = crc(&X25, self.x25, bytes);
        }
        if self.polynomial != Polynomial::X25 {
            self.arc = crc(&ARC, self.arc, bytes);
        }
    }

    pub(crate) const fn arc(&self) -> u16 {
        low(self.arc)
    }

    pub(crate) const fn x25(&self) -> u16 {
        !low(self.x25)
    }

    /// The check character, of seven bits.
    pub(crate) const fn bcc(&self) -> u8 {
        self.bcc & 0x7F
    }

    pub(crate) fn crc(self, given: u16) -> Check {
        let x25 = self.x25();
        let takes_x25 = match self.polynomial {
            Polynomial::Arc => false,
            Polynomial::X25 => true,
            // Meters differ in which byte of this one comes first.
            Polynomial::Any => given == x25 || given == x25.swap_bytes(),
        };
        match takes_x25 {
            true if given == x25.swap_bytes() => Check::Crc { given, computed: given },
            true => Check::Crc { given, computed: x25 },
            false => Check::Crc { given, computed: self.arc() },
        }
    }
}

const fn low(crc: u32) -> u16 {
    let [low, high, ..] = crc.to_le_bytes();
    u16::from_le_bytes([low, high])
}

/// Four bytes at a step, where two kilobytes of tables are nothing.
#[cfg(feature = "std")]
fn crc([one, two, three, four]: &Tables, crc: u32, bytes: &[u8]) -> u32 {
    let entry = |table: &[u16; 256], at: u8| table.get(usize::from(at)).copied().map_or(0, u32::from);
    let (words, rest) = bytes.as_chunks::<4>();
    let crc = words.iter().fold(crc, |crc, word| {
        let [a, b, c, d] = (crc ^ u32::from_le_bytes(*word)).to_le_bytes();
        entry(four, a) ^ entry(three, b) ^ entry(two, c) ^ entry(one, d)
    });
    rest.iter().fold(crc, |crc, byte| {
        let [low, ..] = crc.to_le_bytes();
        entry(one, low ^ byte) ^ crc >> 8
    })
}

/// Four bits at a step: a table of 32 bytes.
#[cfg(not(feature = "std"))]
#[inline(never)]
fn crc(table: &Tables, crc: u32, bytes: &[u8]) -> u32 {
    let step = |crc: u32| table.get(crc as usize & 0xF).map_or(crc, |entry| u32::from(*entry) ^ crc >> 4);
    bytes.iter().fold(crc, |crc, byte| step(step(crc ^ u32::from(*byte))))
}

/// What as many bits as a table has entries for, and zeros behind them, make of a CRC.
const fn table<const N: usize>(polynomial: u16, zeros: u32) -> [u16; N] {
    let mut table = [0; N];
    let mut value = 0;
    let mut rest: &mut [u16] = &mut table;
    while let Some((entry, after)) = rest.split_first_mut() {
        *entry = shifted(value, polynomial, N.trailing_zeros() + zeros);
        value += 1;
        rest = after;
    }
    table
}

const fn shifted(mut value: u16, polynomial: u16, bits: u32) -> u16 {
    let mut left = bits;
    while left > 0 {
        value = if value & 1 == 1 { value >> 1 ^ polynomial } else { value >> 1 };
        left -= 1;
    }
    value
}

#[cfg(feature = "std")]
type Tables = [[u16; 256]; 4];
#[cfg(feature = "std")]
const fn tables(polynomial: u16) -> Tables {
    [table(polynomial, 0), table(polynomial, 8), table(polynomial, 16), table(polynomial, 24)]
}

#[cfg(not(feature = "std"))]
type Tables = [u16; 16];
#[cfg(not(feature = "std"))]
const fn tables(polynomial: u16) -> Tables {
    table(polynomial, 0)
}

/// x^16 + x^15 + x^2 + 1, reflected.
static ARC: Tables = tables(0xA001);

/// x^16 + x^12 + x^5 + 1, reflected.
static X25: Tables = tables(0x8408);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_values_of_the_catalogue_come_out() {
        let mut sums = Sums::new(Polynomial::Any);
        sums.begin_telegram();
        sums.extend(b"123456789");
        assert_eq!((sums.arc(), sums.x25()), (0xBB3D, 0x906E));
    }

    #[test]
    fn either_polynomial_is_taken_where_nobody_knows() {
        let mut sums = Sums::new(Polynomial::Any);
        sums.begin_telegram();
        sums.extend(b"123456789");
        assert!(sums.crc(0xBB3D).is_right() && sums.crc(0x906E).is_right() && sums.crc(0x6E90).is_right());
        assert!(sums.crc(0xBB3E).is_wrong());
    }
}
