//! A task whose outcome is stored where another thread can take it.
//!
//! ```text
//!            ┌────────── RemoteTask ──────────┐
//! slots ────►│ Task: header, future           │
//!            │ order ─Arc─► Shared: outcome   │◄─Arc─ RemoteHandle, on any thread
//!            └────────────────────────────────┘
//! ```
//!
//! The executor sees a task like any other. The future is kept, polled and dropped in a [`Task`] of its own, which
//! handles panics as usual. Only the outcome is moved to `Shared` as soon as it is there. So questions about it, such
//! as whether it is an unread failure, go to `Shared`.
//!
//! Knows tasks.

use std::cell::Cell;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::kernel::failure::{LastAwait, Panic, TaskFailure};
use crate::kernel::tasks::{Counted, Ending, Header, Job, JobOf, Progress, Task};
use crate::outcome::Outcome;
use crate::remote::shared::OrderOf;

/// A task that was spawned from another thread.
pub(super) struct RemoteTask<F: Future<Output: Outcome>> {
    /// Its outcome is moved out in the poll that produces it.
    task: Task<F>,
    order: Arc<dyn OrderOf<F::Output>>,
}

impl<F: Future<Output: Outcome>> RemoteTask<F> {
    pub(super) fn new(header: Header, future: F, order: Arc<dyn OrderOf<F::Output>>) -> Self {
        RemoteTask {
            task: Task::new(header, future),
            order,
        }
    }

    /// Moves the outcome to where the handle finds it. The awaiter is woken when the executor has finished
    /// the task.
    fn hand_over(&self) {
        let header = self.task.header();
        // There may be a second outcome: the value may panic when it is dropped.
        header.progress.set(Progress::Done);
        if let Some(outcome) = self.task.take_outcome() {
            let (waker, is_detached) = self.order.shared().settle(outcome);
            header.is_detached.set(is_detached);
            if let Some(waker) = waker {
                header.joiner.set(Counted::new(|| waker).for_joiner());
            }
        }
    }
}

impl<F: Future<Output: Outcome>> Job for RemoteTask<F> {
    fn header(&self) -> &Header {
        self.task.header()
    }

    fn poll(&self, cx: &mut Context<'_>, noted: &Cell<Option<LastAwait>>) -> Poll<Ending> {
        // The request to cancel it is on its way, behind the queue in which this task was already.
        if self.order.shared().is_aborted() {
            self.task.header().is_aborted.set(true);
        }
        let poll = self.task.poll(cx, noted);
        if poll.is_ready() {
            self.hand_over();
        }
        poll
    }

    fn give_up(&self) {
        self.order.shared().abandon();
    }

    fn settle_panic(&self, panic: Panic) -> Option<Panic> {
        let homeless = self.task.settle_panic(panic);
        self.hand_over();
        homeless
    }

    fn has_unread_failure(&self) -> bool {
        self.order.shared().is_unread_failure()
    }

    fn failure(&self) -> Option<TaskFailure> {
        self.order.shared().failure()
    }

    fn discard(&self) {
        self.order.shared().discard();
    }
}

impl<F: Future<Output: Outcome>> Drop for RemoteTask<F> {
    fn drop(&mut self) {
        self.order.shared().abandon();
    }
}
