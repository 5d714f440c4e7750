//! Tasks, and how they run: the table, the loop, wakers, handles, and the inbox for other threads.
//!
//! `#[inline]` stands where a measurement wants it: mostly at what code calls that is compiled into the user's crate.
//!
//! Knows failures and time.

pub(crate) mod core;
pub(crate) mod current;
mod finished_or_panicked;
pub(crate) mod inbox;
pub(crate) mod join;
pub(crate) mod joiner;
pub(crate) mod key;
pub(crate) mod memory;
pub(crate) mod parentage;
pub(crate) mod run_loop;
pub(crate) mod slots_and_queue;
pub(crate) mod spawn;
pub(crate) mod task;
pub(crate) mod waker;

pub(crate) use self::core::observer::{Event, Main, Watch};
pub(crate) use self::core::{
    __candor_poll_boundary, Config, Core, FailurePolicy, Running, SUCCESSORS, Shuffle, Stop,
};
pub(crate) use current::Entered;
pub(crate) use inbox::Inbox;
pub(crate) use join::JoinHandle;
pub(crate) use joiner::{Ending, Foreign, Joined, Joiner, Listener};
pub(crate) use key::{Key, MAIN_SLOT, SLOT_LIMIT};
pub(crate) use memory::Counted;
pub(crate) use parentage::Parentage;
pub(crate) use run_loop::{Loop, Pause, deliver_mail, drive, next_event, poll_main, with_grace};
pub(crate) use slots_and_queue::{Ready, Slots};
pub(crate) use spawn::is_large;
pub(crate) use task::{AnyTask, Header, Job, JobOf, OutcomeOf, Progress, Task};
