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
//! | `set` | the tasks of a group: which are left, and which have ended |
//! | `roster`, `ended` | its parts: numbered places, and ids for `next` |
//! | `waiting` | a place for the waker of an awaiter |
//! | `member` | spawning a task of a group, its end, and its handle |
//! | `failures` | what `join` or `next_failure` gives |
//! | `independent`, `linked` | the two groups |
//! | `collecting` | an independent group that hands its failures out |
//!
//! Knows handles, tasks and failures.

#![expect(clippy::should_implement_trait, reason = "`next` is that of a stream")]

mod collecting;
mod ended;
mod failures;
mod independent;
mod linked;
mod member;
pub(crate) mod roster;
mod set;
pub(crate) mod waiting;

pub use collecting::{CollectingGroup, NextFailure};
pub use independent::{IndependentGroup, JoinIndependent};
pub use linked::{GroupSpawner, JoinGroup, TaskGroup};
pub use member::{GroupHandle, SpawnInto};
pub use set::{GroupSummary, NextEnded};
