//! Disconnect control (class 70).

/// Class 70: the switch between the mains and the consumer.
#[derive(Clone, Copy, Debug)]
pub struct DisconnectControl;

impl DisconnectControl {
    /// The number of the class.
    pub const CLASS_ID: u16 = 70;
    /// Attribute: whether the consumer is connected, a boolean.
    pub const OUTPUT_STATE: i8 = 2;
    /// Attribute: [`ControlState`].
    pub const CONTROL_STATE: i8 = 3;
    /// Attribute: who may switch, 0 (nobody) to 6.
    pub const CONTROL_MODE: i8 = 4;
    /// Method: disconnects; the parameter is the integer 0.
    pub const REMOTE_DISCONNECT: i8 = 1;
    /// Method: connects, or allows the consumer to; the parameter is the integer 0.
    pub const REMOTE_RECONNECT: i8 = 2;
}

/// In which state the switch is, whatever the output shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ControlState {
    /// Open.
    Disconnected,
    /// Closed.
    Connected,
    /// Open, and the consumer may close it by hand.
    ReadyForReconnection,
    /// A code that the standard does not have.
    Other(u8),
}

impl From<u8> for ControlState {
    fn from(code: u8) -> Self {
        match code {
            0 => Self::Disconnected,
            1 => Self::Connected,
            2 => Self::ReadyForReconnection,
            _ => Self::Other(code),
        }
    }
}
