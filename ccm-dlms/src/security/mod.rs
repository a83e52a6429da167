//! Security suites 0 to 2.
