//! As much memory as the machines take, without their buffers: the sizes of these symbols are the figures.
#![no_std]
#![no_main]

use ccm_core::crypto::Key;
use ccm_dlms::hdlc::{Hdlc, Station};
use ccm_dlms::security::Context;
use ccm_dlms::wrapper::Wrapper;
use ccm_modbus::gateway::Gateway;
use ccm_modbus::{Ascii, Client, Extended, Rtu, Server, Tcp};
use size::Outside;

macro_rules! memory {
    ($($name:ident: $type:ty),* $(,)?) => {
        $(#[unsafe(no_mangle)] static $name: Outside<[u8; size_of::<$type>()]> = Outside::new([0; size_of::<$type>()]);)*

        #[unsafe(no_mangle)]
        #[unsafe(link_section = ".text.start")]
        pub extern "C" fn start() {
            $($name.take();)*
        }
    };
}

memory! {
    CLIENT_RTU: Client<'static, Rtu>,
    CLIENT_ASCII: Client<'static, Ascii>,
    CLIENT_TCP: Client<'static, Tcp>,
    SERVER_RTU: Server<'static, Rtu, ()>,
    SERVER_TCP: Server<'static, Tcp, ()>,
    EXTENDED: Extended<()>,
    DLMS_HDLC: ccm_dlms::Client<'static, Hdlc>,
    DLMS_WRAPPER: ccm_dlms::Client<'static, Wrapper>,
    DLMS_SESSION: (ccm_dlms::Client<'static, Hdlc>, Context<Key>),
    DLMS_STATION: Station<'static>,
    GATEWAY_2_4_8: Gateway<2, 4, 8>,
}
