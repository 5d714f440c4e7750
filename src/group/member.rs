//! A member: a task of a group, seen from the group.
//!
//! ```text
//!   group ──► Member ◄── GroupHandle        the value goes to whoever awaits the handle,
//!               ▲                           the failure stays in the task until the group reads it
//!               │
//!   task ──► Supervised(future)             sees how the future ends, and tells the group
//! ```
//!
//! The group learns of an end where it happens: in the poll that returned `Err` or unwound, and in the
//! destructor of the future. So a failure cancels the siblings before any of them is polled again, whether
//! or not somebody awaits the group, and no wake has to look through all members.
//!
//! Knows handles and tasks; of groups, only that they watch.

use std::cell::{Cell, RefCell};
use std::fmt::Debug;
use std::mem;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use crate::abort::AbortHandle;
use crate::failure::join_error::JoinError;
use crate::failure::lineage::TaskId;
use crate::join::JoinHandle;
use crate::outcome::Outcome;
use crate::waker::counted::to_keep;

/// How a member came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Succeeded,
    Failed,
    Cancelled,
}

/// A group, as its members see it. Called from within polls and destructors, so it runs no user code.
pub(super) trait Watch {
    /// A member has failed; it is not gone yet.
    fn member_failed(&self);

    /// A member's future is gone.
    fn member_gone(&self, seat: usize, end: End);
}

/// What the group, the handle and the task share.
pub(super) struct Member<T: Outcome> {
    value: Cell<Option<T::Ok>>,
    end: Cell<Option<End>>,
    /// Whoever awaits the handle.
    waker: Cell<Option<Waker>>,
    task: RefCell<Hold<T>>,
    id: Cell<Option<TaskId>>,
    /// Nobody is left to whom the value could be given.
    pub(super) is_unwanted: Cell<bool>,
}

/// The hold that a member has on its task.
enum Hold<T: Outcome> {
    Nothing,
    /// A failure waits there to be read.
    Joined(JoinHandle<Result<(), T::Err>>),
    /// A failure is reported when it happens.
    Detached(AbortHandle),
}

/// A member, whatever its value.
pub(super) trait AnyMember {
    fn abort(&self);

    /// Lets go of the task: a failure that nobody has read is then reported.
    fn release(&self);
}

/// A member whose failure fits a group that collects into `E`.
pub(super) trait Collected<E>: AnyMember {
    /// Reads the failure.
    fn take_failure(&self) -> Option<JoinError<E>>;
}

impl<T: Outcome> Member<T> {
    pub(super) fn new() -> Rc<Self> {
        Rc::new(Member {
            value: Cell::new(None),
            end: Cell::new(None),
            waker: Cell::new(None),
            task: RefCell::new(Hold::Nothing),
            id: Cell::new(None),
            is_unwanted: Cell::new(false),
        })
    }

    /// A member whose task was never spawned, because its group is over.
    pub(super) fn cancelled() -> Rc<Self> {
        let member = Member::new();
        member.end.set(Some(End::Cancelled));
        member
    }

    pub(super) fn hold_joined(&self, task: JoinHandle<Result<(), T::Err>>) {
        self.id.set(Some(task.id()));
        self.task.replace(Hold::Joined(task));
    }

    pub(super) fn hold_detached(&self, task: JoinHandle<Result<(), T::Err>>) {
        self.id.set(Some(task.id()));
        self.task.replace(Hold::Detached(task.abort_handle()));
        task.detach();
    }

    pub(super) fn id(&self) -> Option<TaskId> {
        self.id.get()
    }

    pub(super) fn is_finished(&self) -> bool {
        self.end.get().is_some()
    }

    pub(super) fn poll_value(&self, cx: &mut Context<'_>) -> Poll<Option<T::Ok>> {
        match self.end.get() {
            Some(End::Succeeded) => Poll::Ready(self.value.take()),
            Some(End::Failed | End::Cancelled) => Poll::Ready(None),
            None => {
                self.waker.set(Some(to_keep(cx.waker())));
                Poll::Pending
            }
        }
    }

    pub(super) fn discard_value(&self) {
        self.is_unwanted.set(true);
        drop(self.waker.take());
        drop(self.value.take());
    }
}

impl<T: Outcome> AnyMember for Member<T> {
    fn abort(&self) {
        match &*self.task.borrow() {
            Hold::Nothing => {}
            Hold::Joined(task) => task.abort(),
            Hold::Detached(task) => task.abort(),
        }
    }

    fn release(&self) {
        let hold = mem::replace(&mut *self.task.borrow_mut(), Hold::Nothing);
        // What this drops may report, and a report runs user code: the member is whole again.
        drop(hold);
    }
}

impl<T: Outcome, E: From<T::Err> + Debug + 'static> Collected<E> for Member<T> {
    fn take_failure(&self) -> Option<JoinError<E>> {
        let hold = mem::replace(&mut *self.task.borrow_mut(), Hold::Nothing);
        let Hold::Joined(mut task) = hold else {
            return None;
        };
        match Pin::new(&mut task).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Err(error)) => Some(error.map(E::from)),
            // Reported right now, further up the stack.
            Poll::Pending | Poll::Ready(Ok(())) => None,
        }
    }
}

/// The future of a member. Boxed, so that it can be dropped under supervision while it is pinned.
pub(super) struct Supervised<F: Future<Output: Outcome>, G: Watch> {
    /// `None` once it was dropped.
    future: Option<Pin<Box<F>>>,
    has_succeeded: bool,
    has_failed: bool,
    member: Rc<Member<F::Output>>,
    group: Rc<G>,
    seat: usize,
}

impl<F: Future<Output: Outcome>, G: Watch> Supervised<F, G> {
    pub(super) fn new(future: F, member: Rc<Member<F::Output>>, group: Rc<G>, seat: usize) -> Self {
        Supervised {
            future: Some(Box::pin(future)),
            has_succeeded: false,
            has_failed: false,
            member,
            group,
            seat,
        }
    }

    fn fail(&mut self) {
        self.has_failed = true;
        self.group.member_failed();
    }
}

impl<F: Future<Output: Outcome>, G: Watch> Future for Supervised<F, G> {
    type Output = Result<(), <F::Output as Outcome>::Err>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let watched = FailsOnUnwind(&mut self);
        let future = watched.0.future.as_mut();
        let future = future.expect("a future is there as long as it is polled");
        let outcome = match future.as_mut().poll(cx) {
            Poll::Pending => None,
            Poll::Ready(output) => Some(output.into_result().map(|value| {
                // Its destructor is user code, and runs here if nobody wants it.
                if !watched.0.member.is_unwanted.get() {
                    watched.0.member.value.set(Some(value));
                }
            })),
        };
        mem::forget(watched);
        match outcome {
            None => Poll::Pending,
            Some(Ok(())) => {
                self.has_succeeded = true;
                Poll::Ready(Ok(()))
            }
            Some(Err(error)) => {
                self.fail();
                Poll::Ready(Err(error))
            }
        }
    }
}

impl<F: Future<Output: Outcome>, G: Watch> Drop for Supervised<F, G> {
    fn drop(&mut self) {
        /// Tells of the end also if the destructor of the future unwinds.
        struct Leaves<'a, F: Future<Output: Outcome>, G: Watch>(&'a mut Supervised<F, G>);

        impl<F: Future<Output: Outcome>, G: Watch> Drop for Leaves<'_, F, G> {
            fn drop(&mut self) {
                let Supervised { member, .. } = &*self.0;
                let end = match (self.0.has_failed, self.0.has_succeeded) {
                    (true, _) => End::Failed,
                    (false, true) => End::Succeeded,
                    (false, false) => End::Cancelled,
                };
                member.end.set(Some(end));
                self.0.group.member_gone(self.0.seat, end);
                if let Some(waker) = member.waker.take() {
                    waker.wake();
                }
            }
        }

        let leaves = Leaves(self);
        let watched = FailsOnUnwind(&mut *leaves.0);
        watched.0.future = None;
        mem::forget(watched);
    }
}

/// Takes note if it is dropped, which only unwinding does: the panic itself goes on to the executor.
struct FailsOnUnwind<'a, F: Future<Output: Outcome>, G: Watch>(&'a mut Supervised<F, G>);

impl<F: Future<Output: Outcome>, G: Watch> Drop for FailsOnUnwind<'_, F, G> {
    fn drop(&mut self) {
        self.0.fail();
    }
}
