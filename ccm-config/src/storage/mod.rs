//! The storage form: a header, the draft as postcard, and a checksum over both.
//!
//! | at | bytes | what |
//! |---|---|---|
//! | 0 | 4 | `CcMs` |
//! | 4 | 2 | version of the body, little endian |
//! | 6 | 2 | length of the body, little endian |
//! | 8 | | the body |
//! | | 4 | CRC-32 (ISO-HDLC) of all before, little endian |
//!
//! Header and checksum are the same in all versions, so that a newer image is refused by name, not as noise. Bytes after
//! the checksum are not looked at: a page of flash is longer than the image.

mod version_1;
mod version_2;
mod version_3;

use crc::{CRC_32_ISO_HDLC, Crc, NoTable};
use version_1::Draft1;
use version_2::Draft2;
use version_3::Draft3;

use crate::Draft;

/// Why an image of the storage form cannot be read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// Flash that was erased and never written: nothing has been stored yet.
    #[error("no settings are stored: start with the defaults")]
    Erased,
    /// It does not start as an image does.
    #[error("what is stored are no settings")]
    Foreign,
    /// The image is shorter than it says: writing it was interrupted.
    #[error("the stored settings end after {found} of {expected} bytes: use the previous copy")]
    Truncated {
        /// How long it should be.
        expected: usize,
        /// How long it is.
        found: usize,
    },
    /// A bit fell over, or writing was interrupted.
    #[error(
        "the stored settings are damaged (checksum {found:#010x}, expected {expected:#010x}): use the previous copy"
    )]
    Checksum {
        /// What the bytes give.
        expected: u32,
        /// What the image says.
        found: u32,
    },
    /// A version that this program does not know.
    #[error("the stored settings have version {found}, this program knows up to {newest}: update it again")]
    Version {
        /// The version of the image.
        found: u16,
        /// The newest version that can be read.
        newest: u16,
    },
    /// The checksum holds, but the body is not what its version says: a mistake in the program that wrote it.
    #[error("the stored settings of version {version} do not have its layout: report this")]
    Body {
        /// The version of the image.
        version: u16,
    },
    /// The caller's buffer is too small.
    #[error("the buffer has {found} bytes and is too small for these settings: {enough} are always enough")]
    Buffer {
        /// Its length.
        found: usize,
        /// A length that holds every draft.
        enough: usize,
    },
}

impl Draft {
    /// The most bytes that an image takes.
    pub const MAX_IMAGE: usize = 40 * 1024;

    /// Writes the storage form into `buffer` and returns it.
    ///
    /// # Errors
    ///
    /// [`StorageError::Buffer`] if it does not fit; [`Draft::MAX_IMAGE`] bytes are always enough.
    pub fn to_image<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], StorageError> {
        let too_small = StorageError::Buffer { found: buffer.len(), enough: Self::MAX_IMAGE };
        let length = write(self, buffer).ok_or(too_small)?;
        buffer.get(..length).ok_or(too_small)
    }

    /// Reads the storage form, whichever version it has.
    ///
    /// # Errors
    ///
    /// All of [`StorageError`] but `Buffer`.
    pub fn from_image(image: &[u8]) -> Result<Self, StorageError> {
        let (version, body) = open(image)?;
        decode(version, body)
    }
}

/// Reads the body of a version: older ones as they were, brought up to date.
fn decode(version: u16, body: &[u8]) -> Result<Draft, StorageError> {
    let draft = match version {
        1 => whole::<Draft1>(body).map(Draft::from),
        2 => whole::<Draft2>(body).map(Draft::from),
        3 => whole::<Draft3>(body).map(Draft::from),
        VERSION => whole(body),
        found => return Err(StorageError::Version { found, newest: VERSION }),
    };
    draft.ok_or(StorageError::Body { version })
}

/// What the body holds, if it ends where that ends.
fn whole<'b, T: serde::Deserialize<'b>>(body: &'b [u8]) -> Option<T> {
    postcard::take_from_bytes(body).ok().filter(|(_, rest)| rest.is_empty()).map(|(whole, _)| whole)
}

/// Checks what surrounds the body, and returns version and body.
fn open(image: &[u8]) -> Result<(u16, &[u8]), StorageError> {
    let truncated = |expected| StorageError::Truncated { expected, found: image.len() };
    let (header, rest) = image.split_first_chunk::<HEADER>().ok_or(truncated(HEADER))?;
    let &[m0, m1, m2, m3, v0, v1, l0, l1] = header;
    match [m0, m1, m2, m3] {
        MAGIC => {}
        [0xFF, 0xFF, 0xFF, 0xFF] => return Err(StorageError::Erased),
        _ => return Err(StorageError::Foreign),
    }
    let length = usize::from(u16::from_le_bytes([l0, l1]));
    let framed = rest.split_at_checked(length).and_then(|(body, rest)| Some((body, rest.first_chunk()?)));
    let (body, checksum) = framed.ok_or(truncated(length.saturating_add(HEADER + CHECKSUM)))?;
    let (expected, found) = (crc_of(header, body), u32::from_le_bytes(*checksum));
    if expected != found {
        return Err(StorageError::Checksum { expected, found });
    }
    Ok((u16::from_le_bytes([v0, v1]), body))
}

/// Writes an image and returns its length; nothing if `buffer` is too small.
fn write(draft: &Draft, buffer: &mut [u8]) -> Option<usize> {
    let (header, rest) = buffer.split_first_chunk_mut::<HEADER>()?;
    let length = postcard::to_slice(draft, rest).ok()?.len();
    let ([m0, m1, m2, m3], [v0, v1]) = (MAGIC, VERSION.to_le_bytes());
    let [l0, l1] = u16::try_from(length).ok()?.to_le_bytes();
    *header = [m0, m1, m2, m3, v0, v1, l0, l1];
    let (body, rest) = rest.split_at_mut_checked(length)?;
    *rest.first_chunk_mut()? = crc_of(header, body).to_le_bytes();
    length.checked_add(HEADER + CHECKSUM)
}

fn crc_of(header: &[u8], body: &[u8]) -> u32 {
    let mut digest = CRC.digest();
    digest.update(header);
    digest.update(body);
    digest.finalize()
}

const MAGIC: [u8; 4] = *b"CcMs";
const VERSION: u16 = 4;
const HEADER: usize = 8;
const CHECKSUM: usize = 4;
/// Settings are read once and written seldom: no table of 1 KiB for that.
const CRC: Crc<u32, NoTable> = Crc::<u32, NoTable>::new(&CRC_32_ISO_HDLC);
