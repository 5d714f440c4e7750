//! The table of tasks, and which of them are ready.
//!
//! ```text
//!           0       1       2       3
//! slots  [ main | task  | free  | task  ]      a waker's key says: slot 3, generation 5
//!                 gen 2   gen 9   gen 5                                  │
//!                 queued                                                 ▼
//! ready    1  ─── wake(3) ──►  1 ──► 3         right tenant, not queued yet: queued now
//! ```
//!
//! A slot is small, three words, because every poll touches one. What is needed less often is stored in the
//! task.
//!
//! Knows keys and the run queue, but not what a task is.

use std::mem;

use crate::kernel::tasks::run_queue::RunQueue;
use crate::kernel::tasks::{MAIN_SLOT, SLOT_LIMIT};

/// The tenants of the slots, and the queue of those that were woken.
///
/// A slot is in the queue or in the list of free slots exactly when its `is_linked` flag is set. Slot 0 has no
/// tenant. It stands for the main future, which is woken like a task but owned by the code that entered the
/// executor.
pub(crate) struct Slots<T> {
    slots: Vec<Slot<T>>,
    ready: RunQueue,
    /// The slot that became free last, because its cache lines are still warm; 0 for none.
    first_free: u32,
    occupied: u32,
    /// How many slots there may be. Tests lower it.
    limit: u32,
    /// The main slot is queued because of an earlier main future.
    is_main_stale: bool,
}

struct Slot<T> {
    tenant: Option<T>,
    /// To the next slot in the run queue, or in the list of free slots; no slot is in both.
    link: u32,
    /// Counts the tenants, so that the keys of earlier tenants differ from the key of the present one.
    generation: u16,
    /// Whether the link is in use. Such a slot is not queued: it is queued already, or it is free. A stale wake may name a
    /// free slot, and to queue it would take its neighbours out of the list of free slots.
    is_linked: bool,
}

impl<T> Slots<T> {
    pub(crate) fn new() -> Self {
        Slots {
            slots: vec![Slot::new()],
            ready: RunQueue::new(),
            first_free: 0,
            occupied: 0,
            limit: SLOT_LIMIT,
            is_main_stale: false,
        }
    }

    /// How many tenants there are.
    pub(crate) fn len(&self) -> u32 {
        self.occupied
    }

    /// How many slots were ever used.
    pub(crate) fn used(&self) -> usize {
        self.slots.len()
    }

    /// Whether this slot waits for a poll; also of one that is free, and cannot be woken.
    pub(crate) fn is_queued(&self, index: u32) -> bool {
        (self.slots.get(index as usize)).is_some_and(|slot| slot.is_linked)
    }

    /// The generation of the present tenant of a slot.
    pub(crate) fn generation(&self, index: u32) -> u16 {
        self.slots[index as usize].generation
    }

    /// Whether any slot waits for a poll, that of the main future included.
    pub(crate) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Whether what is polled next is a task that is still there.
    pub(crate) fn is_task_next(&self) -> bool {
        (self.ready.first()).is_some_and(|index| self.get(index).is_some())
    }

    /// Gives a new tenant a slot, and queues it for its first poll. If every slot that a key can number is taken, returns
    /// `None` and makes no tenant.
    #[inline]
    pub(crate) fn insert(&mut self, tenant: impl FnOnce(u32) -> T) -> Option<u32> {
        if self.first_free == 0 {
            self.add()?;
        }
        let index = self.first_free;
        let slot = &mut self.slots[index as usize];
        self.first_free = slot.link;
        slot.tenant = Some(tenant(index));
        slot.is_linked = true;
        self.occupied += 1;
        self.push(index);
        Some(index)
    }

    /// Empties a slot. Keys of the tenant that leaves are stale from now on.
    pub(crate) fn remove(&mut self, index: u32) -> Option<T> {
        let slot = self.slots.get_mut(index as usize)?;
        let tenant = slot.tenant.take()?;
        slot.generation = slot.generation.wrapping_add(1);
        self.occupied -= 1;
        // A slot that is still queued becomes free when its turn comes: it has only one link.
        if !slot.is_linked {
            slot.is_linked = true;
            slot.link = self.first_free;
            self.first_free = index;
        }
        Some(tenant)
    }

    pub(crate) fn get(&self, index: u32) -> Option<&T> {
        self.slots.get(index as usize)?.tenant.as_ref()
    }

    /// The tenants at or after this slot, each with its slot.
    pub(crate) fn tenants(&self, from: u32) -> impl Iterator<Item = (u32, &T)> {
        let slots = (from..).zip(self.slots.iter().skip(from as usize));
        slots.filter_map(|(index, slot)| Some((index, slot.tenant.as_ref()?)))
    }

    /// Queues the slot if its tenant is still the one that the key names. Returns whether it is newly queued.
    pub(crate) fn wake(&mut self, index: u32, generation: u16) -> bool {
        match self.slots.get(index as usize) {
            Some(slot) if slot.generation == generation => self.queue(index),
            _ => false,
        }
    }

    /// Queues the slot whatever its tenant is. The caller knows the tenant, or accepts a spurious poll.
    pub(crate) fn wake_tenant(&mut self, index: u32) -> bool {
        (index as usize) < self.slots.len() && self.queue(index)
    }

    /// A main future begins. A wake of an earlier one must not poll this one.
    pub(crate) fn begin_main(&mut self) -> u16 {
        let main = &mut self.slots[MAIN_SLOT as usize];
        main.generation = main.generation.wrapping_add(1);
        self.is_main_stale = main.is_linked;
        main.generation
    }

    /// Takes the next slot out of the queue. From here on a wake queues it again.
    #[inline]
    pub(crate) fn next_ready(&mut self) -> Option<Ready<T>>
    where
        T: Clone,
    {
        let index = self.ready.first()?;
        let slot = &mut self.slots[index as usize];
        self.ready.drop_first(slot.link);
        slot.is_linked = false;
        if let Some(tenant) = &slot.tenant {
            return Some(Ready::Tenant {
                index,
                generation: slot.generation,
                tenant: tenant.clone(),
            });
        }
        if index == MAIN_SLOT {
            return Some(match mem::take(&mut self.is_main_stale) {
                true => Ready::Nobody,
                false => Ready::Main,
            });
        }
        // Its tenant left while it was queued.
        slot.is_linked = true;
        slot.link = self.first_free;
        self.first_free = index;
        Some(Ready::Nobody)
    }

    /// Changes the order of the queue, and returns its length.
    pub(crate) fn reorder(&mut self, shuffle: impl FnOnce(&mut [u32])) -> usize {
        let mut batch = Vec::new();
        while let Some(index) = self.ready.first() {
            self.ready.drop_first(self.slots[index as usize].link);
            batch.push(index);
        }
        shuffle(&mut batch);
        for &index in &batch {
            self.push(index);
        }
        batch.len()
    }

    /// Queues the slot unless its link is in use. Returns whether it is newly queued.
    fn queue(&mut self, index: u32) -> bool {
        let slot = &mut self.slots[index as usize];
        if slot.is_linked {
            if index == MAIN_SLOT {
                self.is_main_stale = false;
            }
            return false;
        }
        slot.is_linked = true;
        self.push(index);
        true
    }

    /// Puts the slot behind the queue. The caller has set `is_linked`.
    fn push(&mut self, index: u32) {
        if let Some(last) = self.ready.push(index) {
            self.slots[last as usize].link = index;
        }
    }

    /// Adds a free slot.
    #[cold]
    fn add(&mut self) -> Option<()> {
        let index = self.slots.len() as u32;
        if index >= self.limit {
            return None;
        }
        self.slots.push(Slot::new());
        self.first_free = index;
        Some(())
    }
}

impl<T> Slot<T> {
    const fn new() -> Self {
        Slot {
            tenant: None,
            link: 0,
            generation: 0,
            is_linked: false,
        }
    }
}

/// What comes out of the queue.
pub(crate) enum Ready<T> {
    Tenant {
        index: u32,
        generation: u16,
        tenant: T,
    },
    Main,
    /// The tenant left while it was queued, or the wake was for an earlier main future.
    Nobody,
}

#[cfg(test)]
mod tests {
    use super::*;

    impl<T> Slots<T> {
        /// A table with few slots, which a test can fill.
        pub(crate) fn with_limit(limit: u32) -> Self {
            Slots {
                limit,
                ..Slots::new()
            }
        }
    }

    fn insert<T>(slots: &mut Slots<T>, tenant: T) -> u32 {
        slots.insert(|_| tenant).expect("there is room")
    }

    fn polled(slots: &mut Slots<&'static str>) -> Vec<Option<&'static str>> {
        std::iter::from_fn(|| slots.next_ready())
            .map(|ready| match ready {
                Ready::Tenant { tenant, .. } => Some(tenant),
                Ready::Main | Ready::Nobody => None,
            })
            .collect()
    }

    #[test]
    fn a_slot_is_three_words() {
        assert_eq!(size_of::<Slot<std::rc::Rc<dyn std::any::Any>>>(), 24);
    }

    #[test]
    fn two_wakes_queue_a_slot_once() {
        let mut slots = Slots::new();
        let index = insert(&mut slots, "a");
        assert_eq!(polled(&mut slots), [Some("a")]);
        slots.wake(index, 0);
        slots.wake(index, 0);
        assert_eq!(polled(&mut slots), [Some("a")]);
    }

    #[test]
    fn a_key_of_the_last_tenant_does_not_wake_the_next() {
        let mut slots = Slots::new();
        let index = insert(&mut slots, "first");
        slots.next_ready();
        slots.remove(index);
        assert_eq!(insert(&mut slots, "second"), index);
        slots.next_ready();
        slots.wake(index, 0);
        assert_eq!(polled(&mut slots), []);
        slots.wake(index, 1);
        assert_eq!(polled(&mut slots), [Some("second")]);
    }

    #[test]
    fn a_slot_left_while_queued_is_free_once_its_turn_has_come() {
        let mut slots = Slots::new();
        let left = insert(&mut slots, "first");
        slots.remove(left);
        assert_ne!(insert(&mut slots, "second"), left);
        assert_eq!(polled(&mut slots), [None, Some("second")]);
        assert_eq!(insert(&mut slots, "third"), left);
        assert_eq!(polled(&mut slots), [Some("third")]);
    }

    /// A wake from another thread can name a free slot: only the slot's number comes through the inbox.
    #[test]
    fn a_free_slot_that_is_woken_stays_free_and_in_its_place() {
        let mut slots = Slots::new();
        let names = ["a", "b", "c"];
        let indices = names.map(|name| insert(&mut slots, name));
        polled(&mut slots);
        for index in indices {
            slots.remove(index);
        }
        for index in indices {
            slots.wake_tenant(index);
            assert_eq!(polled(&mut slots), []);
        }
        let mut again = names.map(|name| insert(&mut slots, name));
        again.sort();
        assert_eq!(again, indices);
        assert_eq!(polled(&mut slots), names.map(Some));
    }

    #[test]
    fn a_free_slot_that_was_left_while_queued_is_not_woken_either() {
        let mut slots = Slots::new();
        let names = ["a", "b", "c"];
        let indices = names.map(|name| insert(&mut slots, name));
        for index in indices {
            slots.remove(index);
        }
        assert_eq!(polled(&mut slots), [None; 3]);
        slots.wake_tenant(indices[1]);
        let mut again = names.map(|name| insert(&mut slots, name));
        again.sort();
        assert_eq!(again, indices);
        assert_eq!(polled(&mut slots), names.map(Some));
    }

    #[test]
    fn the_main_future_is_woken_before_any_task_exists() {
        let mut slots = Slots::<&str>::new();
        slots.wake(MAIN_SLOT, 0);
        assert!(matches!(slots.next_ready(), Some(Ready::Main)));
        assert!(!slots.has_ready());
    }

    #[test]
    fn a_key_that_never_had_a_tenant_wakes_nobody_and_takes_no_slot() {
        let mut slots = Slots::new();
        insert(&mut slots, "first");
        for index in [2, 3, u32::MAX] {
            slots.wake_tenant(index);
            slots.wake(index, 0);
        }
        assert_eq!(polled(&mut slots), [Some("first")]);
        assert_eq!(
            ["second", "third"].map(|name| insert(&mut slots, name)),
            [2, 3]
        );
    }

    #[test]
    fn a_thousand_tenants_have_a_thousand_slots_and_none_is_slot_0() {
        let mut slots = Slots::new();
        let indices: Vec<u32> = (0..1000).map(|_| insert(&mut slots, "x")).collect();
        assert_eq!(indices, (1..=1000).collect::<Vec<_>>());
        assert_eq!((slots.len(), slots.tenants(0).count()), (1000, 1000));
    }

    #[test]
    fn another_order_loses_none() {
        let mut slots = Slots::new();
        for name in ["a", "b", "c"] {
            insert(&mut slots, name);
        }
        assert_eq!(slots.reorder(|batch| batch.reverse()), 3);
        assert_eq!(polled(&mut slots), [Some("c"), Some("b"), Some("a")]);
    }

    #[test]
    fn one_task_more_than_a_key_can_number_has_no_slot() {
        let mut slots = Slots::with_limit(8);
        for _ in 0..7 {
            insert(&mut slots, "x");
        }
        assert_eq!(slots.insert(|_| "y"), None);
        slots.next_ready();
        slots.remove(1);
        assert_eq!(slots.insert(|_| "z"), Some(1));
    }
}
