#![doc = include_str!("../README.md")]
//!
//! # Reading the source
//!
//! If you have never seen an executor, begin with the course in [`guide`]. It builds one from nothing, and has
//! pictures of [the life of a task](guide::life_of_a_task) and of [one wake](guide::one_wake).
//! [The design](guide::design) says what was decided, and what was tried and rejected.
//!
//! Then read one folder. `src/kernel` holds everything that a wake, a poll, a spawn, a join, a sleep or a failure touches. It
//! uses nothing outside of it but `outcome`, and `examples/kernel_alone.rs` compiles it by itself. What it needs of the rest
//! goes through five plugs: traits or types that the kernel declares and other folders implement.
//!
//! | in which order | files in `src/kernel` |
//! |---|---|
//! | 1. Which task is ready? | `tasks/task_key`, `tasks/slots_and_queue` |
//! | 2. How is a task polled, and woken? | `tasks/task`, `tasks/waker`, `tasks/current_executor`, `tasks/current_poll`, `tasks/run_loop` |
//! | 3. How does it park, and how does another thread wake it? | `tasks/inbox`, and its parts: `bitmap`, `executor_numbers`, `std_or_loom` |
//! | 4. How does a task begin and end? | `tasks/spawn`, `tasks/memory`, `tasks/completion`, `tasks/join_handle`, `tasks/who_joins`; who spawned it: `tasks/parentage`; the state of it all: `tasks/core` |
//! | 5. How does time pass? | `time/clock`, `time/wheel`, `time/timers`, `time/sleep` |
//! | 6. Where does a failure go? | `failure/when_to_report`, `failure/in_grace`, then `failure`, `failure/lineage`, `failure/location`, `failure/hook`, `failure/seen_panics`, `failure/user_code`, `failure/record`, `failure/join_error` |
//!
//! | plug | what the kernel calls through it | implemented in |
//! |---|---|---|
//! | `Listener` in `tasks/who_joins` | a task has ended | `group`, `pool`, `remote` |
//! | `Reporter` in `failure/reporter` | a failure has to be printed, or an error asked for its text | `report` |
//! | `Watch` in `tasks/core/observer` | something has happened; may the thread park? | `watch` |
//! | `Outside` in `tasks/core` | what another thread wants done on this one | `remote` |
//! | the last argument of `drive` in `tasks/run_loop` | how the turns of the loop are taken | `entry/reactor` |
//!
//! The other folders are around the kernel:
//!
//! | folder | holds |
//! |---|---|
//! | `report` | what a failure looks like when it is printed, and `candor::Error` |
//! | `watch` | looking inside: instruments, stalls, `tasks()`, the timeline |
//! | `entry` | `run`, `block_on`, `test`, and an `Executor` to keep |
//! | `hosts` | executors that a foreign loop runs |
//! | `remote` | spawning from other threads, and for the futures crate |
//! | `group`, `pool` | tasks that belong together; many tasks, few at a time |
//! | `time`, `yield_now`, `task_builder`, `handle`, `abort`, `outcome` | timeouts and intervals; letting others run; names and daemons; what a handle knows; aborting; what a task may return |
//!
//! What holds everywhere:
//!
//! - **A waker is a number.** It owns no memory, so it cannot dangle, and a stale one costs at most a poll that was not
//!   needed. If there is an observer, its copies are counted, and that count is a number too.
//! - **A slot is queued at most once**, however often it is woken, and a wake during a poll queues it again.
//! - **Futures are polled and dropped on the thread of their executor**, wherever they were spawned, and never inside a
//!   `wake`.
//! - **A failure goes to exactly one place**: to its awaiter, or into a report.
//! - **No user code runs while state is borrowed.** User code that candor could run later never runs inside a user's
//!   `Drop`.
//! - **A panic finds everything whole.** Only user code panics. It runs between two steps of candor and never within
//!   one, and candor catches the panic where other code has to go on. So executors, groups, pools, handles and errors are
//!   [`UnwindSafe`](std::panic::UnwindSafe), although there are cells in them: nobody can see one that is half changed. A
//!   handle gives a value that a task has returned, so no panic came in between. Types that hold user code are not
//!   `UnwindSafe`: [`Builder`], [`PoolResults`], [`RunUntil`].
//! - **Unsafe code is in three files**: the wakers' tables in `tasks/waker`, a task's pin and its two sides in `tasks/task`, and
//!   its memory in `tasks/memory`. Each block has its proof beside it.
//! - Deliberately absent: worker threads, priorities, a reactor of its own, a global executor, features that change
//!   what a task can see. (`async-io` changes only where an idle executor waits.)

#![deny(missing_docs)]
#![warn(missing_debug_implementations)]

#[cfg(not(target_pointer_width = "64"))]
compile_error!(
    "candor needs 64-bit pointers: its wakers are 64-bit numbers that travel as pointers"
);

mod abort;
mod entry;
mod group;
pub mod guide;
mod handle;
mod hosts;
mod kernel;
mod outcome;
mod pool;
mod remote;
mod report;
mod task_builder;
pub mod time;
mod watch;
mod yield_now;

#[cfg(all(test, not(loom)))]
#[path = "../tests/inside/in_time.rs"]
mod in_time;

pub use crate::kernel::tasks::core::FailurePolicy;
pub use crate::kernel::tasks::who_joins::Ending;
pub use crate::watch::instrument::{Instrument, TaskView, WokenBy};
pub use abort::{AbortHandle, AbortOnDrop, Cancelling};
pub use entry::{Builder, Executor, block_on, exit, run, test};
pub use group::{
    CollectingGroup, GroupHandle, GroupSpawner, GroupSummary, IndependentGroup, JoinGroup,
    JoinIndependent, NextEnded, NextFailure, SpawnInto, TaskGroup,
};
pub use hosts::drained::Drained;
pub use hosts::run_until::RunUntil;
pub use kernel::failure::join_error::{Cancelled, JoinError, Panic};
pub use kernel::failure::lineage::{Ancestor, Lineage, TaskId};
pub use kernel::failure::record::Record;
pub use kernel::failure::{FailureKind, LastAwait, Location, TaskFailure};
pub use kernel::tasks::join_handle::JoinHandle;
pub use kernel::tasks::spawn::spawn;
pub use outcome::{Outcome, Plain, Value};
pub use pool::{NextResult, PoolResults, TaskPool};
pub use remote::spawner::Spawner;
pub use remote::{Closed, Remote, RemoteHandle};
pub use report::context::Context;
pub use report::error::{Error, Ok, Result};
pub use report::group_error::GroupError;
pub use task_builder::TaskBuilder;
pub use time::sleep;
pub use watch::{
    CurrentTask, Dump, Dumping, TaskInfo, TaskState, Tasks, Timeline, current, dump, tasks,
};
pub use yield_now::{YieldNow, yield_now};
