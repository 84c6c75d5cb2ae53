//! The trace as a file: JSON lines with sequence numbers and checksums.
