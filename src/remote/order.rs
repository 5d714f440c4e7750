//! A request to spawn: the closure on its way to an executor, and the later requests of its handle.
//!
//! One allocation holds the closure and what the handle and the task will share. This allocation itself is the errand.
//! When the executor gets it for the first time, it makes a task of the closure. When it gets it again, it looks at what
//! the handle requests. So neither an abort nor a dropped handle allocates.
//!
//! Knows the core.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::kernel::failure::{Lineage, Root, Site, drop_payload};
use crate::kernel::tasks::{Core, Job, Main, current_executor};
use crate::outcome::Outcome;
use crate::remote::errands::Errand;
use crate::remote::shared::{OrderOf, Place, Shared};
use crate::remote::task::RemoteTask;
use crate::task_builder::TaskBuilder;

/// A closure that makes a future, and the place for the outcome of that future.
pub(super) struct Order<M, T: Outcome> {
    /// Taken when it arrives. Locked once by the executor, and by nobody else.
    asked: Mutex<Option<Asked<M>>>,
    shared: Shared<T>,
}

/// The closure, and what its task is to be.
pub(super) type Asked<M> = (M, Arc<Lineage>, TaskBuilder);

thread_local! {
    /// The lineage of all that this thread spawns on executors of other threads.
    static OF_THREAD: Arc<Lineage> = lineage_of_thread();
}

fn lineage_of_thread() -> Arc<Lineage> {
    Lineage::new(Root::Thread(thread::current()))
}

/// The lineage of what the caller spawns on the executor with this serial number.
pub(super) fn lineage_of_caller(serial: u64) -> Arc<Lineage> {
    let of_task = current_executor::with(|core| {
        let is_its_own = core.serial == serial;
        is_its_own.then(|| Arc::clone(core.parentage().lineage()))
    });
    // While the thread ends, what it has kept is gone.
    let of_thread = || OF_THREAD.try_with(Arc::clone).ok();
    (of_task.flatten().or_else(of_thread)).unwrap_or_else(lineage_of_thread)
}

impl<M, T: Outcome> Order<M, T> {
    pub(super) fn new(asked: Asked<M>, at: Site) -> Self {
        let shared = Shared::new(asked.2.name.clone(), at);
        let asked = Mutex::new(Some(asked));
        Order { asked, shared }
    }
}

impl<M, F> Errand for Order<M, F::Output>
where
    M: FnOnce() -> F + Send + 'static,
    F: Future<Output: Outcome<Ok: Send, Err: Send>> + 'static,
{
    fn run(self: Arc<Self>, core: &Rc<Core>, _main: Option<&mut Main<'_>>) {
        let asked = (self.asked.lock())
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        match asked {
            Some((make, spawned_by, builder)) => {
                begin(self, core, made_by(make), spawned_by, builder);
            }
            None => self.shared.serve_handle(core),
        }
    }

    fn abandon(&self) {
        self.shared.abandon();
    }
}

impl<M, T: Outcome> OrderOf<T> for Order<M, T>
where
    Order<M, T>: Errand,
{
    fn shared(&self) -> &Shared<T> {
        &self.shared
    }
}

/// Makes a task of a future.
fn begin<T: Outcome + 'static>(
    order: Arc<dyn OrderOf<T>>,
    core: &Rc<Core>,
    future: impl Future<Output = T> + 'static,
    spawned_by: Arc<Lineage>,
    TaskBuilder { name, is_daemon }: TaskBuilder,
) {
    let mut parentage = core.parentage_with(spawned_by);
    if let Some(name) = name {
        parentage = parentage.named(name);
    }
    let (shared, of_task) = (order.shared(), Arc::clone(&order));
    let spawned = catch_unwind(AssertUnwindSafe(|| {
        core.spawn(shared.spawned_at, parentage, is_daemon, |header| {
            RemoteTask::new(header, future, of_task)
        })
    }));
    match spawned {
        Ok(task) => {
            let header = task.header();
            let place = Place {
                id: header.id,
                slot: header.slot.get(),
            };
            header.is_aborted.set(shared.arrive(place));
        }
        // No number is left for another task; the panic hook has printed that. The handle finds the task cancelled,
        // because it was dropped.
        Err(payload) => drop_payload(payload),
    }
}

/// The future that a closure makes at the first poll. It stays until its task has kept its output. An `async` block would drop it
/// before that, and if its destructor panicked, its `Err` would be lost.
fn made_by<F: Future>(make: impl FnOnce() -> F) -> impl Future<Output = F::Output> {
    let (mut make, mut future) = (Some(make), None);
    poll_fn(move |cx| {
        // If it panics, its task is over.
        let make = || Box::pin(make.take().expect("a closure is called once")());
        future.get_or_insert_with(make).as_mut().poll(cx)
    })
}
