//! What is called when mail comes for an executor that waits or that nobody runs.
//!
//! ```text
//!                  ASLEEP ──► the owner, which waits on the condition variable or inside of a reactor
//! mail finds ──────┤
//!                  AWAY ────► every host, and `on_wake`: they run it again
//! ```
//!
//! A *host* is a foreign loop that runs the executor in turns. There may be any number of hosts. Each one is
//! called, because only the host itself knows whether it will run the executor.
//!
//! The lock is held only for a moment, and never while a host is called: a host may do anything then, and
//! may call this file. A waker that is added here must not panic, so a foreign one has to be wrapped.
//!
//! Knows nothing of what the hosts are.

use std::mem;
use std::sync::PoisonError;
use std::task::Waker;

use crate::kernel::tasks::inbox::sync::MutexGuard;
use crate::kernel::tasks::inbox::{ASLEEP, Inbox};

#[derive(Default)]
pub(super) struct Sleepers {
    /// The waker of the owner, if it waits elsewhere than on the condition variable.
    owner: Option<Waker>,
    hosts: Vec<Waker>,
    /// For a host that calls `tick`. `tick` returns whether there is more to do, so this one is not called for that.
    on_wake: Option<Waker>,
}

/// Hosts.
impl Inbox {
    /// From now on `host` is called whenever mail comes while nobody runs the executor, until it is removed.
    pub(crate) fn add_host(&self, host: Waker) {
        self.sleepers().hosts.push(host);
    }

    /// Removes a host. `host` must be the waker that was added, or a clone of it.
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

    /// From now on `on_wake` is called as well, for the first mail that comes while nobody runs the executor.
    pub(crate) fn set_on_wake(&self, on_wake: Waker) {
        self.sleepers().on_wake = Some(on_wake);
    }

    /// Calls the hosts without mail, because the last one has left more to do.
    pub(crate) fn call_hosts(&self) {
        let hosts = self.sleepers().hosts.clone();
        hosts.into_iter().for_each(Waker::wake);
    }

    /// Calls everything that may run the executor: the hosts, and `on_wake`.
    pub(crate) fn call_everybody(&self) {
        self.call_hosts();
        let on_wake = self.sleepers().on_wake.clone();
        on_wake.into_iter().for_each(Waker::wake);
    }

    /// Unparks the owner, or calls what may run the executor. `met` is the state that was found.
    #[cold]
    pub(super) fn rouse(&self, met: u8) {
        if met != ASLEEP {
            return self.call_everybody();
        }
        // Waits for an owner that holds the lock: it does not wait yet.
        let owner = self.sleepers().owner.take();
        self.unparked.notify_one();
        owner.into_iter().for_each(Waker::wake);
    }

    pub(super) fn forget_sleepers(&self) {
        let sleepers = mem::take(&mut *self.sleepers());
        // Dropped after the lock is released: the wakers may hold user code.
        drop(sleepers);
    }

    pub(super) fn sleepers(&self) -> MutexGuard<'_, Sleepers> {
        // A poisoned lock is taken nevertheless.
        self.sleepers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For an owner that waits elsewhere than on the condition variable. It does so under the feature `async-io`.
#[cfg(any(all(loom, test), feature = "async-io"))]
impl Inbox {
    /// Announces that the owner waits until `waker` is called; `false` if there is mail already.
    ///
    /// It may be called again and again. In the end the owner has to call [`rise`](Inbox::rise).
    pub(crate) fn lie_down(&self, waker: &Waker) -> bool {
        use super::{AWAKE, Relaxed};

        self.sleepers().owner = Some(waker.clone());
        // Relaxed: as in `park`.
        let met = (self.state.0).compare_exchange(AWAKE, ASLEEP, Relaxed, Relaxed);
        matches!(met, Ok(_) | Err(ASLEEP))
    }

    /// Announces that the owner no longer waits, for whatever reason.
    pub(crate) fn rise(&self) {
        self.get_up(ASLEEP);
    }
}
