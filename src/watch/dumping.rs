//! Asking for a dump: from a task, or of an executor that is kept.
//!
//! A dump polls the waiting tasks, so it is made between two polls. A task that asks for one leaves an errand and waits.
//!
//! Knows errands and executors.

use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::entry::Executor;
use crate::hosts::visit::Visit;
use crate::kernel::failure::{AwaitKind, Entry, Site, await_line, contain};
use crate::kernel::tasks::{Core, Main, current_executor};
use crate::remote::errands::Errand;
use crate::watch::dump::{Dump, TRACED_TASKS};

/// Shows where the tasks of this executor stand, whatever futures they wait in.
///
/// Each waiting task is polled once more, between two polls, with a waker that notes where it is cloned: the chain of `.await`s
/// that leads there is shown. That costs a poll and about 0.2 ms a task (the first 100 tasks), and nothing while it is not
/// used. A build with debug information names the lines, and a debug build shows them, if their file can be read and is not
/// newer than the program. A chain ends at a combinator that polls only those of its futures that were woken, such as
/// `FuturesUnordered`.
///
/// An extra poll is what every future has to bear, but it may take a message that has just come, or replace the waker that
/// the future has kept. A task that goes on in it was ready, though nothing had woken it: the dump says that a wake was
/// lost. That is seen where the task ends, or waits in a future of candor's and did not before. From one foreign future to
/// another it goes unseen: the dump does not know where the task stood before.
///
/// # Panics
///
/// When it is polled where no executor runs on this thread.
///
/// # Examples
///
/// ```
/// candor::block_on(async {
///     let (_sender, receiver) = async_channel::bounded::<u8>(1);
///     let task = candor::TaskBuilder::new().name("reader").spawn(async move {
///         candor::Plain(receiver.recv().await.ok())
///     });
///     candor::yield_now().await;
///     let dump = candor::dump().await.to_string();
///     assert!(dump.contains("`reader`: waiting"), "{dump}");
///     task.abort();
/// });
/// ```
#[track_caller]
pub fn dump() -> Dumping {
    Dumping {
        asked: None,
        made_at: Location::caller(),
    }
}

/// The future of [`dump`](dump()).
///
/// # Examples
///
/// ```
/// candor::block_on(async {
///     let dumping: candor::Dumping = candor::dump();
///     assert!(dumping.await.tasks().is_empty());
/// });
/// ```
#[derive(Debug)]
#[must_use = "a future does nothing until it is awaited"]
pub struct Dumping {
    /// The serial number of the executor that was asked, and what it was asked.
    asked: Option<(u64, Arc<Request>)>,
    made_at: Site,
}

/// An errand: the dump, and what waits for it.
#[derive(Debug, Default)]
struct Request {
    answer: Mutex<Option<Result<Dump, Abandoned>>>,
    waker: Mutex<Option<Waker>>,
}

/// The executor that was asked has ended.
#[derive(Debug)]
struct Abandoned;

impl Errand for Request {
    fn run(self: Arc<Self>, core: &Rc<Core>, main: Option<&mut Main<'_>>) {
        if Arc::strong_count(&self) == 1 {
            // The future that asked is gone.
            return;
        }
        if core.polling.is_dropping.get() {
            // The stay is over: nothing is polled any more.
            return self.abandon();
        }
        // If the main future panics in its poll, whoever asked gets what can be seen without polls.
        let fallback = Dump::without_chains(core);
        match catch_unwind(AssertUnwindSafe(|| Dump::of(core, main, TRACED_TASKS))) {
            Ok(dump) => self.answer(Ok(dump)),
            Err(payload) => {
                self.answer(Ok(fallback));
                resume_unwind(payload);
            }
        }
    }

    fn abandon(&self) {
        self.answer(Err(Abandoned));
    }
}

impl Request {
    fn answer(&self, answer: Result<Dump, Abandoned>) {
        *lock(&self.answer) = Some(answer);
        let waker = lock(&self.waker).take();
        if let Some(waker) = waker {
            contain(|| waker.wake());
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Future for Dumping {
    type Output = Dump;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Dump> {
        let asked = self.asked.as_ref();
        match asked.and_then(|(_, request)| lock(&request.answer).take()) {
            Some(Ok(dump)) => return Poll::Ready(dump),
            // The executor that runs now is asked.
            Some(Err(Abandoned)) => self.asked = None,
            None => {}
        }
        let waker = cx.waker().clone();
        let Some(core) = current_executor::get() else {
            panic!(
                "`candor::dump()` was polled where no executor of candor runs on this thread. Await it within `candor::run` or \
                 `candor::block_on`; from outside, use `Executor::dump`"
            );
        };
        // Another executor may not run before this one has ended.
        self.asked.take_if(|(executor, _)| *executor != core.serial);
        let is_new = self.asked.is_none();
        let ask = || (core.serial, Arc::default());
        let (_, request) = self.asked.get_or_insert_with(ask);
        let former = lock(&request.waker).replace(waker);
        contain(|| drop(former));
        if is_new {
            // One that is closed has ended, and polls nothing any more.
            core.errands().push(Arc::clone(request) as _).ok();
            core.inbox.notify();
        }
        current_executor::note_await(AwaitKind::DUMP, await_line(self.made_at));
        Poll::Pending
    }
}

impl Executor {
    /// Shows where the tasks of this executor stand, as [`dump`](dump()) does.
    ///
    /// It is not to be called within a poll: there it shows what can be seen without polling, and says so.
    ///
    /// # Examples
    ///
    /// ```
    /// let executor = candor::Executor::new();
    /// executor.spawn(std::future::pending::<()>()).detach();
    /// executor.tick();
    /// println!("{}", executor.dump());
    /// ```
    #[track_caller]
    pub fn dump(&self) -> Dump {
        if self.core.stay.is_entered.get() {
            let mut dump = Dump::without_chains(&self.core);
            let advice =
                "no chains: this executor is running. Await `candor::dump()` in a task instead";
            dump.notes.push(advice.to_owned());
            return dump;
        }
        let entry = Entry {
            function: &"Executor::dump",
            at: Location::caller(),
        };
        let visit = Visit::new(&self.core, &self.hosts, entry);
        let dump = Dump::of(&self.core, None, TRACED_TASKS);
        visit.leave(false);
        dump
    }
}
