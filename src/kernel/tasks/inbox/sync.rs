//! The primitives of the handshake: std's, or loom's when the handshake is model-checked.
//!
//! Two of them are made here for the model. Loom's own condition variable never times out. The timeouts of this one pass
//! at once, and the scheduler decides what happens in between. Loom also cannot look into crossbeam's queue. A counter
//! beside it stands for what a reader is sure to see of it.
//!
//! Knows nothing of candor.

#[cfg(not(loom))]
pub(crate) use {
    crossbeam_queue::SegQueue as Queue,
    std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64},
    std::sync::{Condvar, Mutex, MutexGuard},
};

#[cfg(loom)]
pub(crate) use {
    loom::sync::atomic::{AtomicBool, AtomicU8, AtomicU64},
    loom::sync::{Mutex, MutexGuard},
    model::{Condvar, Queue},
};

#[cfg(loom)]
#[path = "../../../../tests/inside/loom_primitives.rs"]
mod model;
