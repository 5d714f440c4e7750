//! The main future of `run` and `test`: a failure of it is a failure like a task's.
//!
//! Knows the loop.

use std::fmt::Debug;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use crate::entry::{drain, reactor};
use crate::kernel::failure::{JoinError, Panic, Record, hook};
use crate::kernel::tasks::{__candor_poll_boundary, Core, Event, Running, Stopped, drive};
use crate::outcome::{Outcome, check_for_nested_result};

/// Runs the main future of `run`, and then what is left but for daemons. A failure of the future is reported like a task's.
///
/// The outcome is kept beside the future, so that it is reported even if the executor has to stop at once.
pub(crate) fn run_program<F: Future<Output: Outcome>>(
    core: &Rc<Core>,
    future: F,
) -> Result<(), Stopped> {
    if let Some(entry) = core.stay.entry.get() {
        check_for_nested_result::<F::Output>("main future entered", entry.at);
    }
    let mut main = pin!(Some(future));
    let (mut outcome, mut panicked) = (None, None);
    let driven = drive(
        core,
        poll_fn(|cx| {
            let polled = core.guarded(|| {
                let main = main
                    .as_mut()
                    .as_pin_mut()
                    .expect("drive polls no future that is done");
                __candor_poll_boundary(|main| main.poll(cx), main).map(Outcome::into_result)
            });
            match polled {
                Ok(Poll::Pending) => return Poll::Pending,
                Ok(Poll::Ready(result)) => outcome = Some(result),
                Err(panic) => panicked = Some(panic),
            }
            Poll::Ready(())
        }),
        reactor::run,
    );
    let outcome = outcome.map(|result| result.map_err(|error| reported(core, error)));
    // At once: a destructor may abort the process.
    if let Some(panic) = panicked {
        core.report_panic(panic);
    }
    drop_reporting(core, || main.set(None));
    drop_reporting(core, || drop(outcome));
    driven?;
    drain(core)
}

/// The error that the main future returned, with all that is known of it.
pub(crate) fn main_error<E>(core: &Core, error: E) -> JoinError<E> {
    let origin = core
        .origin_of(Running::MainOfRun)
        .expect("the main future always has an origin");
    JoinError::Failed(error, Record::new(origin))
}

/// Reports the error that the main future of `run` returned. The caller drops it.
fn reported<E: Debug + 'static>(core: &Core, error: E) -> JoinError<E> {
    let error = main_error(core, error);
    if let Some(failure) = core.aside(|| error.failure()) {
        core.say(|| Event::Failed(failure));
        core.report(failure);
    }
    error
}

/// Drops what is left of the main future of `run` or `test`. If that panics, this is reported.
pub(crate) fn drop_reporting(core: &Core, drop_it: impl FnOnce()) {
    core.polling.is_dropping.set(true);
    let dropped = core.guarded(drop_it);
    core.polling.is_dropping.set(false);
    if let Err(panic) = dropped {
        core.report_panic(panic);
    }
}

impl Core {
    /// Runs user code on behalf of the main future of `run` or `test`, whose panic a panic in it is.
    fn guarded<R>(&self, user_code: impl FnOnce() -> R) -> Result<R, Panic> {
        let previous = self.polling.running.replace(Running::MainOfRun);
        let result = catch_unwind(AssertUnwindSafe(user_code));
        let result = result.map_err(|payload| {
            let polled = self
                .polled_task()
                .expect("the main future always has an origin");
            hook::claim(payload, &polled)
        });
        self.polling.running.set(previous);
        result
    }
}
