//! Hosts: foreign loops that run an executor.
//!
//! Knows the loop, and how an executor is entered.

pub(crate) mod alarm;
pub(crate) mod drained;
pub(crate) mod list;
pub(crate) mod passes;
pub(crate) mod run_until;
pub(crate) mod tick;
pub(crate) mod visit;
