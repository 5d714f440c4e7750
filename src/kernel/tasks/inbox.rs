//! How other threads reach an executor: they leave the number of a slot in its inbox.
//!
//! A waker is only a number, and a wake from another thread finds the inbox by the executor's part
//! of it. Each slot has one bit that says "a poll has been asked for". Whoever sets it pushes the
//! slot to a queue; whoever finds it set is done, because the poll is still to come and will see
//! what both of them wrote. So the queue never holds more entries than there are slots, however
//! often they are woken.
//!
//! ```text
//! any thread: wake(slot)                        the owner
//!
//!   bit already set? ───────► done              drain  state MAIL to AWAKE
//!   set it, push slot                                  pop slot, clear its bit, deliver it
//!   swap state to MAIL                          park   state AWAKE to ASLEEP, unless there is MAIL
//!   was it ASLEEP? ─────────► unpark                   wait
//!   was it AWAY? ───────────► call the hosts    leave  state AWAKE to AWAY, unless there is MAIL
//!
//!                drain                 park, leave
//!        ┌───────────────────┐   ┌───────────────────────────┐
//!        │                   ▼   │                           ▼
//!      MAIL ◄─────wake───── AWAKE ◄──timeout, come_back── ASLEEP or AWAY
//!        ▲                                                   │
//!        └───────────────wake, which unparks or calls────────┘
//! ```
//!
//! An owner that parks waits here. One that leaves does something else: its executor has *hosts*, loops of
//! others, which have it run again when they are called.
//!
//! Every change of `state` is one read-modify-write of one atomic, and all threads agree on the
//! order of those. A wake comes either before the owner falls asleep, and then the owner meets its
//! mail and stays up, or after that, and then the waker meets a sleeper. This is why no wake is
//! lost; `loom_tests` tries it in every interleaving.
//!
//! Generations play no part here. A bit belongs to a slot, whichever task lives in it: if a stale
//! wake were sorted out after it had set the bit, it would swallow a real one that found the bit
//! set. As it is, a stale wake costs a spurious poll, which every future must bear.
//!
//! An inbox is never freed, only closed and given to a later executor, so wakers may outlive their
//! executor by any time. Knows no task and no clock, and wakers only as something to call.

mod bitmap;
pub(crate) mod errands;
mod gone;
mod holders;
mod numbers;
mod sleepers;
mod sync;

#[cfg(all(loom, test))]
mod loom_tests;

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::time::Duration;

use bitmap::Bitmap;
use gone::Gone;
use holders::Holders;
use numbers::{Numbers, TABLE, place_of, with_numbers};
use sleepers::Sleepers;
use sync::{AtomicBool, AtomicU8, Condvar, Mutex, Queue};

use crate::kernel::time::EntryKey;

/// The owner runs, and has fetched all mail that it has been told of.
const AWAKE: u8 = 0;
/// Something may lie in the queue that the owner has not fetched.
const MAIL: u8 = 1;
/// The owner waits for an unpark, or is about to.
const ASLEEP: u8 = 2;
/// Nobody runs the executor, and its hosts wait to be called.
const AWAY: u8 = 3;

/// The mailbox of one executor, open to all threads.
///
/// A bit that is set promises an entry in the queue, or a thread that is about to push it. An entry
/// that was pushed promises `MAIL`, or a thread that is about to say so, or an owner that is in
/// [`drain`](Inbox::drain). Both promises hold across owners: a wake that began under one may end
/// under the next.
pub(crate) struct Inbox {
    number: u16,
    /// Whether an executor owns this inbox. Spares a closed one the mail of stale wakers.
    is_open: AtomicBool,
    /// Who needs the number: the owner, and wakers that are counted.
    holders: Holders,
    /// The slots that are asked for and not yet delivered.
    asked: Bitmap,
    /// The same slots, oldest first.
    queue: Queue<u32>,
    /// The handshake between the wakers and the owner.
    state: State,
    /// Held by an owner that parks from before it is `ASLEEP` until it really waits.
    sleepers: Mutex<Sleepers>,
    /// Our own, rather than `thread::park`, whose tokens user code may take.
    unparked: Condvar,
    gone: Gone,
}

/// `AWAKE`, `MAIL`, `ASLEEP` or `AWAY`, alone in its cache line.
///
/// Each push writes it, and each wake reads what would lie beside it: two threads that wake one
/// executor then cost each other three to four times as much (measured).
#[repr(align(128))]
struct State(AtomicU8);

impl Inbox {
    /// Claims an executor number, and opens the inbox that belongs to it.
    ///
    /// # Panics
    ///
    /// Panics if 65,536 inboxes are open already.
    #[track_caller]
    pub(crate) fn open() -> &'static Inbox {
        let Some(number) = with_numbers(Numbers::claim) else {
            panic!(
                "candor cannot create another executor: 65,536 of them exist already, and each needs \
                 a number of its own. Most likely executors are kept somewhere or leaked \
                 (`mem::forget`, a cycle of `Rc`). Drop each executor once its work is done, or keep \
                 one for each thread and use it again."
            );
        };
        let inbox: &'static Inbox =
            place_of(number).get_or_init(|| Box::leak(Box::new(Inbox::new(number))));
        inbox.accept_wakes();
        inbox
    }

    /// The inbox of the executor with this number, if there ever was one.
    pub(crate) fn of(number: u16) -> Option<&'static Inbox> {
        let [page, line] = number.to_be_bytes().map(usize::from);
        TABLE[page].get()?[line].get().copied()
    }

    /// The number of the executor that owns this inbox.
    pub(crate) fn number(&self) -> u16 {
        self.number
    }

    /// Asks for a poll of the task in this slot, from any thread.
    ///
    /// That poll sees what the caller wrote before. Never polls or drops a future, and waits for
    /// nobody, save for the few instructions in which the owner falls asleep.
    pub(crate) fn wake(&self, slot: u32) {
        // Relaxed: a waker of the present owner was made after the inbox was opened, so whoever was
        // handed one reads no older value. Not asked again once the bit is set: from then on
        // others rely on the push.
        if self.is_open.load(Relaxed) && self.asked.insert(slot) {
            self.queue.push(slot);
            self.notify();
        }
    }

    /// Has the owner look around, or whoever will run the executor next, from any thread: the caller has left something.
    ///
    /// At worst, as when the owner is another one by now, it looks for nothing.
    pub(crate) fn notify(&self) {
        // Release: an owner that sees the mail must find what was left. Nothing to acquire: whoever is to be
        // roused is found under a lock.
        let met = self.state.0.swap(MAIL, Release);
        if met >= ASLEEP {
            self.rouse(met);
        }
    }

    /// Whether there is something to drain. One atomic load.
    ///
    /// It may learn of a wake a moment late; [`park`](Inbox::park) does not.
    pub(crate) fn has_mail(&self) -> bool {
        // Relaxed: whoever acts on it drains, and that acquires.
        self.state.0.load(Relaxed) == MAIL
    }

    /// Whether somebody asks for this slot and has perhaps not pushed it yet, on which others rely.
    pub(crate) fn is_asked_for(&self, slot: u32) -> bool {
        self.asked.contains(slot)
    }

    /// Calls `deliver` for each slot that was woken. Only for the owner.
    ///
    /// Ends even if other threads wake without pause: what comes meanwhile is mail for the next
    /// time. A slot may be unknown to this owner, if the wake was meant for an earlier one.
    /// `deliver` must not panic, or the slots behind it would wait for the next mail.
    pub(crate) fn drain(&self, mut deliver: impl FnMut(u32)) {
        // Before the look at the queue, so that an entry too late for this look is announced by a
        // swap to MAIL that comes after ours. Acquire: the entries of all who have swapped to MAIL
        // must be seen; each swap continues the release sequence of those before it, so to
        // acquire from the last is to acquire from all.
        self.state.0.swap(AWAKE, Acquire);
        for _ in 0..self.queue.len() {
            let Some(slot) = self.queue.pop() else { break };
            // Before the poll: whoever wakes during it finds the bit clear and asks for another.
            self.asked.remove(slot);
            deliver(slot);
        }
    }

    /// Sleeps until there is mail, or the timeout has passed. Only for the owner.
    ///
    /// Returns at once if there is mail, and may return early without any.
    #[cfg_attr(feature = "async-io", allow(dead_code, reason = "see `parking`"))]
    pub(crate) fn park(&self, timeout: Option<Duration>) {
        // Taken before any waker can see ASLEEP, and given up only by waiting: a waker that has to
        // unpark takes it as well, so its notification cannot fall between the two.
        let falling_asleep = self.sleepers();
        // Relaxed: a read-modify-write meets the newest state whatever its ordering, and nothing is
        // read on the strength of it: mail is acquired by the drain that follows.
        let asleep = (self.state.0).compare_exchange(AWAKE, ASLEEP, Relaxed, Relaxed);
        if asleep.is_err() {
            return;
        }
        match timeout {
            None => drop(self.unparked.wait(falling_asleep)),
            Some(timeout) => drop(self.unparked.wait_timeout(falling_asleep, timeout)),
        }
        // The wait may have ended by notification, by timeout or for no reason.
        self.get_up(ASLEEP);
    }

    /// Announces that nobody runs the executor, and that the hosts are to be called when mail comes; `false` if
    /// it has come already. Only for the owner.
    pub(crate) fn leave(&self) -> bool {
        // Relaxed: as in `park`.
        let away = (self.state.0).compare_exchange(AWAKE, AWAY, Relaxed, Relaxed);
        away.is_ok()
    }

    /// The executor runs again, so the hosts need not be called. Only for the owner.
    pub(crate) fn come_back(&self) {
        // Relaxed: only the owner leaves.
        if self.state.0.load(Relaxed) == AWAY {
            self.get_up(AWAY);
        }
    }

    fn get_up(&self, from: u8) {
        // If this fails there is mail, and it stays. Relaxed: as in `park`.
        let _ = (self.state.0).compare_exchange(from, AWAKE, Relaxed, Relaxed);
    }

    /// The owner is gone: ignores wakes from now on, and lets the number be given out again as soon as nobody
    /// holds it.
    pub(crate) fn close(&self) {
        self.refuse_wakes();
        self.forget_sleepers();
        self.gone.take();
        self.release();
    }

    /// Keeps the number from being given out again, and the executor from being proven to stand still: for each
    /// thing that can reach it from another thread. Only for who was handed something that holds it.
    pub(crate) fn hold(&self) {
        self.holders.add();
    }

    /// Takes back a [`hold`](Inbox::hold).
    pub(crate) fn release(&self) {
        if self.holders.remove() {
            with_numbers(|numbers| numbers.give_back(self.number));
        }
    }

    /// How many hold the number beside the owner. Their number can only fall from 0 to 0: who holds nothing has
    /// nothing to clone. After this, [`has_mail`](Inbox::has_mail) knows of every wake of those who have let go.
    pub(crate) fn holders(&self) -> u64 {
        self.holders.count() - 1
    }

    /// Notes that a timer of this executor is to be taken out of its wheel.
    pub(crate) fn forget_timer(&self, executor: u64, key: EntryKey) {
        self.gone.push(executor, key);
    }

    /// Takes what was noted, perhaps for an earlier owner.
    #[inline]
    pub(crate) fn forgotten_timers(&self) -> Vec<(u64, EntryKey)> {
        self.gone.take()
    }

    fn new(number: u16) -> Inbox {
        Inbox {
            number,
            is_open: AtomicBool::new(true),
            holders: Holders::new(),
            asked: Bitmap::new(),
            queue: Queue::new(),
            state: State(AtomicU8::new(AWAKE)),
            sleepers: Mutex::new(Sleepers::default()),
            unparked: Condvar::new(),
            gone: Gone::new(),
        }
    }

    /// Leaves everything else as it is: a wake that began under the last owner may still be about
    /// to push, and others may already rely on its bit.
    fn accept_wakes(&self) {
        self.holders.begin();
        // Relaxed: see `wake`. The lock around the numbers puts the owners in order.
        self.is_open.store(true, Relaxed);
    }

    fn refuse_wakes(&self) {
        self.is_open.store(false, Relaxed);
        // What has come and will not be fetched could be much memory, and many spurious polls for
        // the next owner. What still comes after this is little, and does no harm.
        self.drain(|_| ());
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::thread;

    use super::*;

    fn delivered(inbox: &Inbox) -> Vec<u32> {
        let mut slots = Vec::new();
        inbox.drain(|slot| slots.push(slot));
        slots
    }

    #[test]
    fn an_open_inbox_is_found_by_its_number() {
        let inbox = Inbox::open();
        let found = Inbox::of(inbox.number()).expect("it was just opened");
        assert!(std::ptr::eq(found, inbox));
        inbox.close();
    }

    #[test]
    fn a_number_that_was_never_given_out_has_no_inbox() {
        assert!(Inbox::of(u16::MAX).is_none());
    }

    #[test]
    fn the_first_and_last_slot_of_a_word_and_of_all_are_delivered() {
        let inbox = Inbox::new(0);
        let slots = [0, 63, 64, u32::MAX];
        for slot in slots {
            inbox.wake(slot);
        }
        assert_eq!(delivered(&inbox), slots);
        assert!(delivered(&inbox).is_empty());
    }

    #[test]
    fn a_million_wakes_of_one_slot_are_one_entry() {
        let inbox = Inbox::new(0);
        for _ in 0..1_000_000 {
            inbox.wake(5);
        }
        assert_eq!(inbox.queue.len(), 1);
        assert_eq!(delivered(&inbox), [5]);
    }

    #[test]
    fn a_wake_during_a_delivery_is_delivered_by_the_next_drain() {
        let inbox = Inbox::new(0);
        inbox.wake(5);
        let mut polls = 0;
        inbox.drain(|slot| {
            polls += 1;
            inbox.wake(slot);
        });
        assert_eq!(
            polls, 1,
            "a slot that wakes itself must not hold the owner in its drain"
        );
        assert!(inbox.has_mail());
        assert_eq!(delivered(&inbox), [5]);
        assert!(!inbox.has_mail());
    }

    #[test]
    fn a_closed_inbox_ignores_wakes_and_keeps_none_for_its_next_owner() {
        let inbox = Inbox::new(0);
        inbox.wake(1);
        inbox.refuse_wakes();
        inbox.wake(2);
        inbox.accept_wakes();
        assert!(delivered(&inbox).is_empty());
        inbox.wake(2);
        inbox.wake(1);
        assert_eq!(delivered(&inbox), [2, 1]);
    }

    #[test]
    fn a_wake_that_has_not_been_pushed_yet_is_known() {
        let inbox = Inbox::new(0);
        inbox.asked.insert(2);
        assert!(inbox.is_asked_for(2) && !inbox.has_mail());
        assert!(!inbox.is_asked_for(1));
    }

    #[test]
    fn a_number_rests_until_its_last_holder_has_let_go() {
        let is_free = |number| with_numbers(|numbers| numbers.is_resting(number));
        let inbox = Inbox::open();
        inbox.hold();
        inbox.hold();
        assert_eq!(inbox.holders(), 2);
        inbox.release();
        inbox.close();
        assert!(!is_free(inbox.number()), "a waker still holds it");
        assert!(inbox.holders.remove(), "who lets go last is told so");
    }

    #[test]
    fn parking_with_mail_returns_at_once() {
        let inbox = Inbox::new(0);
        inbox.wake(1);
        inbox.park(None);
        assert!(inbox.has_mail());
    }

    #[test]
    fn a_timeout_leaves_the_owner_awake() {
        let inbox = Inbox::new(0);
        inbox.park(Some(Duration::ZERO));
        assert_eq!(inbox.state.0.load(Relaxed), AWAKE);
    }

    #[test]
    fn a_poisoned_lock_neither_stops_sleep_nor_wakes() {
        let inbox = Inbox::new(0);
        let owner_panics = || {
            let _guard = inbox.sleepers.lock();
            panic!("poisons the lock");
        };
        thread::scope(|scope| scope.spawn(owner_panics).join().expect_err("it panics"));
        assert!(inbox.sleepers.is_poisoned());
        inbox.park(Some(Duration::ZERO));
        thread::scope(|scope| {
            scope.spawn(|| inbox.wake(1));
            while !inbox.has_mail() {
                inbox.park(None);
            }
        });
        assert_eq!(delivered(&inbox), [1]);
    }

    #[test]
    fn an_owner_that_parks_between_drains_sees_all_that_four_threads_wrote() {
        const WAKES: usize = 100_000;
        // Two slots with one waker each, and one with two.
        const SLOT_OF: [u32; 4] = [0, 1, 2, 2];
        let inbox = &Inbox::new(0);
        let written = &[const { AtomicUsize::new(0) }; 4];
        thread::scope(|scope| {
            for (slot, written) in SLOT_OF.into_iter().zip(written) {
                scope.spawn(move || {
                    for _ in 0..WAKES {
                        written.fetch_add(1, Relaxed);
                        inbox.wake(slot);
                    }
                });
            }
            let mut seen = [0; 4];
            while seen != [WAKES; 4] {
                inbox.park(None);
                inbox.drain(|slot| {
                    for waker in (0..4).filter(|&waker| SLOT_OF[waker] == slot) {
                        seen[waker] = written[waker].load(Relaxed);
                    }
                });
            }
        });
    }
}
