//! Who is called when mail comes for an executor that nobody runs.
//!
//! ```text
//!                  ASLEEP ──► the owner, which waits on the condition variable or inside of a reactor
//! mail meets ──────┤
//!                  AWAY ────► every host, and `on_wake`: they have it run again
//! ```
//!
//! A *host* is a loop of somebody else's that gives the executor its turns. There may be any number of
//! them, and each is called, since only it knows whether it will come round.
//!
//! The lock is held for a moment only, and never while one of them is called: what a host does when
//! it is called is its own affair, and it may come back here. A waker that is added here must not panic;
//! whoever adds a foreign one wraps it. Knows nothing of who they are.

use std::mem;
use std::sync::PoisonError;
use std::task::Waker;

use crate::kernel::tasks::inbox::sync::MutexGuard;
use crate::kernel::tasks::inbox::{ASLEEP, Inbox};

#[derive(Default)]
pub(super) struct Sleepers {
    /// The owner, if it waits elsewhere than on the condition variable.
    owner: Option<Waker>,
    hosts: Vec<Waker>,
    /// For a host that is told by `tick` whether there is more to do, and so is not called for that.
    on_wake: Option<Waker>,
}

/// Hosts.
impl Inbox {
    /// Calls `host` whenever mail comes while nobody runs the executor, until it is removed.
    pub(crate) fn add_host(&self, host: Waker) {
        self.sleepers().hosts.push(host);
    }

    /// `host` must be the waker that was added, or a clone of it.
    pub(crate) fn remove_host(&self, host: &Waker) {
        let mut sleepers = self.sleepers();
        let mut hosts = sleepers.hosts.iter();
        let place = hosts.position(|other| other.data() == host.data());
        let removed = place.map(|place| sleepers.hosts.swap_remove(place));
        drop(sleepers);
        drop(removed);
    }

    pub(crate) fn has_hosts(&self) -> bool {
        !self.sleepers().hosts.is_empty()
    }

    /// Calls `on_wake` as well, for the first mail that comes while nobody runs the executor.
    pub(crate) fn set_on_wake(&self, on_wake: Waker) {
        self.sleepers().on_wake = Some(on_wake);
    }

    /// Calls the hosts for what is not mail: there is more to do than the last of them did.
    pub(crate) fn call_hosts(&self) {
        let hosts = self.sleepers().hosts.clone();
        hosts.into_iter().for_each(Waker::wake);
    }

    /// Calls everybody who may run the executor.
    pub(crate) fn call_everybody(&self) {
        self.call_hosts();
        let on_wake = self.sleepers().on_wake.clone();
        on_wake.into_iter().for_each(Waker::wake);
    }

    /// Wakes the owner, or calls those who would run the executor.
    #[cold]
    pub(super) fn rouse(&self, met: u8) {
        if met != ASLEEP {
            return self.call_everybody();
        }
        // An owner that holds the lock has yet to wait.
        let owner = self.sleepers().owner.take();
        self.unparked.notify_one();
        owner.into_iter().for_each(Waker::wake);
    }

    pub(super) fn forget_sleepers(&self) {
        let sleepers = mem::take(&mut *self.sleepers());
        // What they hold may be a user's.
        drop(sleepers);
    }

    pub(super) fn sleepers(&self) -> MutexGuard<'_, Sleepers> {
        // A poisoned lock has been taken all the same.
        self.sleepers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For an owner that waits elsewhere than on the condition variable, which it does under the feature.
#[cfg(any(all(loom, test), feature = "async-io"))]
impl Inbox {
    /// Announces that the owner waits until `waker` is called; `false` if there is mail already.
    ///
    /// It may ask again and again, and has to [`rise`](Inbox::rise) in the end.
    pub(crate) fn lie_down(&self, waker: &Waker) -> bool {
        use super::{AWAKE, Relaxed};

        self.sleepers().owner = Some(waker.clone());
        // Relaxed: as in `park`.
        let met = (self.state.0).compare_exchange(AWAKE, ASLEEP, Relaxed, Relaxed);
        matches!(met, Ok(_) | Err(ASLEEP))
    }

    /// The owner no longer waits, for whatever reason.
    pub(crate) fn rise(&self) {
        self.get_up(ASLEEP);
    }
}
