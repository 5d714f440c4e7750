//! From inputs to results: what `map` and `completed` give back.
//!
//! ```text
//! inputs ──permit──► spawn ──► handles [ 0 | 1 | 2 | 3 ]  ──► next
//!                                done: [ 2, 0 ]                in order: the front, when it is done
//!                                                              as they come: the front of `done`
//! ```
//!
//! A task that is done says so by its number, so that nobody has to look through all handles. What is done
//! and not yet taken counts against the limit, so that a slow reader is not flooded.
//!
//! Knows permits, handles and spawning.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::panic::Location as Caller;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};

use super::permits::{Permit, Permits};
use crate::current;
use crate::failure::join_error::JoinError;
use crate::failure::{AwaitKind, await_line};
use crate::join::JoinHandle;
use crate::outcome::Outcome;
use crate::spawn::TaskBuilder;
use crate::waker::counted::to_keep;

/// The results of [`TaskPool::map`](crate::TaskPool::map) and [`TaskPool::completed`](crate::TaskPool::completed).
///
/// Dropping it cancels what runs, takes no more inputs, and reports the failures that were not taken.
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
    /// Makes the future of each input; `None` once there are no more.
    futures: Option<Box<dyn Iterator<Item = BoxedFuture<T>> + 'a>>,
    permits: Rc<Permits>,
    /// The permit of the next task, or its place in the queue for that.
    permit: Option<Permit>,
    tasks: Tasks<T>,
    done: Rc<Done>,
    made_at: &'static Caller<'static>,
}

type BoxedFuture<T> = Pin<Box<dyn Future<Output = T>>>;

/// What was spawned and not yet taken.
enum Tasks<T: Outcome> {
    InOrder(VecDeque<JoinHandle<T>>),
    /// By number; the free numbers are those of no task.
    AsTheyCome {
        handles: Vec<Option<JoinHandle<T>>>,
        free: Vec<usize>,
    },
}

/// The tasks that are done and not yet taken, if that is of interest.
#[derive(Default)]
struct Done {
    numbers: RefCell<VecDeque<usize>>,
    reader: Cell<Option<Waker>>,
}

/// What a task of a pool has besides its future: it says that it is done, then gives its permit on.
struct Seat {
    /// `None` where the results are wanted in order: then the handle itself tells.
    number: Option<usize>,
    done: Rc<Done>,
    _permit: Permit,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let Some(number) = self.number else {
            return;
        };
        self.done.numbers.borrow_mut().push_back(number);
        if let Some(reader) = self.done.reader.take() {
            reader.wake();
        }
    }
}

/// The future is dropped before its seat.
struct Seated<T> {
    future: BoxedFuture<T>,
    _seat: Seat,
}

impl<T> Future for Seated<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        self.future.as_mut().poll(cx)
    }
}

impl<'a, T: Outcome + 'static> PoolResults<'a, T> {
    #[track_caller]
    pub(super) fn in_order<Fut>(
        permits: &Rc<Permits>,
        futures: impl Iterator<Item = Fut> + 'a,
    ) -> Self
    where
        Fut: Future<Output = T> + 'static,
    {
        PoolResults::new(permits, futures, Tasks::InOrder(VecDeque::new()))
    }

    #[track_caller]
    pub(super) fn as_they_come<Fut>(
        permits: &Rc<Permits>,
        futures: impl Iterator<Item = Fut> + 'a,
    ) -> Self
    where
        Fut: Future<Output = T> + 'static,
    {
        let tasks = Tasks::AsTheyCome {
            handles: Vec::new(),
            free: Vec::new(),
        };
        PoolResults::new(permits, futures, tasks)
    }

    #[track_caller]
    fn new<Fut>(
        permits: &Rc<Permits>,
        futures: impl Iterator<Item = Fut> + 'a,
        tasks: Tasks<T>,
    ) -> Self
    where
        Fut: Future<Output = T> + 'static,
    {
        let boxed = futures.map(|future| -> BoxedFuture<T> { Box::pin(future) });
        PoolResults {
            futures: Some(Box::new(boxed)),
            permits: Rc::clone(permits),
            permit: None,
            tasks,
            done: Rc::default(),
            made_at: Caller::caller(),
        }
    }

    /// Waits for the next result; `None` when all inputs have had theirs. It is safe to drop the future: no result is
    /// lost.
    ///
    /// # Panics
    ///
    /// When it is polled where no executor runs on this thread. If the iterator or the function panics, that
    /// panic comes out here.
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
    pub async fn next(&mut self) -> Option<Result<T::Ok, JoinError<T::Err>>> {
        /// Keeps no place in the queue while nobody awaits a result.
        struct Reader<'b, 'a, T: Outcome>(&'b mut PoolResults<'a, T>);

        impl<T: Outcome> Drop for Reader<'_, '_, T> {
            fn drop(&mut self) {
                self.0.permit = None;
            }
        }

        let reader = Reader(self);
        poll_fn(|cx| {
            reader.0.start_tasks(cx);
            if reader.0.tasks.len() == 0 && reader.0.futures.is_none() {
                return Poll::Ready(None);
            }
            let poll = reader.0.tasks.poll_taken(&reader.0.done, cx);
            if poll.is_pending() {
                current::note_await(AwaitKind::Join, await_line(reader.0.made_at));
            } else {
                // What has become free need not stand still until the reader comes back.
                reader.0.start_tasks(cx);
            }
            poll.map(Some)
        })
        .await
    }

    /// Collects all values, or gives the first failure in the order of the results. Then what runs is cancelled, no
    /// more inputs are taken, and failures beside the first one are reported.
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
    pub async fn collect(mut self) -> Result<Vec<T::Ok>, JoinError<T::Err>> {
        let mut values = Vec::new();
        while let Some(result) = self.next().await {
            values.push(result?);
        }
        Ok(values)
    }

    /// Takes inputs as long as there is room for their tasks.
    fn start_tasks(&mut self, cx: &mut Context<'_>) {
        while let Some(futures) = &mut self.futures
            && self.tasks.len() < self.permits.limit()
        {
            let permit = self.permit.take();
            let permit = permit.unwrap_or_else(|| Permit::ask(&self.permits));
            if permit.poll_granted(cx).is_pending() {
                self.permit = Some(permit);
                return;
            }
            let core = current::get().expect(
                "the results of a TaskPool were awaited where no executor runs on this thread. Await \
                 them within `candor::run` or `candor::block_on`",
            );
            let Some(future) = futures.next() else {
                self.futures = None;
                return;
            };
            let _seat = Seat {
                number: self.tasks.vacant_number(),
                done: Rc::clone(&self.done),
                _permit: permit,
            };
            let task = TaskBuilder::new().spawn_in(&core, Seated { future, _seat }, self.made_at);
            self.tasks.add(task);
        }
    }
}

impl<T: Outcome> Tasks<T> {
    fn len(&self) -> usize {
        match self {
            Tasks::InOrder(handles) => handles.len(),
            Tasks::AsTheyCome { handles, free } => handles.len() - free.len(),
        }
    }

    /// The number that the next task will have. In order, no number is needed.
    fn vacant_number(&self) -> Option<usize> {
        match self {
            Tasks::InOrder(_) => None,
            Tasks::AsTheyCome { handles, free } => {
                Some(free.last().copied().unwrap_or(handles.len()))
            }
        }
    }

    /// Adds the task that was given the vacant number.
    fn add(&mut self, task: JoinHandle<T>) {
        match self {
            Tasks::InOrder(handles) => handles.push_back(task),
            Tasks::AsTheyCome { handles, free } => match free.pop() {
                Some(number) => handles[number] = Some(task),
                None => handles.push(Some(task)),
            },
        }
    }

    /// Takes the next result.
    fn poll_taken(
        &mut self,
        done: &Done,
        cx: &mut Context<'_>,
    ) -> Poll<Result<T::Ok, JoinError<T::Err>>> {
        match self {
            Tasks::InOrder(handles) => {
                let Some(front) = handles.front_mut() else {
                    return Poll::Pending;
                };
                let result = ready!(Pin::new(front).poll(cx));
                handles.pop_front();
                Poll::Ready(result)
            }
            Tasks::AsTheyCome { handles, free } => {
                let Some(number) = done.first() else {
                    done.reader.set(Some(to_keep(cx.waker())));
                    return Poll::Pending;
                };
                let task = handles[number].as_mut();
                let task = task.expect("a number that is done is that of a task");
                let result = ready!(Pin::new(task).poll(cx));
                done.numbers.borrow_mut().pop_front();
                handles[number] = None;
                free.push(number);
                Poll::Ready(result)
            }
        }
    }

    fn take_all(&mut self) -> Vec<JoinHandle<T>> {
        match self {
            Tasks::InOrder(handles) => handles.drain(..).collect(),
            Tasks::AsTheyCome { handles, .. } => handles.drain(..).flatten().collect(),
        }
    }
}

impl Done {
    fn first(&self) -> Option<usize> {
        self.numbers.borrow().front().copied()
    }
}

impl<T: Outcome> Unpin for PoolResults<'_, T> {}

impl<T: Outcome> Drop for PoolResults<'_, T> {
    fn drop(&mut self) {
        let tasks = self.tasks.take_all();
        for task in &tasks {
            task.abort();
        }
        // Dropping a handle may report a failure, which runs user code: all are marked by then.
        drop(tasks);
    }
}

impl<T: Outcome> fmt::Debug for PoolResults<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "PoolResults({} tasks, {:?})",
            self.tasks.len(),
            self.permits
        )
    }
}
