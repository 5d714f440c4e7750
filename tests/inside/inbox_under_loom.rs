//! The handshake, in every interleaving and with every stale read that the memory model allows.
//!
//! ```text
//! RUSTFLAGS="--cfg loom" cargo test --lib --release loom_tests
//! ```
//!
//! A lost wake shows as a deadlock, because each owner here parks until it has seen all that was written
//! before the wakes. Those writes and reads are relaxed, so only the inbox makes them visible. To check
//! these tests, weaken an ordering or leave out a step of the inbox: a test here fails then.
//!
//! Knows the inbox from within.

use std::sync::Arc;
use std::task::{Wake, Waker};
use std::time::Instant;

use loom::sync::atomic::AtomicBool;
use loom::thread;

use crate::hosts::alarm::AlarmClock;
use crate::hosts::list::{self, Hosts};
use crate::kernel::tasks::inbox::*;
use crate::remote::errand_queue::Errands;

/// What one waker wrote before it woke the slot.
#[derive(Clone)]
struct Letter {
    slot: u32,
    written: Arc<AtomicBool>,
}

impl Letter {
    fn to(slot: u32) -> Letter {
        Letter {
            slot,
            written: Arc::new(AtomicBool::new(false)),
        }
    }

    fn send(&self, inbox: &Arc<Inbox>) {
        let (letter, inbox) = (self.clone(), Arc::clone(inbox));
        thread::spawn(move || {
            letter.written.store(true, Relaxed);
            inbox.wake(letter.slot);
        });
    }
}

/// An inbox outside of the table. The chunk of its first slots is made already: loom requires that
/// atomics are made before they are shared.
fn new_inbox() -> Arc<Inbox> {
    let inbox = Inbox::new(0);
    inbox.asked.insert(0);
    inbox.asked.remove(0);
    Arc::new(inbox)
}

/// The life of an owner: it polls what is delivered, parks when there is no mail, and ends when its
/// polls have seen every write.
fn sleep_until_seen(inbox: &Inbox, letters: &[&Letter]) {
    let mut unseen = letters.to_vec();
    while !unseen.is_empty() {
        inbox.park(None);
        if inbox.has_mail() {
            inbox.drain(|slot| {
                unseen.retain(|letter| letter.slot != slot || !letter.written.load(Relaxed));
            });
        }
    }
}

/// A foreign loop, which runs the executor when it is called.
struct Host {
    is_called: Mutex<bool>,
    called: Condvar,
}

impl Host {
    fn new() -> Arc<Host> {
        Arc::new(Host {
            is_called: Mutex::new(false),
            called: Condvar::new(),
        })
    }

    /// The hosts of an executor with this inbox.
    fn all<const N: usize>(inbox: &Inbox) -> [Arc<Host>; N] {
        let all = [(); N].map(|()| Host::new());
        let hosts = Hosts::of(inbox, None);
        for host in &all {
            hosts.add(list::Host::of(&Waker::from(Arc::clone(host))));
        }
        all
    }

    fn wait_until_called(&self) {
        let mut is_called = self.is_called.lock().unwrap();
        while !*is_called {
            is_called = self.called.wait(is_called).unwrap();
        }
        *is_called = false;
    }
}

impl Wake for Host {
    fn wake(self: Arc<Self>) {
        *self.is_called.lock().unwrap() = true;
        self.called.notify_one();
    }
}

/// The life of an owner with hosts: passes, and between them it only waits until *each* host was called.
fn come_round_until_seen(inbox: &Inbox, hosts: &[Arc<Host>], letters: &[&Letter]) {
    let mut unseen = letters.to_vec();
    loop {
        inbox.come_back();
        if inbox.has_mail() {
            inbox.drain(|slot| {
                unseen.retain(|letter| letter.slot != slot || !letter.written.load(Relaxed));
            });
        }
        if unseen.is_empty() {
            break;
        }
        if inbox.leave() {
            hosts.iter().for_each(|host| host.wait_until_called());
        }
    }
}

#[test]
fn a_wake_is_not_lost_while_the_owner_goes_to_sleep() {
    loom::model(|| {
        let inbox = new_inbox();
        let letter = Letter::to(3);
        letter.send(&inbox);
        sleep_until_seen(&inbox, &[&letter]);
    });
}

#[test]
fn two_threads_wake_one_slot_and_a_poll_sees_what_each_wrote() {
    loom::model(|| {
        let inbox = new_inbox();
        let letters = [Letter::to(3), Letter::to(3)];
        for letter in &letters {
            letter.send(&inbox);
        }
        sleep_until_seen(&inbox, &letters.each_ref());
    });
}

#[test]
fn two_threads_wake_two_slots_and_each_is_polled() {
    loom::model(|| {
        let inbox = new_inbox();
        let letters = [Letter::to(3), Letter::to(4)];
        for letter in &letters {
            letter.send(&inbox);
        }
        sleep_until_seen(&inbox, &letters.each_ref());
    });
}

#[test]
fn a_wake_is_not_lost_while_a_timeout_ends_the_sleep() {
    loom::model(|| {
        let inbox = new_inbox();
        let letter = Letter::to(3);
        letter.send(&inbox);
        inbox.park(Some(Duration::ZERO));
        sleep_until_seen(&inbox, &[&letter]);
    });
}

#[test]
fn a_stale_wake_does_not_swallow_one_for_the_next_owner() {
    loom::model(|| {
        let inbox = new_inbox();
        Letter::to(3).send(&inbox);
        inbox.refuse_wakes();
        inbox.accept_wakes();
        let letter = Letter::to(3);
        letter.send(&inbox);
        sleep_until_seen(&inbox, &[&letter]);
    });
}

#[test]
fn a_wake_that_races_with_leaving_calls_the_host_or_keeps_the_owner() {
    loom::model(|| {
        let inbox = new_inbox();
        let hosts = Host::all::<1>(&inbox);
        let letter = Letter::to(3);
        letter.send(&inbox);
        come_round_until_seen(&inbox, &hosts, &[&letter]);
    });
}

#[test]
fn each_of_two_hosts_is_called() {
    loom::model(|| {
        let inbox = new_inbox();
        let hosts = Host::all::<2>(&inbox);
        let letter = Letter::to(3);
        letter.send(&inbox);
        come_round_until_seen(&inbox, &hosts, &[&letter]);
    });
}

/// A host visits the executor for the last time. What comes meanwhile is the business of the other one.
#[test]
fn a_host_that_leaves_takes_no_wake_with_it() {
    loom::model(|| {
        let inbox = new_inbox();
        let list = Hosts::of(&inbox, None);
        let hosts = [(); 2].map(|()| Host::new());
        let [leaver, other] =
            [0, 1].map(|host| list::Host::of(&Waker::from(Arc::clone(&hosts[host]))));
        list.add(Arc::clone(&leaver));
        list.add(other);
        let letter = Letter::to(3);
        letter.send(&inbox);
        inbox.come_back();
        list.remove(&leaver);
        if inbox.has_mail() || !inbox.leave() {
            list.call();
        }
        let [_, other] = hosts;
        other.wait_until_called();
        come_round_until_seen(&inbox, &[other], &[&letter]);
    });
}

/// A main future is woken while its host asks whether it was.
#[test]
fn a_main_future_that_is_woken_is_polled() {
    loom::model(|| {
        let caller = Host::new();
        let host = list::Host::of(&Waker::from(Arc::clone(&caller)));
        assert!(host.take_main_woken(), "it has to be polled once");
        let written = Arc::new(AtomicBool::new(false));
        let (waker, letter) = (Waker::from(Arc::clone(&host)), Arc::clone(&written));
        thread::spawn(move || {
            waker.wake_by_ref();
            letter.store(true, Relaxed);
            waker.wake();
        });
        while !(host.take_main_woken() && written.load(Relaxed)) {
            caller.wait_until_called();
        }
    });
}

/// The thread of the timers waits for a far alarm, or for none, while another thread sets one that is due.
#[test]
fn an_alarm_that_is_set_earlier_is_not_overslept() {
    for is_far_set in [false, true] {
        loom::model(move || {
            let clock = Arc::new(AlarmClock::new());
            let now = Instant::now();
            if is_far_set {
                clock.set(1, now + Duration::from_secs(3600));
            }
            let [second, third] = [2, 3].map(|executor| {
                let clock = Arc::clone(&clock);
                thread::spawn(move || clock.set(executor, now))
            });
            let mut due = [clock.wait_for_next(), clock.wait_for_next()];
            due.sort_unstable();
            assert_eq!(due, [2, 3]);
            second.join().unwrap();
            third.join().unwrap();
        });
    }
}

#[test]
fn two_threads_wake_two_slots_of_an_executor_with_a_host_and_each_is_polled() {
    let mut model = loom::model::Builder::new();
    // All interleavings of three threads and two locks take minutes.
    model.preemption_bound = Some(3);
    model.check(|| {
        let inbox = new_inbox();
        let hosts = Host::all::<1>(&inbox);
        let letters = [Letter::to(3), Letter::to(4)];
        for letter in &letters {
            letter.send(&inbox);
        }
        come_round_until_seen(&inbox, &hosts, &letters.each_ref());
    });
}

#[test]
fn a_wake_finds_an_owner_that_waits_elsewhere() {
    loom::model(|| {
        let inbox = new_inbox();
        let (reactor, letter) = (Host::new(), Letter::to(3));
        let waker = Waker::from(Arc::clone(&reactor));
        letter.send(&inbox);
        let mut is_seen = false;
        while !is_seen {
            while inbox.lie_down(&waker) {
                reactor.wait_until_called();
            }
            inbox.rise();
            inbox.drain(|_| is_seen = letter.written.load(Relaxed));
        }
    });
}

/// Errands are announced like wakes: none is left behind when the owner parks.
#[test]
fn an_errand_is_not_lost_while_the_owner_goes_to_sleep() {
    loom::model(|| {
        let inbox = new_inbox();
        let errands = Arc::new(Errands::new());
        let (pushed, told) = (Arc::clone(&errands), Arc::clone(&inbox));
        thread::spawn(move || {
            pushed.push(7).expect("it is open");
            told.notify();
        });
        let mut taken = Vec::new();
        while taken.is_empty() {
            inbox.park(None);
            if inbox.has_mail() {
                inbox.drain(|_| ());
                taken = errands.take(Vec::new());
            }
        }
        assert_eq!(taken, [7]);
    });
}

/// Two threads push while the owner takes once and then ends: each errand is taken, given out by the close, or refused.
#[test]
fn an_errand_that_races_with_the_end_is_run_or_refused() {
    loom::model(|| {
        let errands = Arc::new(Errands::new());
        let pushers = [1, 2].map(|errand| {
            let errands = Arc::clone(&errands);
            thread::spawn(move || errands.push(errand).is_ok())
        });
        let mut given = errands.take(Vec::new());
        given.extend(errands.close());
        for (errand, pusher) in [1, 2].into_iter().zip(pushers) {
            let is_in = pusher.join().unwrap();
            let times = given.iter().filter(|&&given| given == errand).count();
            assert_eq!(times, usize::from(is_in));
        }
    });
}

/// An executor ends while another thread drops the last of its wakers. One of the two gives the number back.
#[test]
fn a_number_is_given_back_by_the_last_of_its_holders_and_by_nobody_else() {
    loom::model(|| {
        let inbox = new_inbox();
        inbox.hold();
        let waker_of = Arc::clone(&inbox);
        let waker = thread::spawn(move || {
            // The waker is cloned, and both are dropped.
            waker_of.hold();
            [waker_of.remove_holder(), waker_of.remove_holder()]
        });
        let by_owner = inbox.remove_holder();
        let [first, second] = waker.join().unwrap();
        assert_eq!(
            [by_owner, first, second]
                .iter()
                .filter(|&&last| last)
                .count(),
            1
        );
        assert!(!first, "there was another one");
    });
}

/// A waker wakes, and then it is dropped: an owner that finds no holder left has its mail.
#[test]
fn whoever_has_let_go_has_published_its_wakes() {
    loom::model(|| {
        let inbox = new_inbox();
        inbox.hold();
        let waker = Arc::clone(&inbox);
        let woken = thread::spawn(move || {
            waker.wake(1);
            waker.release();
        });
        if inbox.holders() == 0 {
            assert!(inbox.has_mail(), "this would be taken for a stall");
        }
        woken.join().unwrap();
    });
}
