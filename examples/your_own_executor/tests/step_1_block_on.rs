//! Step 1: a future on this thread.

mod in_time;

use std::future::{poll_fn, ready};
use std::sync::mpsc;
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use in_time::in_time;
use your_own_executor::block_on;

#[test]
fn a_future_that_is_ready_is_done_at_once() {
    in_time(|| {
        let text = String::from("borrowed");
        assert_eq!(block_on(async { text.len() }), 8);
        assert_eq!(block_on(ready(7)), 7);
    });
}

#[test]
fn a_wake_within_the_poll_is_not_lost() {
    in_time(|| {
        let mut polls = 0;
        block_on(poll_fn(|cx| {
            polls += 1;
            let waker = cx.waker().clone();
            match polls {
                1 => waker.wake(),
                2 => thread::spawn(|| waker.wake()).join().unwrap(),
                _ => return Poll::Ready(()),
            }
            Poll::Pending
        }));
        assert_eq!(polls, 3);
    });
}

#[test]
fn another_thread_ends_the_sleep_each_of_a_thousand_times() {
    in_time(|| {
        let (send, wakers) = mpsc::channel::<Waker>();
        let thread = thread::spawn(move || wakers.into_iter().for_each(Waker::wake));
        let mut polls = 0;
        block_on(poll_fn(|cx| {
            polls += 1;
            if polls == 1000 {
                return Poll::Ready(());
            }
            send.send(cx.waker().clone()).unwrap();
            Poll::Pending
        }));
        drop(send);
        thread.join().unwrap();
    });
}

/// Only real time can show that nothing happens.
#[test]
fn the_thread_sleeps_while_the_future_waits() {
    in_time(|| {
        let (send, woken) = mpsc::channel();
        let (mut polls, mut send) = (0, Some(send));
        block_on(poll_fn(|cx| {
            polls += 1;
            // A few polls for nothing are allowed: a thread may wake up for no reason.
            assert!(
                polls < 10,
                "nobody has woken it, and it is polled again and again"
            );
            if woken.try_recv().is_ok() {
                return Poll::Ready(());
            }
            if let Some(send) = send.take() {
                let waker = cx.waker().clone();
                thread::spawn(move || {
                    thread::park_timeout(Duration::from_millis(50));
                    send.send(()).unwrap();
                    waker.wake();
                });
            }
            Poll::Pending
        }));
    });
}
