//! Groups: tasks that do not outlive the group.
//!
//! ```text
//!                 ┌─ linked       one fails: the others are cancelled, and all failures come out of `join`
//! TaskGroup ──────┤
//!                 └─ independent  one fails: it is reported at once, or handed out, and the others go on
//! ```
//!
//! A spawned task may run forever. If you spawn several tasks for one purpose, you want to know that all of
//! them are over at the end, and that none of their failures is lost. A group is made only of handles, and of
//! members that are called when a task is done. The executor does not know it.
//!
//! | file | holds |
//! |---|---|
//! | `member` | a task of a group: its value, its end, and the future that tells of it |
//! | `roster` | who is there |
//! | `ended` | who has ended, for `next` |
//! | `handle` | what `spawn` gives back |
//! | `independent`, `linked` | the two groups |
//! | `collecting` | an independent group that hands its failures out |
//!
//! Knows handles, tasks and failures.

mod collecting;
mod ended;
mod handle;
mod independent;
mod linked;
mod listening;
mod member;
mod named;
pub(crate) mod roster;
pub(crate) mod waiting;

pub use collecting::{CollectingGroup, NextFailure};
pub use ended::NextEnded;
pub use handle::GroupHandle;
pub use independent::{GroupSummary, IndependentGroup, JoinIndependent};
pub use linked::{GroupSpawner, JoinGroup, TaskGroup};
pub use named::SpawnInto;
