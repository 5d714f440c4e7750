//! Spawning: a future becomes a task of the executor that runs on this thread.
//!
//! `spawn` is not an async function: then the place of the call would be unknown. That place is the
//! first line of every lineage.
//!
//! Knows the core, the current executor and the handle.

use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;

use crate::kernel::failure::Site;
use crate::kernel::tasks::{Core, JoinHandle, Task, current};
use crate::outcome::{Outcome, check_for_nested_result};

/// Spawns a task on the executor that runs on this thread.
///
/// The executor keeps the task alive, so you need not hold the handle. If the task fails after its handle
/// was dropped, the failure is reported. If the handle is held, the failure waits for it to be awaited.
///
/// The future need not be `Send` or `Sync`.
///
/// # Panics
///
/// If no executor runs on this thread, or if four billion tasks are alive in it, as many as a waker can number.
///
/// A future of more than 16 KiB is boxed first: in a debug build each function that passes it on has a copy on its stack.
///
/// # Examples
///
/// ```
/// candor::block_on(async {
///     let task = candor::spawn(async { 6 * 7 });
///     assert_eq!(task.await.unwrap(), 42);
/// });
/// ```
#[track_caller]
#[inline]
pub fn spawn<F: Future<Output: Outcome> + 'static>(future: F) -> JoinHandle<F::Output> {
    match const { is_large::<F>() } {
        true => spawn_here(None, false, Box::pin(future)),
        false => spawn_here(None, false, future),
    }
}

/// Spawns a task with a name, or as a daemon, on the executor that runs on this thread.
#[track_caller]
#[inline]
pub(crate) fn spawn_here<F: Future<Output: Outcome> + 'static>(
    name: Option<Arc<str>>,
    is_daemon: bool,
    future: F,
) -> JoinHandle<F::Output> {
    let core = current::get().expect(
        "`spawn` was called where no executor runs on this thread. Call it from within \
         `candor::run(async { … })` or `candor::block_on(async { … })`, or spawn on an executor that you hold: \
         `executor.spawn(future)`",
    );
    spawn_onto(&core, name, is_daemon, future, Location::caller())
}

#[inline]
pub(crate) fn spawn_onto<F: Future<Output: Outcome> + 'static>(
    core: &Rc<Core>,
    name: Option<Arc<str>>,
    is_daemon: bool,
    future: F,
    at: Site,
) -> JoinHandle<F::Output> {
    check_for_nested_result::<F::Output>(at);
    let spawned_by = match name {
        None => core.parentage(),
        Some(name) => core.parentage().named(name),
    };
    let task = core.spawn(at, spawned_by, is_daemon, |header| {
        Task::new(header, future)
    });
    JoinHandle {
        task: task.for_handle(),
        has_waited: false,
    }
}

/// Whether a future is so large that it is boxed before it is passed on. In a debug build each function on the way has a
/// copy of it on its stack. (tokio does the same.)
///
/// Call it in a `const` block: then only one of the two ways is compiled. Otherwise a debug build keeps room on the stack
/// for both, and a release build no longer inlines some functions.
pub(crate) const fn is_large<F>() -> bool {
    size_of::<F>() > 16 * 1024
}
