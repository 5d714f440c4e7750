//! The identity of each task: what reports and panics need to name it, and what it gives to the tasks that it spawns.
//!
//! Some of these functions are called by the panic hook, which may run in the middle of anything. So they borrow
//! carefully, and call no user code.
//!
//! Knows the core's state.

use std::rc::Rc;
use std::sync::Arc;

use crate::kernel::failure::{Lineage, Origin, Root, TaskId, reporter};
use crate::kernel::tasks::{Core, Counted, MAIN_SLOT, MAIN_UNCAUGHT, NOBODY, Parentage};

impl Core {
    /// The origin of a slot's tenant; `None` for the main future of `block_on`, and if there is none. The panic hook
    /// calls it, so it may be called in the middle of anything.
    pub(crate) fn origin_of(&self, slot: u32) -> Option<Origin> {
        match slot {
            NOBODY | MAIN_UNCAUGHT => None,
            MAIN_SLOT => Some(Origin {
                id: TaskId::MAIN,
                name: None,
                spawned_at: None,
                spawned_by: Lineage::of_entry(self.entry.get()),
                last_await: self.main_last_await.get(),
            }),
            slot => {
                let slots = self.slots.try_borrow().ok()?;
                let task = slots.get(slot)?;
                Some(task.header().origin().to_owned())
            }
        }
    }

    pub(super) fn new_parentage(self: &Rc<Self>) -> Counted<Parentage> {
        let slot = self.polled();
        let slots = self.slots.borrow();
        let parentage = match slots.get(slot).map(|task| task.header()) {
            Some(header) => Parentage::below(header.as_ancestor(), &header.spawned_by),
            None if slot == NOBODY && reporter().is_printing() => {
                self.parentage_with(Lineage::new(Root::Logger))
            }
            None => self.parentage_with(Lineage::of_entry(self.entry.get())),
        };
        // Not kept for code between the polls of a running executor: the next spawner may be the logger, or no longer.
        if slot != NOBODY || self.entry.get().is_none() {
            self.parentage.replace(Some((slot, parentage.clone())));
        }
        parentage
    }

    /// A parentage for the tasks that have this lineage.
    pub(crate) fn parentage_with(self: &Rc<Self>, lineage: Arc<Lineage>) -> Counted<Parentage> {
        Parentage::new(lineage, Rc::<Core>::downgrade(self), self.number)
    }
}
