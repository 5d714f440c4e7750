//! A panic that goes on in its awaiter, or in a later poll.
//!
//! Resuming calls no panic hook, so this file puts back what is known of the panic.
//!
//! ```text
//! Panic::resume ──────────────────────────────► its record is put back
//! Panic::into_payload ─┐
//! caught and reported ─┴─► KNOWN ─ resume_unwind ─► perhaps the one with this payload
//! ```
//!
//! A payload may be dropped unseen, and an equal one be made at the same address. So what is known by its payload is a guess, and
//! the report says so.
//!
//! Knows failures, and what the panic hook keeps.

use std::any::Any;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::panic::resume_unwind;
use std::ptr;
use std::sync::PoisonError;

use crate::kernel::failure::seen_panics::Identity;
use crate::kernel::failure::{Account, Panic, TaskFailure, hook, reporter};

impl Panic {
    /// Returns the payload, as [`catch_unwind`](std::panic::catch_unwind) would give it.
    ///
    /// A task may pass it to [`resume_unwind`]. Its report then says where the panic was perhaps first raised, if the payload is
    /// text or a number, as that of every `panic!` is, and if it has stayed on this thread. It says perhaps because an equal
    /// payload may have been made anew. [`resume`](Panic::resume) knows for sure, and needs neither. And outside of every task
    /// `resume_unwind` prints nothing, as always; `resume` does.
    #[must_use]
    pub fn into_payload(self) -> Box<dyn Any + Send> {
        let (failure, payload) = self.into_parts();
        let identity = Identity::of(&*payload);
        // The payload may be dropped unseen, and another one of its type get its memory. A value tells the two apart.
        if identity.value.is_some() {
            remember(identity, Some(address(&*payload)), &failure);
        }
        payload
    }

    fn into_parts(self) -> (TaskFailure, Box<dyn Any + Send>) {
        let payload = self.0.payload.into_inner();
        (
            self.0.failure,
            payload.unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// Resumes the panic at this place.
    ///
    /// Within a task, that task's failure says where the panic was first raised. Elsewhere the report
    /// is printed at once, because resuming a panic prints nothing.
    ///
    /// # Panics
    ///
    /// Always, with the payload of this panic.
    ///
    /// # Examples
    ///
    /// ```
    /// use candor::JoinError;
    ///
    /// let result = std::panic::catch_unwind(|| candor::block_on(async {
    ///     let task = candor::spawn(async { panic!("boom") });
    ///     let Err(JoinError::Panicked(panic)) = task.await else { unreachable!() };
    ///     panic.resume()
    /// }));
    /// assert_eq!(result.unwrap_err().downcast_ref(), Some(&"boom"));
    /// ```
    pub fn resume(self) -> ! {
        let (failure, payload) = self.into_parts();
        reinstate(failure, &*payload);
        resume_unwind(payload)
    }
}

/// Prepares for the panic of `failure` to be resumed here. Within a task its record is put back.
/// Elsewhere it is reported now.
fn reinstate(failure: TaskFailure, payload: &(dyn Any + Send)) {
    match hook::polled() {
        None => {
            if failure.begin_report() {
                reporter().report(&failure, None);
            }
        }
        Some(polled) => polled.record(payload, account_of(failure)),
    }
}

/// What a panic says that is perhaps this failure, resumed. Nothing else that is known of the failure is said of the panic.
pub(crate) fn perhaps(failure: TaskFailure) -> Account {
    Account {
        message: failure.message().to_owned(),
        perhaps: Some(failure),
        ..Account::default()
    }
}

/// What a resumed panic says that was known as this failure before.
fn account_of(failure: TaskFailure) -> Account {
    Account {
        message: failure.message().to_owned(),
        location: failure.location(),
        backtrace: failure.shared_backtrace().cloned(),
        passes_on: Some(failure),
        ..Account::default()
    }
}

/// How many panics are remembered.
const REMEMBERED: usize = 32;

/// A panic that may be resumed later, perhaps in another executor.
struct Known {
    identity: Identity,
    /// The box that the payload stays in. `None` if only the hook has seen it, before it was in a box.
    address: Option<usize>,
    failure: TaskFailure,
}

thread_local! {
    static KNOWN: RefCell<VecDeque<Known>> = const { RefCell::new(VecDeque::new()) };
}

/// Remembers a panic that was caught and reported, or whose payload an awaiter has taken.
pub(crate) fn remember(identity: Identity, address: Option<usize>, failure: &TaskFailure) {
    let failure = failure.clone();
    let push = |known: &RefCell<VecDeque<_>>| {
        let known = &mut *known.borrow_mut();
        if known.len() == REMEMBERED {
            known.pop_front();
        }
        known.push_back(Known {
            identity,
            address,
            failure,
        });
    };
    // Where the thread is ending, nothing is remembered.
    KNOWN.try_with(push).ok();
}

/// Takes what a resumed payload was known as. It is given out once. If several are equal, the newest one wins.
pub(crate) fn take_known(payload: &(dyn Any + Send)) -> Option<TaskFailure> {
    let identity = Identity::of(payload);
    let is_it = |known: &Known| {
        let is_here = known.address.is_none_or(|known| known == address(payload));
        is_here && known.identity == identity
    };
    let take = |known: &RefCell<VecDeque<Known>>| {
        let known = &mut *known.borrow_mut();
        let newest = known.iter().rposition(is_it)?;
        known.remove(newest).map(|known| known.failure)
    };
    KNOWN.try_with(take).ok().flatten()
}

fn address(payload: &(dyn Any + Send)) -> usize {
    ptr::from_ref(payload).addr()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::failure::{FailureKind, Lineage, Origin, TaskId};

    #[test]
    fn of_the_panics_that_were_caught_the_last_32_are_remembered() {
        let origin = Origin {
            id: TaskId(1),
            name: None,
            spawned_at: None,
            spawned_by: Lineage::of_entry(None),
            last_await: None,
        };
        let failure = TaskFailure::new(origin, FailureKind::Caught, Account::default());
        for number in 0..100_u32 {
            remember(Identity::of(&number), None, &failure);
        }
        let known = (0..100).filter(|number: &u32| take_known(number).is_some());
        assert_eq!(known.collect::<Vec<_>>(), (68..100).collect::<Vec<_>>());
    }
}
