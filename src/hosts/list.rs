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
//! file.
//!
//! Knows the inbox, which knows this list as one waker.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::task::{Wake, Waker};

use crate::kernel::tasks::inbox::std_or_loom::{AtomicBool, Mutex, MutexGuard};
use crate::kernel::tasks::{Foreign, Inbox};

/// The hosts of one executor, from the first one on.
pub(crate) struct Hosts {
    list: Mutex<Vec<Arc<Host>>>,
    /// For a host that calls `tick`. `tick` returns whether there is more to do, so this one is not called for that.
    on_wake: Option<Foreign>,
}

/// A host that polls a main future of its own. As a waker, it is that of the main future.
pub(crate) struct Host {
    waker: Foreign,
    is_main_woken: AtomicBool,
}

impl Host {
    /// The host that polls with this waker. Its main future is to be polled.
    pub(crate) fn of(waker: &Waker) -> Arc<Self> {
        Arc::new(Host {
            waker: Foreign(waker.clone()),
            is_main_woken: AtomicBool::new(true),
        })
    }

    pub(crate) fn will_wake(&self, waker: &Waker) -> bool {
        self.waker.0.will_wake(waker)
    }

    pub(crate) fn is_main_woken(&self) -> bool {
        self.is_main_woken.load(Ordering::Acquire)
    }

    /// Whether its main future was woken. From here on, it has to be woken again.
    pub(crate) fn take_main_woken(&self) -> bool {
        self.is_main_woken.swap(false, Ordering::AcqRel)
    }
}

impl Wake for Host {
    fn wake(self: Arc<Self>) {
        // If it was woken before, the host was called already. Its poll will see what both wakers have written.
        if !self.is_main_woken.swap(true, Ordering::AcqRel) {
            self.waker.wake();
        }
    }
}

impl Hosts {
    /// An empty list, which is called for the mail of this inbox from now on.
    pub(crate) fn of(inbox: &Inbox, on_wake: Option<Foreign>) -> Arc<Self> {
        let hosts = Arc::new(Hosts {
            list: Mutex::new(Vec::new()),
            on_wake,
        });
        inbox.set_host(Waker::from(Arc::clone(&hosts)));
        hosts
    }

    /// From now on `host` is called whenever mail comes while nobody runs the executor, until it is removed.
    pub(crate) fn add(&self, host: Arc<Host>) {
        self.list().push(host);
    }

    pub(crate) fn remove(&self, host: &Arc<Host>) {
        self.list().retain(|other| !Arc::ptr_eq(other, host));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list().is_empty()
    }

    /// Whether a main future is ready. Its host was called then, and will poll it.
    pub(crate) fn has_ready_main(&self) -> bool {
        self.list().iter().any(|host| host.is_main_woken())
    }

    /// Calls the hosts without mail, because the last one has left more to do.
    pub(crate) fn call(&self) {
        let hosts = self.list().clone();
        hosts.iter().for_each(|host| host.waker.wake());
    }

    /// Calls everything that may run the executor: the hosts, and `on_wake`.
    pub(crate) fn call_everybody(&self) {
        self.call();
        self.on_wake.iter().for_each(Foreign::wake);
    }

    fn list(&self) -> MutexGuard<'_, Vec<Arc<Host>>> {
        // A poisoned lock is taken nevertheless.
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Hosts {
    fn wake(self: Arc<Self>) {
        self.call_everybody();
    }
}
