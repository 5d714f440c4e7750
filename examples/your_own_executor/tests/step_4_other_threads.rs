//! Step 4: wakes from other threads, whenever they come.

mod in_time;

use std::future::poll_fn;
use std::sync::mpsc;
use std::task::{Poll, Waker};
use std::thread;

use in_time::in_time;
use your_own_executor::{Executor, block_on, spawn, yield_now};

/// Is ready at its tenth poll. Each poll sends the waker to be called elsewhere.
fn ten_wakes(send: mpsc::Sender<Waker>) -> impl Future<Output = ()> {
    let mut polls = 0;
    poll_fn(move |cx| {
        polls += 1;
        if polls == 10 {
            return Poll::Ready(());
        }
        send.send(cx.waker().clone()).unwrap();
        Poll::Pending
    })
}

#[test]
fn four_threads_that_wake_a_hundred_tasks_miss_none() {
    in_time(|| {
        let (senders, threads): (Vec<_>, Vec<_>) = (0..4)
            .map(|_| {
                let (send, wakers) = mpsc::channel::<Waker>();
                let wake = move || wakers.into_iter().for_each(Waker::wake);
                (send, thread::spawn(wake))
            })
            .unzip();
        block_on(async move {
            let tasks: Vec<_> = (0..100)
                .map(|task| spawn(ten_wakes(senders[task % 4].clone())))
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
        });
        for thread in threads {
            thread.join().unwrap();
        }
    });
}

#[test]
fn drain_sleeps_until_another_thread_wakes_a_task() {
    in_time(|| {
        let (send, wakers) = mpsc::channel::<Waker>();
        let executor = Executor::new();
        let task = executor.spawn(ten_wakes(send));
        let thread = thread::spawn(move || wakers.into_iter().for_each(Waker::wake));
        executor.drain();
        assert!(task.is_finished());
        thread.join().unwrap();
    });
}

#[test]
fn a_busy_executor_takes_note_of_another_thread() {
    in_time(|| {
        let (send, wakers) = mpsc::channel::<Waker>();
        let thread = thread::spawn(move || wakers.into_iter().for_each(Waker::wake));
        block_on(async {
            drop(spawn(async {
                loop {
                    yield_now().await;
                }
            }));
            spawn(ten_wakes(send)).await.unwrap();
        });
        thread.join().unwrap();
    });
}

#[test]
fn a_wake_that_comes_too_late_does_nothing() {
    in_time(|| {
        let (send, wakers) = mpsc::channel::<Waker>();
        let executor = Executor::new();
        executor.block_on(async {
            let task = executor.spawn(poll_fn(move |cx| {
                send.send(cx.waker().clone()).unwrap();
                Poll::Ready(())
            }));
            task.await.unwrap();
        });
        let late = wakers.recv().unwrap();
        late.wake_by_ref();
        executor.block_on(async { spawn(yield_now()).await.unwrap() });
        drop(executor);
        thread::spawn(move || late.wake()).join().unwrap();
    });
}
