use std::cell::Cell;
use std::future::{poll_fn, ready};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use super::Executor;
use crate::support::Bell;

/// Exercise 14.
pub fn check() {
    // On a busy machine the other thread may be the first by chance, but not each time.
    (0..3).for_each(|_| it_waits_for_another_thread());
    a_wake_within_the_poll_is_not_lost();
    many_wakes_are_one_poll();
    a_late_wake_does_no_harm();
    four_threads_wake_a_hundred_tasks();
}

fn it_waits_for_another_thread() {
    let mut executor = Executor::default();
    let is_done = Rc::new(Cell::new(false));
    let (done, is_woken) = (is_done.clone(), Arc::new(AtomicBool::new(false)));
    let mut polls = 0;
    executor.spawn(poll_fn(move |cx| {
        polls += 1;
        if is_woken.load(SeqCst) {
            done.set(true);
            return Poll::Ready(());
        }
        assert!(polls == 1, "a task is polled that nobody has woken");
        let (waker, flag) = (cx.waker().clone(), is_woken.clone());
        thread::spawn(move || {
            // Time enough to find that nothing is ready. Only real time passes for another thread.
            thread::park_timeout(Duration::from_millis(50));
            flag.store(true, SeqCst);
            waker.wake();
        });
        Poll::Pending
    }));
    executor.run();
    assert!(
        is_done.get(),
        "`run` returned while a task was waiting for another thread"
    );
}

fn a_wake_within_the_poll_is_not_lost() {
    let mut executor = Executor::default();
    let polls = Rc::new(Cell::new(0));
    let seen = polls.clone();
    executor.spawn(poll_fn(move |cx| {
        seen.set(seen.get() + 1);
        let waker = cx.waker().clone();
        match seen.get() {
            1 => waker.wake(),
            2 => thread::spawn(|| waker.wake()).join().unwrap(),
            _ => return Poll::Ready(()),
        }
        Poll::Pending
    }));
    executor.run();
    assert_eq!(
        polls.get(),
        3,
        "each wake within a poll causes another poll"
    );
}

fn many_wakes_are_one_poll() {
    let mut executor = Executor::default();
    let (bell, polls) = (Bell::default(), Rc::new(Cell::new(0)));
    let (rung, seen) = (bell.clone(), polls.clone());
    let kept = Rc::new(Cell::new(None::<Waker>));
    let waker = kept.clone();
    executor.spawn(async move {
        let mut rung = rung;
        poll_fn(|cx| {
            seen.set(seen.get() + 1);
            waker.set(Some(cx.waker().clone()));
            std::pin::Pin::new(&mut rung).poll(cx)
        })
        .await
    });
    executor.spawn(async move {
        let waker = kept.take().expect("the first task was polled first");
        for _ in 0..10 {
            waker.wake_by_ref();
        }
        // It is polled once for the ten, and then rung for.
        candor::yield_now().await;
        bell.ring();
    });
    executor.run();
    assert_eq!(
        polls.get(),
        3,
        "one poll at first, one for ten wakes, one for the bell: a task is in the queue once"
    );
}

fn a_late_wake_does_no_harm() {
    let (send, wakers) = mpsc::channel::<Waker>();
    let mut executor = Executor::default();
    executor.spawn(poll_fn(move |cx| {
        send.send(cx.waker().clone()).unwrap();
        Poll::Ready(())
    }));
    executor.run();
    wakers.recv().unwrap().wake();
    executor.spawn(ready(()));
    executor.run();
    drop(executor);
}

fn four_threads_wake_a_hundred_tasks() {
    let mut executor = Executor::default();
    let left = Rc::new(Cell::new(100));
    let threads = [(); 4].map(|()| {
        let (send, wakers) = mpsc::channel::<Waker>();
        (
            send,
            thread::spawn(move || wakers.into_iter().for_each(Waker::wake)),
        )
    });
    for task in 0..100 {
        let (left, send) = (left.clone(), threads[task % 4].0.clone());
        let mut polls = 0;
        executor.spawn(poll_fn(move |cx| {
            polls += 1;
            if polls == 10 {
                left.set(left.get() - 1);
                return Poll::Ready(());
            }
            send.send(cx.waker().clone()).unwrap();
            Poll::Pending
        }));
    }
    executor.run();
    assert_eq!(
        left.get(),
        0,
        "`run` returned while a task was waiting for another thread"
    );
    for (send, thread) in threads {
        drop(send);
        thread.join().unwrap();
    }
}
