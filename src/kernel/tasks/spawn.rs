//! Spawning: a future becomes a task, of the executor that runs on this thread or of another one.
//!
//! Here it is found out who spawns, which the task notes as its parentage. The task gets an id and a slot. Unless it is a daemon,
//! it is counted among the tasks that `run` and `drain` wait for.
//!
//! `spawn` is not an async function, because an async function does not know where it was called. That place is the first
//! line of every lineage.
//!
//! Knows the core, the current executor and the handle.

use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;

use crate::kernel::failure::{Lineage, Root, Site, TaskId, reporter};
use crate::kernel::tasks::{
    Core, Counted, Event, Header, Job, JoinHandle, Parentage, Running, Task, current_executor,
};
use crate::outcome::{Outcome, check_for_nested_result};

/// Spawns a task on the executor that runs on this thread.
///
/// The executor keeps the task alive, so you need not hold the handle. If the task fails after its handle
/// was dropped, the failure is reported. If the handle is held, the failure waits for it to be awaited.
///
/// The future need not be `Send` or `Sync`. One of more than 16 KiB is boxed first: in a debug build each function that passes it
/// on has a copy of it on its stack.
///
/// # Panics
///
/// If no executor runs on this thread, or if four billion tasks are alive in it, as many as a waker can number.
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
    let core = current_executor::get().expect(
        "a task was spawned where no executor runs on this thread. Spawn it, also into a group or a pool, from within \
         `candor::run(async { … })` or `candor::block_on(async { … })`; or on an executor that you hold: \
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
    check_for_nested_result::<F::Output>("task spawned", at);
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

impl Core {
    /// The task is made in its final place. A task that is made on the stack and then copied is read in larger pieces than it was
    /// stored in. The processor waits for that: a fifth of the cost of a spawn with its await (measured).
    #[inline]
    pub(crate) fn spawn<J: Job + 'static>(
        &self,
        spawned_at: Site,
        spawned_by: Counted<Parentage>,
        is_daemon: bool,
        make: impl FnOnce(Header) -> J,
    ) -> Counted<J> {
        let id = TaskId(self.next_id.get());
        let task = Counted::new(|| make(Header::new(id, spawned_at, spawned_by, is_daemon)));
        let slot = self.slots.insert(|slot| {
            task.header().slot.set(slot);
            task.clone().for_executor()
        });
        // Not while the table is borrowed: unwinding may run code that wakes.
        assert!(
            slot.is_some(),
            "cannot spawn: {} tasks are alive in this executor, as many as a waker can number. Something spawns faster \
             than its tasks finish; await some of them before spawning more, or let a TaskPool do that",
            self.slots.len()
        );
        self.next_id.set(id.0 + 1);
        (self.waited_for).set(self.waited_for.get() + u32::from(!is_daemon));
        self.say(|| Event::Spawned(task.header()));
        task
    }

    #[inline]
    pub(crate) fn parentage(self: &Rc<Self>) -> Counted<Parentage> {
        if let Some((spawner, parentage)) = &*self.parentage.borrow()
            && *spawner == self.polling.running.get()
            && !(*spawner == Running::Nobody && reporter().is_printing())
        {
            return parentage.clone();
        }
        self.new_parentage()
    }

    fn new_parentage(self: &Rc<Self>) -> Counted<Parentage> {
        let (running, spawner) = (self.polling.running.get(), self.running_task());
        let parentage = match spawner.as_ref().map(|task| task.header()) {
            Some(header) => Parentage::below(header.as_ancestor(), &header.spawned_by),
            // What a logger spawns between two polls is nobody else's, and nothing else is the logger's.
            None if running == Running::Nobody && reporter().is_printing() => {
                return self.parentage_with(Lineage::new(Root::Logger));
            }
            None => self.parentage_with(Lineage::of_entry(self.stay.entry.get())),
        };
        if running != Running::Ended {
            self.parentage.replace(Some((running, parentage.clone())));
        }
        parentage
    }

    /// A parentage for the tasks that have this lineage.
    pub(crate) fn parentage_with(self: &Rc<Self>, lineage: Arc<Lineage>) -> Counted<Parentage> {
        Parentage::new(lineage, Rc::<Core>::downgrade(self), self.number)
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
