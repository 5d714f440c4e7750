//! Solutions of exercises 9 to 11.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt::Debug;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use candor::{JoinError, JoinHandle};

use crate::{checks, support};

// # Exercise 9: a task-local

thread_local! {
    static REQUEST_ID: Cell<Option<u32>> = const { Cell::new(None) };
}

pub fn request_id() -> Option<u32> {
    REQUEST_ID.get()
}

pub async fn with_request_id<F: Future>(id: u32, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|cx| {
        let _outer = PutBack(REQUEST_ID.replace(Some(id)));
        future.as_mut().poll(cx)
    })
    .await
}

/// Restores the earlier id, also when the poll panics.
struct PutBack(Option<u32>);

impl Drop for PutBack {
    fn drop(&mut self) {
        REQUEST_ID.set(self.0);
    }
}

#[test]
fn exercise_9_task_local() {
    support::run(checks::a_task_local::check);
}

// # Exercise 10: a semaphore
//
// A permit that is given back goes to the first waiter right away: its place in the queue turns from a waker into
// a permit. So none can overtake it, and an `Acquire` that is dropped gives back the permit in its place.

#[derive(Clone)]
pub struct Semaphore(Rc<RefCell<Permits>>);

struct Permits {
    free: usize,
    waiting: VecDeque<Rc<RefCell<Place>>>,
}

/// The state of one `Acquire`.
enum Place {
    Waits(Waker),
    IsServed,
    HasGone,
}

impl Semaphore {
    pub fn new(permits: usize) -> Self {
        Semaphore(Rc::new(RefCell::new(Permits {
            free: permits,
            waiting: VecDeque::new(),
        })))
    }

    pub fn acquire(&self) -> Acquire {
        Acquire {
            semaphore: self.clone(),
            place: None,
        }
    }

    fn give_back(&self) {
        let mut permits = self.0.borrow_mut();
        while let Some(next) = permits.waiting.pop_front() {
            if let Place::Waits(waker) = next.replace(Place::IsServed) {
                // A foreign waker may call back into this.
                drop(permits);
                waker.wake();
                return;
            }
        }
        permits.free += 1;
    }
}

pub struct Acquire {
    semaphore: Semaphore,
    place: Option<Rc<RefCell<Place>>>,
}

impl Future for Acquire {
    type Output = Permit;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Permit> {
        let place = match self.place.take() {
            Some(place) => {
                match &mut *place.borrow_mut() {
                    Place::Waits(waker) => waker.clone_from(cx.waker()),
                    _ => return Poll::Ready(Permit(self.semaphore.clone())),
                }
                place
            }
            None => {
                let mut permits = self.semaphore.0.borrow_mut();
                if permits.free > 0 {
                    permits.free -= 1;
                    return Poll::Ready(Permit(self.semaphore.clone()));
                }
                let place = Rc::new(RefCell::new(Place::Waits(cx.waker().clone())));
                permits.waiting.push_back(Rc::clone(&place));
                place
            }
        };
        self.place = Some(place);
        Poll::Pending
    }
}

impl Drop for Acquire {
    fn drop(&mut self) {
        if let Some(place) = self.place.take()
            && let Place::IsServed = place.replace(Place::HasGone)
        {
            self.semaphore.give_back();
        }
    }
}

pub struct Permit(Semaphore);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.give_back();
    }
}

#[test]
fn exercise_10_semaphore() {
    support::run(checks::a_semaphore::check);
}

// # Exercise 11: all or nothing
//
// It stops at the first failure. The other handles are not read any more: whatever they still hold when they are
// dropped at the end is reported.

pub async fn try_all<T, E: Debug + 'static>(
    mut tasks: Vec<JoinHandle<Result<T, E>>>,
) -> Result<Vec<T>, JoinError<E>> {
    let mut values: Vec<Option<T>> = tasks.iter().map(|_| None).collect();
    let failure = poll_fn(|cx| {
        for (value, task) in values.iter_mut().zip(&mut tasks) {
            if value.is_none()
                && let Poll::Ready(outcome) = Pin::new(task).poll(cx)
            {
                match outcome {
                    Ok(it) => *value = Some(it),
                    Err(error) => return Poll::Ready(Some(error)),
                }
            }
        }
        match values.iter().all(Option::is_some) {
            true => Poll::Ready(None),
            false => Poll::Pending,
        }
    })
    .await;
    let Some(failure) = failure else {
        return Ok(values.into_iter().flatten().collect());
    };
    for task in &tasks {
        task.abort_handle().cancel().await;
    }
    Err(failure)
}

#[test]
fn exercise_11_all_or_nothing() {
    support::run(checks::all_or_nothing::check);
}
