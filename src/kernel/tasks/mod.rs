//! Tasks, and how they run.

pub(crate) mod core;
pub(crate) mod current;
pub(crate) mod inbox;
pub(crate) mod join;
pub(crate) mod key;
pub(crate) mod listener;
pub(crate) mod run_loop;
pub(crate) mod run_queue;
pub(crate) mod slots;
pub(crate) mod spawn;
pub(crate) mod task;
pub(crate) mod waker;
