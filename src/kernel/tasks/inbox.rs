//! How other threads reach an executor: they put the number of a slot into its inbox.
//!
//! A waker is only a number. A wake from another thread finds the inbox by the executor's part of that
//! number. Each slot has one bit, which says "a poll is requested". The thread that sets the bit pushes
//! the slot to a queue. A thread that finds it set is done: the poll is still to come, and will see what
//! both of them wrote. So the queue never holds more entries than there are slots, however often they are
//! woken.
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
//! An owner that parks waits here. An owner that leaves does something else: its executor has *hosts*,
//! foreign loops, which run it again when they are called.
//!
//! Every change of `state` is one read-modify-write of one atomic, and all threads agree on the order of
//! those. A wake comes either before the owner sets `ASLEEP` or `AWAY`, or after it. In the first case
//! the owner finds its mail and does not wait. In the second case the waker finds that state, and unparks
//! the owner or calls the hosts. So no wake is lost. `loom_tests` checks this in every interleaving.
//!
//! Generations are not used here. A bit belongs to a slot, whichever task is its tenant. If a stale wake
//! were discarded after it had set the bit, a real wake that found the bit set would be lost with it. So
//! a stale wake costs a spurious poll, which every future must accept.
//!
//! An inbox is never freed, only closed and given to a later executor. So wakers may outlive their
//! executor by any time.
//!
//! Knows keys of timers, but no task and no clock. A waker is only something to call.
//!
//! Lessons 3, 7 and 8 of the course build a small one.

mod bitmap;
mod executor_numbers;
pub(crate) mod std_or_loom;

use std::sync::PoisonError;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::task::Waker;
use std::time::Duration;

use bitmap::Bitmap;
use crossbeam_queue::SegQueue;
use executor_numbers::{Numbers, TABLE, place_of, with_numbers};
use std_or_loom::{AtomicBool, AtomicU8, AtomicU64, Condvar, Mutex, MutexGuard, Queue};

use crate::kernel::time::EntryKey;

/// The owner runs, and has fetched all mail that was announced.
const AWAKE: u8 = 0;
/// The queue may hold something that the owner has not fetched.
const MAIL: u8 = 1;
/// The owner waits for an unpark, or is about to.
const ASLEEP: u8 = 2;
/// Nobody runs the executor, and its hosts have to be called for mail.
const AWAY: u8 = 3;

/// The mailbox of one executor, open to all threads.
///
/// If a bit is set, there is an entry in the queue, or a thread is about to push it. If an entry was
/// pushed, the state is `MAIL`, or a thread is about to set that, or the owner is in
/// [`drain`](Inbox::drain). Both hold across owners: a wake that began under one owner may end under the
/// next.
pub(crate) struct Inbox {
    /// The number of the executor that owns this inbox.
    pub(crate) number: u16,
    /// Whether an executor owns this inbox. Keeps the mail of stale wakers out of a closed one.
    is_open: AtomicBool,
    /// Counts what needs the number: the owner, and counted wakers. The last holder gives the number back, whether that is the
    /// owner or a waker that has outlived it. Ordinary wakers do not count: a stale one costs a spurious poll at worst.
    holders: AtomicU64,
    /// The slots for which a poll is requested, and that are not delivered yet.
    asked: Bitmap,
    /// The same slots, oldest first.
    queue: Queue<u32>,
    /// The handshake between the wakers and the owner.
    state: State,
    /// An owner that parks holds this lock from before it is `ASLEEP` until it really waits.
    sleepers: Mutex<Sleepers>,
    /// Used instead of `thread::park`, whose tokens user code may take.
    unparked: Condvar,
    /// Timers whose sleeps were dropped where the executor does not run, or reset there (`true`). Each has the serial number of its
    /// executor: the inbox may have a later owner by now. A key here is no mail: it unparks nobody.
    pub(crate) forgotten_timers: SegQueue<(u64, EntryKey, bool)>,
}

/// What is called when mail comes for an executor that waits or that nobody runs.
///
/// The lock is held only for a moment, and never while a waker is called.
#[derive(Default)]
struct Sleepers {
    /// The waker of the owner, if it waits elsewhere than on the condition variable.
    owner: Option<Waker>,
    /// Calls the hosts, if there are any.
    host: Option<Waker>,
}

/// `AWAKE`, `MAIL`, `ASLEEP` or `AWAY`, alone in its cache line.
///
/// Each push writes it, and each wake reads what would be beside it. With two threads that wake one
/// executor, a shared line makes a wake three to four times as expensive (measured).
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
        let number = with_numbers(Numbers::claim).expect(
            "candor cannot create another executor: 65,536 of them exist already, and each needs a number of its own. \
             Most likely executors are kept somewhere or leaked (`mem::forget`, a cycle of `Rc`). Drop each executor \
             once its work is done, or keep one for each thread and use it again.",
        );
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

    /// Requests a poll of the task in this slot, from any thread.
    ///
    /// That poll sees what the caller wrote before. This function never polls or drops a future. It waits
    /// for no other thread, except for the few instructions in which the owner parks.
    pub(crate) fn wake(&self, slot: u32) {
        // Relaxed: a waker of the present owner was made after the inbox was opened, so a thread that
        // was given one reads no older value. Not checked again once the bit is set: from then on
        // others rely on the push.
        if self.is_open.load(Relaxed) && self.asked.insert(slot) {
            self.queue.push(slot);
            self.notify();
        }
    }

    /// Makes the owner fetch its mail, or the next one that runs the executor. From any thread: the caller has left something.
    ///
    /// At worst, for example if there is another owner by now, it finds nothing.
    pub(crate) fn notify(&self) {
        // Release: an owner that sees the mail must find what was left. There is nothing to acquire: what
        // `rouse` calls is found under a lock.
        let met = self.state.0.swap(MAIL, Release);
        if met >= ASLEEP {
            self.rouse(met);
        }
    }

    /// Whether there is something to drain. One atomic load.
    ///
    /// It may see a wake a moment late. [`park`](Inbox::park) does not.
    pub(crate) fn has_mail(&self) -> bool {
        // Relaxed: a caller that acts on it drains, and that acquires.
        self.state.0.load(Relaxed) == MAIL
    }

    /// Whether the owner runs and has no mail. Only for the owner, which may be in the middle of anything.
    pub(crate) fn is_awake(&self) -> bool {
        self.state.0.load(Relaxed) == AWAKE
    }

    /// Whether the bit of this slot is set. Its push may still be to come, and other wakers rely on that push.
    pub(crate) fn is_asked_for(&self, slot: u32) -> bool {
        self.asked.contains(slot)
    }

    /// Calls `deliver` for each slot that was woken. Only for the owner.
    ///
    /// Returns even if other threads wake without pause: what comes meanwhile is mail for the next drain. A
    /// slot may be unknown to this owner, if the wake was meant for an earlier one. `deliver` must not
    /// panic: the slots behind it would have to wait for the next mail.
    pub(crate) fn drain(&self, mut deliver: impl FnMut(u32)) {
        // Before the queue is read: an entry that comes too late for this read is announced by a swap
        // to MAIL that comes after our swap. Acquire: the entries of all threads that have swapped to
        // MAIL must be seen. Each swap continues the release sequence of the swaps before it, so an
        // acquire from the last one is an acquire from all.
        self.state.0.swap(AWAKE, Acquire);
        for _ in 0..self.queue.len() {
            let Some(slot) = self.queue.pop() else { break };
            // Before the poll: a wake during the poll finds the bit clear and requests another poll.
            self.asked.remove(slot);
            deliver(slot);
        }
    }

    /// Parks the thread until there is mail, or until the timeout has passed. Only for the owner.
    ///
    /// Returns at once if there is mail, and may return early without any.
    #[cfg_attr(feature = "async-io", allow(dead_code, reason = "see `parking`"))]
    pub(crate) fn park(&self, timeout: Option<Duration>) {
        // The lock is taken before any waker can see ASLEEP, and released only by waiting. A waker that
        // has to unpark takes it as well, so its notification cannot come between the two.
        let falling_asleep = self.sleepers();
        if self.turn(AWAKE, ASLEEP).is_err() {
            return;
        }
        match timeout {
            None => drop(self.unparked.wait(falling_asleep)),
            Some(timeout) => drop(self.unparked.wait_timeout(falling_asleep, timeout)),
        }
        // The wait may have ended by a notification, by the timeout, or spuriously.
        let _ = self.turn(ASLEEP, AWAKE);
    }

    /// Announces that nobody runs the executor, so that mail calls the hosts. Returns `false` if there is
    /// mail already. Only for the owner.
    pub(crate) fn leave(&self) -> bool {
        self.turn(AWAKE, AWAY).is_ok()
    }

    /// Announces that the executor runs again, so that mail no longer calls the hosts. Only for the owner.
    pub(crate) fn come_back(&self) {
        // Relaxed: only the owner sets AWAY.
        if self.state.0.load(Relaxed) == AWAY {
            let _ = self.turn(AWAY, AWAKE);
        }
    }

    /// Turns the state into `to` if it is `from`. Otherwise it stays as it is, and is returned: most often it is MAIL.
    fn turn(&self, from: u8, to: u8) -> Result<u8, u8> {
        // Relaxed: a read-modify-write sees the newest state whatever its ordering is. Nothing else is
        // read because of its result: the drain that follows acquires the mail.
        self.state.0.compare_exchange(from, to, Relaxed, Relaxed)
    }

    /// Unparks the owner, or calls what may run the executor. `met` is the state that was found.
    #[cold]
    fn rouse(&self, met: u8) {
        // Waits for an owner that holds the lock: it does not wait yet.
        let mut sleepers = self.sleepers();
        let called = match met {
            ASLEEP => sleepers.owner.take(),
            _ => sleepers.host.clone(),
        };
        drop(sleepers);
        self.unparked.notify_one();
        called.into_iter().for_each(Waker::wake);
    }

    fn sleepers(&self) -> MutexGuard<'_, Sleepers> {
        // A poisoned lock is taken nevertheless.
        self.sleepers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on `host` is called whenever mail comes while nobody runs the executor. It must not panic.
    pub(crate) fn set_host(&self, host: Waker) {
        self.sleepers().host = Some(host);
    }

    /// Called when the owner ends. Ignores wakes from now on. The number may be given out again as soon as it
    /// has no holders.
    pub(crate) fn close(&self) {
        self.refuse_wakes();
        let sleepers = std::mem::take(&mut *self.sleepers());
        // Dropped after the lock is released: the wakers may hold user code.
        drop(sleepers);
        self.release();
    }

    /// Adds a holder: something that can reach the executor from another thread. While there are holders, the number
    /// is not given out again, and no stall is proven. The caller must have something that is itself a holder.
    pub(crate) fn hold(&self) {
        // Relaxed: the caller has a holder, so the count cannot have reached 0.
        self.holders.fetch_add(1, Relaxed);
    }

    /// Takes back a [`hold`](Inbox::hold).
    pub(crate) fn release(&self) {
        if self.remove_holder() {
            with_numbers(|numbers| numbers.give_back(self.number));
        }
    }

    /// Returns whether it was the last holder.
    fn remove_holder(&self) -> bool {
        // Release: a thread that counts the holders must see the wakes of those that are gone.
        self.holders.fetch_sub(1, Release) == 1
    }

    /// How many holders there are beside the owner. Once it is 0, it stays 0: without a holder there is nothing to
    /// clone. After this call, [`has_mail`](Inbox::has_mail) knows every wake of the holders that are gone.
    pub(crate) fn holders(&self) -> u64 {
        // Acquire: the other half of `remove_holder`. Only read-modify-writes change the count, so each one continues the
        // release sequence of those before it, and an acquire from the last one is an acquire from all.
        self.holders.load(Acquire) - 1
    }

    fn new(number: u16) -> Inbox {
        Inbox {
            number,
            is_open: AtomicBool::new(true),
            holders: AtomicU64::new(1),
            asked: Bitmap::new(),
            queue: Queue::new(),
            state: State(AtomicU8::new(AWAKE)),
            sleepers: Mutex::new(Sleepers::default()),
            unparked: Condvar::new(),
            forgotten_timers: SegQueue::new(),
        }
    }

    /// Changes nothing else: a wake that began under the last owner may still be about to push, and other
    /// wakers may already rely on its bit.
    fn accept_wakes(&self) {
        // Relaxed: the lock around the numbers orders the owners. See also `wake`.
        self.holders.store(1, Relaxed);
        self.is_open.store(true, Relaxed);
    }

    fn refuse_wakes(&self) {
        self.is_open.store(false, Relaxed);
        // The mail that nobody will fetch could be much memory, and many spurious polls for the next
        // owner. What still comes after this is little, and does no harm.
        self.drain(|_| ());
    }
}

/// For an owner that waits elsewhere than on the condition variable. It does so under the feature `async-io`.
#[cfg(any(all(loom, test), feature = "async-io"))]
impl Inbox {
    /// Announces that the owner waits until `waker` is called; `false` if there is mail already.
    ///
    /// It may be called again and again. In the end the owner has to call [`rise`](Inbox::rise).
    pub(crate) fn lie_down(&self, waker: &Waker) -> bool {
        self.sleepers().owner = Some(waker.clone());
        matches!(self.turn(AWAKE, ASLEEP), Ok(_) | Err(ASLEEP))
    }

    /// Announces that the owner no longer waits, for whatever reason.
    pub(crate) fn rise(&self) {
        let _ = self.turn(ASLEEP, AWAKE);
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
        let found = Inbox::of(inbox.number).expect("it was just opened");
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
        assert!(!is_free(inbox.number), "a waker still holds it");
        assert!(inbox.remove_holder(), "who lets go last is told so");
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

#[cfg(all(test, loom))]
#[path = "../../../tests/inside/inbox_under_loom.rs"]
mod loom_tests;
