//! How a failure is printed, and `candor::Error`.
//!
//! | file | holds |
//! |---|---|
//! | `reporter` | what the kernel calls: candor's own `Reporter` |
//! | `account` | how an error value is asked for its text and its causes |
//! | `carried` | how a failure is found inside the error of another task |
//! | `error` | `candor::Error`, which knows where it was made |
//! | `context` | a line more about an error |
//! | `group_error` | all failures of a group |
//! | `facts` | what a user may ask a failure |
//! | `display` | what a failure says of itself, in a line or in full |
//! | `floods` | the same report, again and again |
//! | `resume` | a panic that goes on where its awaiter is |
//! | `text`, `lines` | the text of a report |
//! | `quoted_failure` | where the text of an error quotes the failure that it passes on |
//! | `quoting`, `backtrace` | user text that cannot forge a report; frames without the runtime's own |
//! | `place`, `source_line` | a place in a backtrace, and the line of source there |
//! | `printing`, `after_poll` | the one place that prints; what has to wait until no poll is running |
//!
//! Knows failures, but no task.

pub(crate) mod account;
pub(crate) mod after_poll;
pub(crate) mod backtrace;
pub(crate) mod carried;
pub(crate) mod context;
pub(crate) mod display;
pub(crate) mod error;
pub(crate) mod facts;
pub(crate) mod floods;
pub(crate) mod group_error;
mod lines;
pub(crate) mod place;
pub(crate) mod printing;
mod quoted_failure;
pub(crate) mod quoting;
pub(crate) mod reporter;
pub(crate) mod resolving;
pub(crate) mod resume;
pub(crate) mod source_line;
pub(crate) mod text;
pub(crate) mod unread;
