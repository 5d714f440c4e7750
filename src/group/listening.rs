//! A handle whose task calls a listener when it is done.
//!
//! Knows handles.

use std::rc::Rc;

use crate::kernel::tasks::{JoinHandle, Joiner, Listener};

impl<T> JoinHandle<T> {
    /// Lets the end of the task call the listener instead of the awaiter of the handle.
    pub(crate) fn tell(&self, listener: Rc<dyn Listener>) {
        self.task.header().joiner.set(Joiner::Listener(listener));
    }

    /// Drops the handle, which detaches the task. Its end still calls the listener.
    pub(crate) fn let_go(self) {
        let task = Rc::clone(&self.task);
        let listener = task.header().take_joiner();
        drop(self);
        task.header().joiner.set(listener);
    }
}
