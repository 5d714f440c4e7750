//! How time passes.

pub(crate) mod clock;
pub(crate) mod sleep;
pub(crate) mod wheel;
