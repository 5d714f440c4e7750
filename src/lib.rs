#![doc = include_str!("../README.md")]
//!
//! # Reading the source
//!
//! Who has never seen an executor begins with the course in [`guide`]: it builds one from nothing, and has
//! pictures of [the life of a task](guide::life_of_a_task) and of [one wake](guide::one_wake).
//!
//! Each file stands on a floor and uses lower floors only:
//!
//! | floor | files | knows |
//! |---|---|---|
//! | 0 | `key` (what a waker's 64 bits mean), `clock`, `wheel` (timers), `run_queue`, `unread` (failures that wait), `roster` (who is in a group), `outcome` | nothing of candor |
//! | 1 | `slots` (the table of tasks), `inbox` (wakes and errands from other threads) | keys, the run queue |
//! | 2 | `failure` (what is known of a failure, and its text); `alarm` (a thread that rings for timers of executors that do not run) | no task, no loop |
//! | 3 | `foreign` (wakers of others) | how a panic is contained |
//! | 4 | `task` (the cell: a future, then its outcome) | failures, keys |
//! | 5 | `core` (all state of one executor) | tasks |
//! | 6 | `current` (which core runs on this thread) | the core |
//! | 7 | `waker`, `abort`, `yield_now`, `parking` (how an idle executor waits), `inspect` | the current core |
//! | 8 | `executor` (the loop), `join`, `time` | wakers |
//! | 9 | `spawn` | handles |
//! | 10 | `entry` (`run`, `block_on`, `test`, `Executor`, and the ways to embed it), `group` (tasks that belong together), `pool` (many tasks, few at a time) | the loop; spawning |
//! | 11 | `remote` (spawning from other threads), `spawner` (spawning for the futures crate) | executors, from within |
//!
//! Read from the bottom of the table, to see how the pieces fit, or from the top, to see what they are for. Or read
//! in the order of the questions; each step leans on those before it, and the first lines of each file say what it is
//! for. A module is a file in `src`, and a folder beside it where it has parts.
//!
//! 1. **Who is ready?** `key`, `run_queue`, `slots`.
//! 2. **How is a task polled, and woken?** `task` (`Job::poll`), `waker`, `foreign`, `current` (`wake`), and the loop: `executor`
//!    (`poll_until_pause`). With the first step this is the hot path; whoever has read it knows how tasks run.
//! 3. **How does it sleep, and how does another thread wake it?** `inbox` (first itself, then `inbox/sleepers`,
//!    `inbox/bitmap`, `inbox/numbers`, `inbox/holders`, `inbox/sync`, `inbox/loom_tests`), `parking`.
//! 4. **How does a task begin and end, and who is told?** `core`, `core/config`, `core/identity`, `core/finishing`, `task/ending`, `core/ending`, `core/refused`, `spawn`,
//!    `join`, `abort`, `yield_now`.
//! 5. **How does time pass?** `clock`, `wheel`, `time`.
//! 6. **Where does a failure go?** `outcome`, `unread`, `core/reporting`, then `failure`, whose first file says what each
//!    of the others holds.
//! 7. **How does one get in?** `entry`; with a loop of one's own also `executor/hosted`, `entry/visit`, `alarm`.
//! 8. **What is made of tasks and handles?** `roster`, `group`, `pool`.
//! 9. **How is it looked at?** `inspect`, `core/instrument`, `core/watching`, `executor/watched`, `waker/counted`.
//! 10. **How is it reached from elsewhere?** `inbox/errands`, `core/outside`, `remote`, `spawner`.
//!
//! Steps 1 to 4 describe an executor at which nobody looks. A debug build looks for stalls, so whoever follows one with a
//! debugger meets step 9 on the way: polls, parks and mail go through `executor/watched`, and wakers through
//! `waker/counted`. A release build, or [`detect_stalls(false)`](Builder::detect_stalls), goes straight on.
//!
//! What holds everywhere:
//!
//! - **A waker is a number.** It owns no memory, so it cannot dangle, and a stale one costs at most a poll that was not
//!   needed. Where somebody looks, its copies are counted, and the count is a number too.
//! - **A slot is queued at most once**, however often it is woken, and a wake during a poll queues it again.
//! - **Futures are polled and dropped on the thread of their executor**, wherever they were spawned, and never inside a
//!   `wake`.
//! - **A failure goes to exactly one place**: to its awaiter, or into a report.
//! - **No user code runs while state is borrowed**, and none runs inside a user's `Drop` that candor
//!   could run later.
//! - Deliberately absent: worker threads, priorities, a reactor of its own, a global executor, features that change
//!   what a task can see. (`async-io` changes where an idle executor waits, and nothing else.)

#![deny(missing_docs)]

#[cfg(not(target_pointer_width = "64"))]
compile_error!(
    "candor needs 64-bit pointers: its wakers are 64-bit numbers that travel as pointers"
);

mod abort;
mod alarm;
mod clock;
mod core;
mod current;
mod entry;
mod executor;
mod failure;
mod foreign;
mod group;
pub mod guide;
mod inbox;
mod inspect;
mod join;
mod key;
mod outcome;
mod parking;
mod pool;
mod remote;
mod roster;
mod run_queue;
mod slots;
mod spawn;
mod spawner;
mod task;
pub mod time;
mod unread;
mod waker;
mod wheel;
mod yield_now;

pub use crate::core::{Ending, FailurePolicy, Instrument, TaskView, WokenBy};
pub use abort::AbortHandle;
pub use entry::{Builder, Executor, RunUntil, block_on, exit, run, test};
pub use failure::error::{Error, Ok, Result};
pub use failure::group_error::GroupError;
pub use failure::join_error::{Cancelled, JoinError, Panic};
pub use failure::lineage::{Ancestor, Lineage, TaskId};
pub use failure::record::Record;
pub use failure::{FailureKind, LastAwait, Location, TaskFailure};
pub use group::{GroupHandle, GroupSpawner, GroupSummary, IndependentGroup, TaskGroup};
pub use inspect::{TaskInfo, TaskState, Tasks, Timeline, tasks};
pub use join::JoinHandle;
pub use outcome::{Outcome, Plain, Value};
pub use pool::{PoolResults, TaskPool};
pub use remote::{Closed, Remote, RemoteHandle};
pub use spawn::{TaskBuilder, spawn};
pub use spawner::Spawner;
pub use time::sleep;
pub use yield_now::{YieldNow, yield_now};
