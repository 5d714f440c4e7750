//! Exercises 9 and 11.

use crate::assert_rejected;

#[test]
fn no_wrong_task_local_is_accepted() {
    assert_rejected([
        (
            set_once::check::check,
            "a task that waits leaves nothing behind",
        ),
        (
            left_by_a_panic::check::check,
            "a panic leaves nothing behind",
        ),
        (the_outer_is_lost::check::check, "the outer is there again"),
        (never_restored::check::check, "leaves nothing behind"),
    ]);
}

/// It is set before the future is awaited, and restored after it. In between, other tasks see it and set theirs.
mod set_once {
    use std::cell::Cell;

    thread_local! {
        static ID: Cell<Option<u32>> = const { Cell::new(None) };
    }

    pub fn request_id() -> Option<u32> {
        ID.get()
    }

    pub async fn with_request_id<F: Future>(id: u32, future: F) -> F::Output {
        let outer = ID.replace(Some(id));
        let output = future.await;
        ID.set(outer);
        output
    }

    pub mod check {
        include!("../checks/a_task_local.rs");
    }
}

/// A poll that panics does not come to the line that restores.
mod left_by_a_panic {
    use std::cell::Cell;
    use std::future::poll_fn;
    use std::pin::pin;

    thread_local! {
        static ID: Cell<Option<u32>> = const { Cell::new(None) };
    }

    pub fn request_id() -> Option<u32> {
        ID.get()
    }

    pub async fn with_request_id<F: Future>(id: u32, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|cx| {
            let outer = ID.replace(Some(id));
            let poll = future.as_mut().poll(cx);
            ID.set(outer);
            poll
        })
        .await
    }

    pub mod check {
        include!("../checks/a_task_local.rs");
    }
}

/// It clears the id instead of restoring the one before.
mod the_outer_is_lost {
    use std::cell::Cell;
    use std::future::poll_fn;
    use std::pin::pin;

    thread_local! {
        static ID: Cell<Option<u32>> = const { Cell::new(None) };
    }

    pub fn request_id() -> Option<u32> {
        ID.get()
    }

    struct Clear;

    impl Drop for Clear {
        fn drop(&mut self) {
            ID.set(None);
        }
    }

    pub async fn with_request_id<F: Future>(id: u32, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|cx| {
            ID.set(Some(id));
            let _clear = Clear;
            future.as_mut().poll(cx)
        })
        .await
    }

    pub mod check {
        include!("../checks/a_task_local.rs");
    }
}

/// Each poll sets it, and nobody restores it.
mod never_restored {
    use std::cell::Cell;
    use std::future::poll_fn;
    use std::pin::pin;

    thread_local! {
        static ID: Cell<Option<u32>> = const { Cell::new(None) };
    }

    pub fn request_id() -> Option<u32> {
        ID.get()
    }

    pub async fn with_request_id<F: Future>(id: u32, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|cx| {
            ID.set(Some(id));
            future.as_mut().poll(cx)
        })
        .await
    }

    pub mod check {
        include!("../checks/a_task_local.rs");
    }
}

#[test]
fn no_wrong_all_or_nothing_is_accepted() {
    assert_rejected([
        (in_order::check::check, "a task that never ends"),
        (the_others_run_on::check::check, "a task runs on"),
        (does_not_wait::check::check, "a task runs on"),
        (a_second_failure_is_lost::check::check, "is lost"),
    ]);
}

/// The first task that never ends keeps it from seeing the failure of the third.
mod in_order {
    use std::fmt::Debug;

    use candor::{JoinError, JoinHandle};

    pub async fn try_all<T, E: Debug + 'static>(
        tasks: Vec<JoinHandle<Result<T, E>>>,
    ) -> Result<Vec<T>, JoinError<E>> {
        let mut values = Vec::new();
        for task in tasks {
            values.push(task.await?);
        }
        Ok(values)
    }

    pub mod check {
        include!("../checks/all_or_nothing.rs");
    }
}

/// What the others share: the values, or the first failure and the handles that are not read.
async fn joined<T, E: std::fmt::Debug + 'static>(
    tasks: &mut [candor::JoinHandle<Result<T, E>>],
) -> Result<Vec<T>, candor::JoinError<E>> {
    use std::pin::Pin;
    use std::task::Poll;

    let mut values: Vec<Option<T>> = tasks.iter().map(|_| None).collect();
    std::future::poll_fn(|cx| {
        for (value, task) in values.iter_mut().zip(&mut *tasks) {
            if value.is_none()
                && let Poll::Ready(outcome) = Pin::new(task).poll(cx)
            {
                match outcome {
                    Ok(it) => *value = Some(it),
                    Err(error) => return Poll::Ready(Err(error)),
                }
            }
        }
        match values.iter().all(Option::is_some) {
            true => Poll::Ready(Ok(())),
            false => Poll::Pending,
        }
    })
    .await?;
    Ok(values.into_iter().flatten().collect())
}

/// The handles are dropped, and that detaches the tasks.
mod the_others_run_on {
    use std::fmt::Debug;

    use candor::{JoinError, JoinHandle};

    pub async fn try_all<T, E: Debug + 'static>(
        mut tasks: Vec<JoinHandle<Result<T, E>>>,
    ) -> Result<Vec<T>, JoinError<E>> {
        super::joined(&mut tasks).await
    }

    pub mod check {
        include!("../checks/all_or_nothing.rs");
    }
}

/// `abort` is a request. When this returns, the tasks are still there.
mod does_not_wait {
    use std::fmt::Debug;

    use candor::{JoinError, JoinHandle};

    pub async fn try_all<T, E: Debug + 'static>(
        mut tasks: Vec<JoinHandle<Result<T, E>>>,
    ) -> Result<Vec<T>, JoinError<E>> {
        let joined = super::joined(&mut tasks).await;
        tasks.iter().for_each(JoinHandle::abort);
        joined
    }

    pub mod check {
        include!("../checks/all_or_nothing.rs");
    }
}

/// The errors of the other tasks are taken and dropped: to candor they are read, and to the user they are gone.
mod a_second_failure_is_lost {
    use std::fmt::Debug;
    use std::future::poll_fn;
    use std::pin::Pin;
    use std::task::Poll;

    use candor::{JoinError, JoinHandle};

    pub async fn try_all<T, E: Debug + 'static>(
        tasks: Vec<JoinHandle<Result<T, E>>>,
    ) -> Result<Vec<T>, JoinError<E>> {
        let mut values: Vec<Option<T>> = tasks.iter().map(|_| None).collect();
        let mut waiting: Vec<_> = tasks.into_iter().enumerate().collect();
        let failure = poll_fn(|cx| {
            let mut failure = None;
            waiting.retain_mut(|(place, task)| match Pin::new(task).poll(cx) {
                Poll::Pending => true,
                Poll::Ready(Ok(value)) => {
                    values[*place] = Some(value);
                    false
                }
                Poll::Ready(Err(error)) => {
                    failure.get_or_insert(error);
                    false
                }
            });
            match failure.is_some() || waiting.is_empty() {
                true => Poll::Ready(failure),
                false => Poll::Pending,
            }
        })
        .await;
        let Some(failure) = failure else {
            return Ok(values.into_iter().flatten().collect());
        };
        for (_, task) in waiting {
            task.abort();
            let _aborted = task.await;
        }
        Err(failure)
    }

    pub mod check {
        include!("../checks/all_or_nothing.rs");
    }
}
