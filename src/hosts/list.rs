//! All hosts of one executor.
//!
//! A *host* is a foreign loop that runs the executor in turns. There may be any number of hosts. Each one is called when mail
//! comes while nobody runs the executor, because only the host itself knows whether it will run it.
//!
//! ```text
//! mail ──► inbox ──► Hosts ──► the waker of each host, and `on_wake`
//! ```
//!
//! The lock is held only for a moment, and never while a host is called: a host may do anything then, and may call this
//! file. A waker that is added here must not panic, so a foreign one has to be wrapped.
//!
//! Knows the inbox, which knows this list as one waker.

use std::sync::atomic::{AtomicBool, Ordering::Acquire};
use std::sync::{Arc, PoisonError};
use std::task::{Wake, Waker};

use crate::kernel::tasks::Inbox;
use crate::kernel::tasks::inbox::sync::{Mutex, MutexGuard};

/// The hosts of one executor, from the first one on.
pub(crate) struct Hosts {
    list: Mutex<Vec<Host>>,
    /// For a host that calls `tick`. `tick` returns whether there is more to do, so this one is not called for that.
    on_wake: Option<Waker>,
}

/// A host that polls a main future of its own.
#[derive(Clone)]
struct Host {
    waker: Waker,
    /// Whether its main future was woken.
    is_main_woken: Arc<AtomicBool>,
}

impl Hosts {
    /// An empty list, which is called for the mail of this inbox from now on.
    pub(crate) fn of(inbox: &Inbox, on_wake: Option<Waker>) -> Arc<Self> {
        let hosts = Arc::new(Hosts {
            list: Mutex::new(Vec::new()),
            on_wake,
        });
        inbox.set_host(Waker::from(Arc::clone(&hosts)));
        hosts
    }

    /// From now on `waker` is called whenever mail comes while nobody runs the executor, until it is removed.
    pub(crate) fn add(&self, waker: Waker, is_main_woken: Arc<AtomicBool>) {
        let host = Host {
            waker,
            is_main_woken,
        };
        self.list().push(host);
    }

    /// Removes the host that was added with this flag.
    pub(crate) fn remove(&self, is_main_woken: &Arc<AtomicBool>) {
        let mut list = self.list();
        let is_it = |host: &Host| Arc::ptr_eq(&host.is_main_woken, is_main_woken);
        let place = list.iter().position(is_it);
        let removed = place.map(|place| list.swap_remove(place));
        drop(list);
        drop(removed);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list().is_empty()
    }

    /// Whether a main future is ready. Its host was called then, and will poll it.
    pub(crate) fn has_ready_main(&self) -> bool {
        let is_ready = |host: &Host| host.is_main_woken.load(Acquire);
        self.list().iter().any(is_ready)
    }

    /// Calls the hosts without mail, because the last one has left more to do.
    pub(crate) fn call(&self) {
        let hosts = self.list().clone();
        hosts.into_iter().for_each(|host| host.waker.wake());
    }

    /// Calls everything that may run the executor: the hosts, and `on_wake`.
    pub(crate) fn call_everybody(&self) {
        self.call();
        self.on_wake.iter().for_each(Waker::wake_by_ref);
    }

    fn list(&self) -> MutexGuard<'_, Vec<Host>> {
        // A poisoned lock is taken nevertheless.
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Hosts {
    fn wake(self: Arc<Self>) {
        self.call_everybody();
    }
}
