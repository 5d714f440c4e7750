//! Tasks, and how they run: the table, the loop, wakers, handles, and the inbox for other threads.
//!
//! `#[inline]` stands where a measurement wants it: mostly at what code calls that is compiled into the user's crate.
//!
//! Knows failures and time.

mod completion;
pub(crate) mod core;
pub(crate) mod current_executor;
mod current_poll;
pub(crate) mod inbox;
pub(crate) mod join_handle;
pub(crate) mod memory;
pub(crate) mod parentage;
pub(crate) mod run_loop;
pub(crate) mod slots_and_queue;
pub(crate) mod spawn;
pub(crate) mod task;
pub(crate) mod task_key;
pub(crate) mod waker;
pub(crate) mod who_joins;

pub(crate) use self::core::observer::{Event, Main, Watch};
pub(crate) use self::core::{
    __candor_poll_boundary, Config, Core, FailurePolicy, SUCCESSORS, Shuffle, Stop, Stopped,
};
pub(crate) use current_executor::Entered;
pub(crate) use current_poll::{Polling, Running};
pub(crate) use inbox::Inbox;
pub(crate) use join_handle::JoinHandle;
pub(crate) use memory::Counted;
pub(crate) use parentage::Parentage;
pub(crate) use run_loop::{Loop, Pause, deliver_mail, drive, poll_main};
pub(crate) use slots_and_queue::{Ready, Slots};
pub(crate) use spawn::is_large;
pub(crate) use task::{AnyTask, Header, Job, JobOf, OutcomeOf, Progress, Task};
pub(crate) use task_key::{Key, MAIN_SLOT, SLOT_LIMIT};
pub(crate) use who_joins::{Ending, Foreign, Joined, Joiner, Listener};
