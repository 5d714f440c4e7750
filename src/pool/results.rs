//! From inputs to results: what `map` and `completed` give back.
//!
//! ```text
//! inputs ──permit──► spawn ──► handles [ 0 | 1 | 2 | 3 ]  ──► next: the one with the first turn
//!                                turns: [ 0, 1, 2, 3 ]         in order: each has a turn from the start
//!                                       [ 2, 0 ]               as they come: when it is done
//! ```
//!
//! A result that is not yet taken counts against the limit, so results do not pile up for a slow reader.
//!
//! Knows permits, handles and spawning.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::fmt;
use std::iter;
use std::mem;
use std::panic::Location;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use crate::group::roster::Roster;
use crate::group::waiting::Waiting;
use crate::kernel::failure::{AwaitKind, JoinError, Site, await_line};
use crate::kernel::tasks::spawn::spawn_onto;
use crate::kernel::tasks::{
    Counted, Ending, JoinHandle, Listener, OutcomeOf, current_executor, is_large,
};
use crate::outcome::Outcome;
use crate::pool::permits::{Permit, Permits};
use crate::watch::counted;

/// The results of [`TaskPool::map`](crate::TaskPool::map) and [`TaskPool::completed`](crate::TaskPool::completed).
///
/// Dropping it cancels the running tasks, takes no more inputs, and reports the failures that were not taken.
///
/// # Examples
///
/// ```
/// candor::block_on(async {
///     let pool = candor::TaskPool::new(4);
///     let mut parsed = pool.map(["1", "x", "3"], async |text: &str| text.parse::<i32>());
///     let (mut sum, mut failed) = (0, 0);
///     while let Some(result) = parsed.next().await {
///         match result {
///             Ok(number) => sum += number,
///             Err(_) => failed += 1,
///         }
///     }
///     assert_eq!((sum, failed), (4, 1));
/// });
/// ```
#[must_use = "no input is taken before the results are awaited"]
pub struct PoolResults<'a, T: Outcome> {
    /// Spawns a task for each input; `None` once there are no more.
    tasks_to_come: Option<Box<dyn Iterator<Item = JoinHandle<T>> + 'a>>,
    permits: Rc<Permits>,
    /// The permit of the next task, or its place in the queue for one.
    permit: Option<Permit>,
    /// What was spawned and not yet taken.
    tasks: Roster<JoinHandle<T>>,
    turns: Rc<Turns>,
    made_at: Site,
}

/// Whose result is next.
struct Turns {
    are_in_order: bool,
    queue: RefCell<VecDeque<usize>>,
    reader: Waiting,
}

/// What the end of a task calls.
struct Turn {
    turns: Rc<Turns>,
    number: usize,
    /// Passed on when this is dropped: at the end of the task, although its result may wait longer.
    _permit: Permit,
}

impl Listener for Turn {
    fn task_done(&self, _ending: Ending) {
        let mut queue = self.turns.queue.borrow_mut();
        if !self.turns.are_in_order {
            queue.push_back(self.number);
        }
        let is_next = queue.front() == Some(&self.number);
        drop(queue);
        if is_next {
            self.turns.reader.wake();
        }
    }
}

impl<'a, T: Outcome + 'static> PoolResults<'a, T> {
    #[track_caller]
    pub(super) fn new<I, Fut>(
        permits: &Rc<Permits>,
        are_in_order: bool,
        mut inputs: I,
        mut f: impl FnMut(I::Item) -> Fut + 'a,
    ) -> Self
    where
        I: Iterator + 'a,
        Fut: Future<Output = T> + 'static,
    {
        let made_at = Location::caller();
        let spawn = move || {
            // Before an input is taken: it would be lost.
            let core = current_executor::get().expect(
                "the results of a TaskPool were awaited where no executor runs on this thread. Await \
                 them within `candor::run` or `candor::block_on`",
            );
            let input = inputs.next()?;
            if const { is_large::<Fut>() } {
                return Some(spawn_onto(&core, None, false, Box::pin(f(input)), made_at));
            }
            Some(spawn_onto(&core, None, false, f(input), made_at))
        };
        PoolResults {
            tasks_to_come: Some(Box::new(iter::from_fn(spawn))),
            permits: Rc::clone(permits),
            permit: None,
            tasks: Roster::default(),
            turns: Rc::new(Turns {
                are_in_order,
                queue: RefCell::default(),
                reader: Waiting::default(),
            }),
            made_at,
        }
    }

    /// Waits for the next result; `None` when all inputs have had theirs. It is safe to drop the future: no result is
    /// lost. But its place among those that wait for room in the pool is lost, as with tokio's `Semaphore::acquire`: if the pool is
    /// always busy, a future that is dropped after a short while each time may never get room.
    ///
    /// A future that was polled and is kept without being polled may keep a place of the pool that it does not use. So await
    /// it, or drop it.
    ///
    /// # Panics
    ///
    /// When it is polled where no executor runs on this thread. If the iterator or the function panics, that
    /// panic comes out here.
    ///
    /// If 128 of candor's own futures were ready in one poll of a task, and it waited for none, the next one lets other
    /// tasks run first.
    ///
    /// # Examples
    ///
    /// ```
    /// candor::block_on(async {
    ///     let pool = candor::TaskPool::new(2);
    ///     let mut doubled = pool.map(1..=2, async |number| number * 2);
    ///     assert_eq!(doubled.next().await.unwrap().unwrap(), 2);
    ///     assert_eq!(doubled.next().await.unwrap().unwrap(), 4);
    ///     assert!(doubled.next().await.is_none());
    /// });
    /// ```
    #[expect(clippy::should_implement_trait, reason = "it is that of a stream")]
    pub fn next(&mut self) -> NextResult<'_, 'a, T> {
        NextResult { results: self }
    }

    /// Collects all values, or gives the first failure in the order of the results. Then the running tasks are
    /// cancelled, no more inputs are taken, and the other failures are reported.
    ///
    /// To have every result, good or bad, call [`next`](PoolResults::next) in a loop.
    ///
    /// # Errors
    ///
    /// The first failure.
    ///
    /// # Panics
    ///
    /// As [`next`](PoolResults::next).
    ///
    /// # Examples
    ///
    /// ```
    /// candor::block_on(async {
    ///     let pool = candor::TaskPool::new(2);
    ///     let parsed = pool.map(["1", "2"], async |text: &str| text.parse::<i32>());
    ///     assert_eq!(parsed.collect().await.unwrap(), [1, 2]);
    ///     let refused = pool.map(["1", "x"], async |text: &str| text.parse::<i32>());
    ///     assert!(refused.collect().await.is_err());
    /// });
    /// ```
    pub fn collect(self) -> impl Future<Output = Result<Vec<T::Ok>, JoinError<T::Err>>> {
        Collect {
            results: Some(self),
            values: Vec::new(),
        }
    }

    fn insert(&mut self, task: JoinHandle<T>, permit: Permit) {
        let job = task.task.clone();
        let number = self.tasks.sit_down(task);
        let turns = Rc::clone(&self.turns);
        if turns.are_in_order {
            turns.queue.borrow_mut().push_back(number);
        }
        let turn = Counted::new(|| Turn {
            turns,
            number,
            _permit: permit,
        });
        job.header().joiner.set(turn.for_joiner());
    }

    #[track_caller]
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<OutcomeOf<T>>> {
        self.start_tasks(cx, 0);
        let poll = self.poll_taken(cx);
        if poll.is_pending() {
            current_executor::note_await(AwaitKind::JOIN, await_line(self.made_at));
        }
        poll
    }

    /// Takes inputs as long as there is room for their tasks. `taken` are those whose results are about to be taken.
    fn start_tasks(&mut self, cx: &mut Context<'_>, taken: usize) {
        while let Some(tasks_to_come) = &mut self.tasks_to_come
            && self.tasks.len() - taken < self.permits.limit
        {
            let permit = self.permit.take();
            let permit = permit.unwrap_or_else(|| Permit::ask(&self.permits));
            if permit.poll_granted(cx).is_pending() {
                self.permit = Some(permit);
                return;
            }
            match tasks_to_come.next() {
                Some(task) => self.insert(task, permit),
                None => self.tasks_to_come = None,
            }
        }
    }

    /// Takes the next result; `None` if there is none left.
    fn poll_taken(&mut self, cx: &mut Context<'_>) -> Poll<Option<OutcomeOf<T>>> {
        let PoolResults { tasks, turns, .. } = &*self;
        let is_done = |number: &usize| tasks.get(*number).is_some_and(JoinHandle::is_finished);
        let first = || turns.queue.borrow().front().copied().filter(is_done);
        let is_over = tasks.len() == 0 && self.tasks_to_come.is_none();
        ready!(turns.reader.poll(cx, || is_over || first().is_some()));
        let Some(number) = first() else {
            return Poll::Ready(None);
        };
        // A free place need not wait until the reader comes back. This comes before the result is taken: if the
        // iterator panicked, the result would be lost.
        self.start_tasks(cx, 1);
        let task = self.tasks.get(number);
        let task = task.expect("a task with a turn is there");
        let Some(outcome) = task.take_outcome() else {
            // Its error is being asked for its text right now, further up the stack.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        };
        self.turns.queue.borrow_mut().pop_front();
        self.tasks.stand_up(number);
        Poll::Ready(Some(outcome))
    }
}

/// The future of [`PoolResults::next`].
///
/// Dropping it loses no result.
///
/// # Examples
///
/// ```
/// candor::block_on(async {
///     let pool = candor::TaskPool::new(2);
///     let mut doubled = pool.map(1..=2, async |number| number * 2);
///     let first: candor::NextResult<'_, '_, i32> = doubled.next();
///     assert_eq!(first.await.unwrap().unwrap(), 2);
/// });
/// ```
#[must_use = "a future does nothing until it is awaited"]
pub struct NextResult<'r, 'a, T: Outcome> {
    results: &'r mut PoolResults<'a, T>,
}

impl<T: Outcome + 'static> Future for NextResult<'_, '_, T> {
    type Output = Option<Result<T::Ok, JoinError<T::Err>>>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let poll = self.results.poll_next(cx);
        if poll.is_ready() {
            self.results.permit = None;
        }
        poll
    }
}

/// While no result is awaited, no place is kept.
impl<T: Outcome> Drop for NextResult<'_, '_, T> {
    fn drop(&mut self) {
        self.results.permit = None;
    }
}

impl<T: Outcome> fmt::Debug for NextResult<'_, '_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NextResult").field(&self.results).finish()
    }
}

/// The future of [`PoolResults::collect`]. An `async` block would not know the line of its `.await`.
struct Collect<'a, T: Outcome> {
    /// `None` at the end. After a failure that cancels the running tasks.
    results: Option<PoolResults<'a, T>>,
    values: Vec<T::Ok>,
}

// Nothing in it is pinned.
impl<T: Outcome> Unpin for Collect<'_, T> {}

impl<T: Outcome + 'static> Future for Collect<'_, T> {
    type Output = Result<Vec<T::Ok>, JoinError<T::Err>>;

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let results = this.results.as_mut();
        let results = results.expect("it is not polled after its end");
        let end = loop {
            match ready!(results.poll_next(cx)) {
                Some(Ok(value)) => this.values.push(value),
                Some(Err(error)) => break Err(error),
                None => break Ok(mem::take(&mut this.values)),
            }
        };
        this.results = None;
        Poll::Ready(end)
    }
}

impl<T: Outcome> Drop for PoolResults<'_, T> {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
        // Dropping a handle may report a failure, which runs user code: all are marked by then.
        for handle in mem::take(&mut self.tasks).into_members() {
            let task = handle.task.clone();
            // It has the permit until the task is gone.
            let turn = task.header().joiner.take();
            drop(handle);
            task.header().joiner.set(turn);
        }
    }
}

impl<T: Outcome> fmt::Debug for PoolResults<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let alive = counted(self.tasks.len(), "task");
        write!(f, "PoolResults({alive}, {:?})", self.permits)
    }
}
