//! The primitives of the handshake: std's, or loom's when the handshake is model-checked.
//!
//! Two of them are made for the model, in `tests/inside/loom_primitives.rs`. Loom's own condition variable never times out; here a
//! timeout of zero passes at once. And loom cannot look into crossbeam's queue; here a counter beside the queue says how many entries a reader
//! is sure to see.
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
