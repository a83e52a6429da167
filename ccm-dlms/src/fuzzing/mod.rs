//! What the fuzz targets do with their bytes: ordinary functions, which `cargo test` runs on random bytes too.

mod links;
mod messages;

pub use links::{client, hdlc, server};
pub use messages::{acse, apdu, data};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    /// Bytes that make tags, lengths and control fields likelier than chance does.
    fn likely() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![
            4 => 0..0x20_u8,
            2 => prop::sample::select(&[0x7E_u8, 0xA0, 0xE6, 0xE7, 0x10, 0x30, 0x73, 0x93, 0xC0, 0xC4, 0xE0, 0xDB]),
            1 => any::<u8>(),
        ];
        prop::collection::vec(byte, 0..300)
    }

    proptest! {
        #[test]
        fn no_bytes_break_anything(bytes in likely()) {
            super::hdlc(&bytes);
            super::client(&bytes);
            super::server(&bytes);
            super::apdu(&bytes);
            super::acse(&bytes);
            super::data(&bytes);
        }
    }
}
