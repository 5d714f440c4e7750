//! How a failure is printed.

pub(crate) mod account;
pub(crate) mod backtrace;
pub(crate) mod carried;
pub(crate) mod error;
pub(crate) mod group_error;
pub(crate) mod printing;
pub(crate) mod text;
