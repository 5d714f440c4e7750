//! Groups: tasks that none of them outlives.
//!
//! ```text
//!                 ┌─ linked       one fails: the others are cancelled, and all failures come out of `join`
//! TaskGroup ──────┤
//!                 └─ independent  one fails: it is reported at once, or handed out, and the others go on
//! ```
//!
//! A spawned task is free to run for ever. Whoever starts several for one purpose wants to know that they
//! are over when the purpose is, and that none of their failures is lost on the way. A group is made of
//! nothing but handles and a watcher around each future; the executor does not know it.
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
