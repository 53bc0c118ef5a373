//! What the writer and the reader agree on: the FIFO at which they meet.

/// Where the two programs meet when no PATH is given.
pub const FIFO_PATH: &str = "/tmp/exercise_fifo";
