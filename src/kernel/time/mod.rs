//! How time passes.

pub(crate) mod clock;
pub(crate) mod sleep;
pub(crate) mod wheel;

pub(crate) use clock::{Clock, Elapsed};
pub(crate) use sleep::Sleep;
pub(crate) use wheel::{EntryKey, Wheel};
