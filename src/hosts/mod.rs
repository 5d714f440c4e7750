//! Loops of others that run an executor.

pub(crate) mod alarm;
pub(crate) mod drained;
pub(crate) mod passes;
pub(crate) mod run_until;
pub(crate) mod tick;
pub(crate) mod visit;
