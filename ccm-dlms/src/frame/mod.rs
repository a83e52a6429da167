//! Frames: HDLC and the wrapper.
