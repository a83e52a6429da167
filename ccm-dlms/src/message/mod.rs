//! Messages: A-XDR, ACSE and xDLMS.
