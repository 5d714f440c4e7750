//! A handle that lets a listener know when its task is done.
//!
//! Knows handles.

use std::rc::Rc;

use crate::kernel::tasks::{JoinHandle, Joiner, Listener};

impl<T> JoinHandle<T> {
    /// Has the listener told of the end, instead of whoever awaits the handle.
    pub(crate) fn tell(&self, listener: Rc<dyn Listener>) {
        self.task.header().joiner.set(Joiner::Listener(listener));
    }

    /// Lets go of the task, whose listener is told of the end all the same.
    pub(crate) fn let_go(self) {
        let task = Rc::clone(&self.task);
        let listener = task.header().take_joiner();
        drop(self);
        task.header().joiner.set(listener);
    }
}
