//! What a DLMS client needs of whoever runs it.

/// Chance, and a place that survives a power cut.
///
/// On a host this is a file beside the settings, on a microcontroller a page of flash.
pub trait Vault {
    /// Fills `bytes` with what nobody can foresee, for challenges.
    ///
    /// # Errors
    /// [`VaultError`] where there is no source of chance now.
    fn fill_random(&mut self, bytes: &mut [u8]) -> Result<(), VaultError>;

    /// Sets `count` invocation counters of the client with this system title aside and gives the first.
    ///
    /// It is never below `least`, and no number is ever set aside twice for a title, whatever the meter: with one key
    /// that would break the cipher. So that this holds after a power cut, too, what was set aside is stored when this
    /// returns. Numbers that are never used are lost; there are enough.
    ///
    /// # Errors
    /// [`VaultError`] where it cannot be stored, or the numbers are at their end. Nothing is sent then.
    fn reserve(&mut self, title: &[u8; 8], least: u32, count: u32) -> Result<u32, VaultError>;
}

impl<V: Vault> Vault for &mut V {
    fn fill_random(&mut self, bytes: &mut [u8]) -> Result<(), VaultError> {
        (**self).fill_random(bytes)
    }

    fn reserve(&mut self, title: &[u8; 8], least: u32, count: u32) -> Result<u32, VaultError> {
        (**self).reserve(title, least, count)
    }
}

/// Why a [`Vault`] does not do what it is asked; whoever runs it says more in his log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VaultError;
