//! Cursors over bytes: the only code of the protocol crates that touches a slice by position.

/// Reads big-endian fields from a slice, front to back.
///
/// Each read names its field; a short slice is reported as that field being [`Missing`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Starts at the first byte of `bytes`.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// Reads one byte.
    pub fn u8(&mut self, field: &'static str) -> Result<u8, Missing> {
        self.array(field).map(|[byte]| byte)
    }

    /// Reads a big-endian 16-bit number.
    pub fn u16(&mut self, field: &'static str) -> Result<u16, Missing> {
        self.array(field).map(u16::from_be_bytes)
    }

    /// Reads `length` bytes as they are.
    pub fn take(&mut self, length: usize, field: &'static str) -> Result<&'a [u8], Missing> {
        let (taken, rest) = self.bytes.split_at_checked(length).ok_or(Missing { field })?;
        self.bytes = rest;
        Ok(taken)
    }

    /// Gives what has not been read yet, without reading it.
    pub const fn rest(&self) -> &'a [u8] {
        self.bytes
    }

    /// Says whether everything has been read.
    pub const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], Missing> {
        let (taken, rest) = self.bytes.split_first_chunk().ok_or(Missing { field })?;
        self.bytes = rest;
        Ok(*taken)
    }
}

/// The bytes ended before this field did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[error("the bytes end before the {field} does")]
pub struct Missing {
    /// The field, in the standard's words.
    pub field: &'static str,
}

/// Writes big-endian fields into a slice, front to back.
#[derive(Debug)]
pub struct Writer<'a> {
    bytes: &'a mut [u8],
    length: usize,
}

impl<'a> Writer<'a> {
    /// Starts at the first byte of `bytes`; what is not written keeps its content.
    pub const fn new(bytes: &'a mut [u8]) -> Self {
        Self { bytes, length: 0 }
    }

    /// Writes one byte.
    pub fn u8(&mut self, value: u8) -> Result<(), Full> {
        self.array([value])
    }

    /// Writes a big-endian 16-bit number.
    pub fn u16(&mut self, value: u16) -> Result<(), Full> {
        self.array(value.to_be_bytes())
    }

    /// Writes so many bytes as they are: one check for several fields, and no call of `memcpy`.
    pub fn array<const N: usize>(&mut self, value: [u8; N]) -> Result<(), Full> {
        let free = self.bytes.get_mut(self.length..).ok_or(Full)?;
        *free.first_chunk_mut().ok_or(Full)? = value;
        self.length += N;
        Ok(())
    }

    /// Writes bytes as they are: all of them, or none where they do not fit.
    pub fn slice(&mut self, value: &[u8]) -> Result<(), Full> {
        if self.bytes.len() - self.length < value.len() {
            return Err(Full);
        }
        // Byte by byte: `copy_from_slice` would bring in `memcpy`, and a panic for lengths that differ.
        value.iter().try_for_each(|byte| self.u8(*byte))
    }

    /// Leaves room for `length` bytes, and gives it to be filled in.
    pub fn room(&mut self, length: usize) -> Result<&mut [u8], Full> {
        let free = self.bytes.get_mut(self.length..).ok_or(Full)?;
        let room = free.get_mut(..length).ok_or(Full)?;
        self.length += length;
        Ok(room)
    }

    /// Gives everything that is not written yet, without writing it.
    pub fn rest_mut(&mut self) -> &mut [u8] {
        self.bytes.get_mut(self.length..).unwrap_or_default()
    }

    /// Gives the bytes written so far.
    pub fn written(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// Ends writing and gives how many bytes were written.
    pub const fn finish(self) -> usize {
        self.length
    }
}

/// The caller's buffer is too small for the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[error("the buffer is too small")]
pub struct Full;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_slice_names_the_field_and_leaves_the_cursor_where_it_was() {
        let mut reader = Reader::new(&[1, 2, 3]);
        assert_eq!(reader.u16("address"), Ok(0x0102));
        assert_eq!(reader.u16("quantity"), Err(Missing { field: "quantity" }));
        assert_eq!(reader.rest(), [3]);
        assert_eq!(reader.u8("tail"), Ok(3));
        assert!(reader.is_empty());
    }

    #[test]
    fn a_full_buffer_takes_nothing_of_what_does_not_fit() {
        let mut bytes = [0; 3];
        let mut writer = Writer::new(&mut bytes);
        writer.u16(0x0102).unwrap();
        assert_eq!(writer.u16(0x0304), Err(Full));
        writer.u8(5).unwrap();
        assert_eq!(writer.written(), [1, 2, 5]);
        assert_eq!(writer.finish(), 3);
    }
}
