//! The identity of each task, and its lineage: what reports and panics need to name a task.
//!
//! Some of these functions are called by the panic hook, which may run in the middle of anything. So they borrow
//! carefully, and call no user code.
//!
//! Knows the core's state.

use std::rc::{Rc, Weak};
use std::sync::Arc;

use crate::kernel::failure::{Lineage, Origin, Polled, Root, TaskId, reporter};
use crate::kernel::tasks::{Core, MAIN_SLOT, MAIN_UNCAUGHT, NOBODY, Parentage};

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

    /// What is being polled, for the panic hook and for a caught payload.
    pub(crate) fn polled_task(&self) -> Option<Polled> {
        let mut origin = self.origin_of(self.polled())?;
        origin.last_await = self.noted_await.get().or(origin.last_await);
        Some(Polled {
            origin,
            unclaimed: Rc::clone(&self.unclaimed),
        })
    }

    /// The parentage of a task with a name. It belongs to that task alone.
    #[cold]
    pub(crate) fn parentage_named(self: &Rc<Self>, name: Arc<str>) -> Rc<Parentage> {
        let mut parentage = self.parentage();
        Rc::make_mut(&mut parentage).name = Some(name);
        parentage
    }

    #[cold]
    pub(super) fn new_parentage(self: &Rc<Self>) -> Rc<Parentage> {
        let slot = self.polled();
        let parentage = self.parentage_with(match self.origin_of(slot) {
            Some(origin) => Lineage::below(&origin),
            None if slot == NOBODY && reporter().is_printing() => Lineage::new(Root::Logger),
            None => Lineage::of_entry(self.entry.get()),
        });
        // Not kept for code between the polls of a running executor: the next spawner may be the logger, or no longer.
        if slot != NOBODY || self.entry.get().is_none() {
            self.spawning_slot.set(slot);
            self.parentage.replace(Some(Rc::clone(&parentage)));
        }
        parentage
    }

    /// A parentage for the tasks that have this lineage.
    pub(crate) fn parentage_with(self: &Rc<Self>, lineage: Arc<Lineage>) -> Rc<Parentage> {
        let executor: Weak<Core> = Rc::downgrade(self);
        Rc::new(Parentage {
            name: None,
            lineage,
            executor,
            number: self.number,
        })
    }
}
