//! What the exercises ask for, a file each. The exercises and their solutions have to pass these same checks, and
//! each wrong answer in `tests/exercises/wrong` is rejected by one.
//!
//! A check calls what the file above it defines: `tests/exercises.rs` when you run the exercises, `solutions.rs` when
//! the solutions are tested, and a module with a wrong answer.

// The checks take it from here.
use crate::*;

pub mod a_block_on;
pub mod a_fair_queue;
pub mod a_oneshot_channel;
pub mod a_run_queue;
pub mod a_semaphore;
pub mod a_task_local;
pub mod a_wake_from_elsewhere;
pub mod all_or_nothing;
pub mod an_abort;
pub mod an_event;
pub mod counting_polls;
pub mod debouncing;
pub mod joining;
pub mod selecting;
pub mod yielding;
