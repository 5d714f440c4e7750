use std::cell::Cell;
use std::future::{poll_fn, ready};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use super::block_on;

/// Exercise 12.
pub fn check() {
    assert_eq!(block_on(ready("at once")), "at once");
    let text = String::from("borrowed from the stack");
    assert_eq!(block_on(async { text.len() }), text.len());
    a_wake_within_the_poll_is_not_lost();
    a_wake_from_another_thread_ends_the_sleep();
    // On a busy machine the other thread may be the first by chance, but not each time.
    (0..3).for_each(|_| it_sleeps_until_it_is_woken());
    an_unpark_from_elsewhere_is_no_result();
}

fn a_wake_within_the_poll_is_not_lost() {
    let mut polls = 0;
    block_on(poll_fn(|cx| {
        polls += 1;
        let waker = cx.waker().clone();
        match polls {
            1 => waker.wake(),
            // Before it returns `Pending`, another thread has woken it.
            2 => thread::spawn(|| waker.wake()).join().unwrap(),
            _ => return Poll::Ready(()),
        }
        Poll::Pending
    }));
    assert_eq!(polls, 3, "each of two wakes causes a poll");
}

fn a_wake_from_another_thread_ends_the_sleep() {
    let (send, wakers) = mpsc::channel::<Waker>();
    let waking = thread::spawn(move || wakers.into_iter().for_each(Waker::wake));
    let mut polls = 0;
    block_on(poll_fn(|cx| {
        polls += 1;
        if polls > 100 {
            return Poll::Ready(());
        }
        send.send(cx.waker().clone()).unwrap();
        Poll::Pending
    }));
    drop(send);
    waking.join().unwrap();
}

/// Only real time can show that nothing happens, so this waits for a moment.
fn it_sleeps_until_it_is_woken() {
    let is_woken = Arc::new(AtomicBool::new(false));
    let flag = is_woken.clone();
    let polls = Cell::new(0);
    block_on(poll_fn(|cx| {
        polls.set(polls.get() + 1);
        if is_woken.load(SeqCst) {
            return Poll::Ready(());
        }
        // A few polls for nothing are allowed: a thread may wake up for no reason.
        assert!(
            polls.get() < 10,
            "it is polled again and again, though nobody has woken it: the thread has to sleep"
        );
        if polls.get() == 1 {
            let (waker, flag) = (cx.waker().clone(), flag.clone());
            thread::spawn(move || {
                thread::park_timeout(Duration::from_millis(50));
                flag.store(true, SeqCst);
                waker.wake();
            });
        }
        Poll::Pending
    }));
}

/// The token of the thread belongs to everybody. Whoever parks has to look whether there is a reason to go on.
fn an_unpark_from_elsewhere_is_no_result() {
    let mut polls = 0;
    thread::current().unpark();
    let output = block_on(poll_fn(|cx| {
        polls += 1;
        if polls < 3 {
            thread::current().unpark();
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(polls)
    }));
    assert_eq!(output, 3);
    // A waker that is called late does no harm to the next call.
    let mut late = None;
    block_on(poll_fn(|cx| {
        late = Some(cx.waker().clone());
        Poll::Ready(())
    }));
    late.unwrap().wake();
    assert_eq!(block_on(ready(7)), 7);
}
