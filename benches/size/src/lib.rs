//! What every image has: memory that the compiler must take as it finds it, and a panic that cannot be linked.

#![no_std]

mod device;

use core::cell::UnsafeCell;

pub use device::Device;

#[cfg(not(feature = "find-panic"))]
unsafe extern "C" {
    /// Exists nowhere: an image from which a panic can be reached does not link.
    fn a_panic_is_reachable() -> !;
}

#[cfg(target_os = "none")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    #[cfg(feature = "find-panic")]
    loop {}
    // SAFETY: never runs, because it never links.
    #[cfg(not(feature = "find-panic"))]
    unsafe {
        a_panic_is_reachable()
    }
}

/// Memory that somebody else reads and writes: the emulator, or nobody.
#[repr(transparent)]
pub struct Outside<T>(UnsafeCell<T>);

// SAFETY: the images have one thread.
unsafe impl<T> Sync for Outside<T> {}

impl<T> Outside<T> {
    pub const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// Whatever stands there now.
    pub fn read(&self) -> T
    where
        T: Copy,
    {
        // SAFETY: one thread, and the cell is valid.
        unsafe { self.0.get().read_volatile() }
    }

    pub fn write(&self, value: T) {
        // SAFETY: one thread, and the cell is valid.
        unsafe { self.0.get().write_volatile(value) }
    }

    /// The bytes in place; the compiler cannot know what they are.
    #[expect(clippy::mut_from_ref, reason = "each image takes each buffer once")]
    pub fn take(&self) -> &mut T {
        // SAFETY: each image takes each buffer once; `black_box` hides its content.
        unsafe { &mut *core::hint::black_box(self.0.get()) }
    }
}

/// A frame of 125 registers is 255 bytes.
#[unsafe(no_mangle)]
pub static FRAME: Outside<[u8; 256]> = Outside::new([0; 256]);
/// As many registers as one read can bring.
#[unsafe(no_mangle)]
pub static VALUES: Outside<[u16; 125]> = Outside::new([0; 125]);
#[unsafe(no_mangle)]
pub static BYTE: Outside<u8> = Outside::new(0);
#[unsafe(no_mangle)]
pub static LENGTH: Outside<usize> = Outside::new(0);
#[unsafe(no_mangle)]
pub static OUT: Outside<[u8; 512]> = Outside::new([0; 512]);
#[unsafe(no_mangle)]
pub static RESULT: Outside<u32> = Outside::new(0);
#[unsafe(no_mangle)]
pub static NOW: Outside<u64> = Outside::new(0);

/// The bytes received; at most a frame.
pub fn received() -> &'static [u8] {
    FRAME.take().get(..LENGTH.read()).unwrap_or_default()
}
