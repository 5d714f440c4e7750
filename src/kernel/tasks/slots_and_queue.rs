//! The table of tasks, and the run queue: which of them are ready.
//!
//! ```text
//!           0       1       2       3
//! slots  [ main | task  | free  | task  ]      a waker's key says: slot 3, generation 5
//!                 gen 2   gen 9   gen 5                                  │
//!                 queued                                                 ▼
//! queue    first: 1  ─── wake(3) ──►  first: 1 ──link──► 3       right tenant, not queued yet: queued now
//! ```
//!
//! The run queue is a list that runs through the slots themselves: each has a link to the one behind it. So the queue needs
//! no memory of its own and cannot overflow. A poll has to load the slot for its task anyway, and finds the link there. A slot is
//! small, three words, because every poll touches one. What is needed less often is stored in the task.
//!
//! Each method borrows the table for itself, and calls no user code meanwhile. It returns tasks as counted pointers. So it is the
//! caller that drops a task, when the table is no longer borrowed.
//!
//! Knows keys, but not what a task is.
//!
//! Lesson 5 of the course builds a small run queue.

use std::cell::RefCell;
use std::mem;

use crate::kernel::tasks::{MAIN_SLOT, SLOT_LIMIT};

/// No slot has this number.
const NONE: u32 = u32::MAX;

/// The tenants of the slots, and the queue of those that were woken.
///
/// Slot 0 has no tenant. It stands for the main future, which is woken like a task but owned by the code that entered the
/// executor.
pub(crate) struct Slots<T>(RefCell<Table<T>>);

/// A slot is in the queue or in the list of free slots exactly when its link is in use. So it is queued at most
/// once, however often it is woken.
struct Table<T> {
    slots: Vec<Slot<T>>,
    /// The oldest slot in the queue; [`NONE`] if it is empty.
    first: u32,
    /// The newest slot in the queue, whose link means nothing. Means nothing while the queue is empty.
    last: u32,
    /// The slot that became free last, because its cache lines are still warm; 0 for none.
    first_free: u32,
    occupied: u32,
    /// How many slots there may be. Tests lower it.
    limit: u32,
    /// The main slot is queued because of an earlier main future; `true` if the present one was woken since.
    stale_main: Option<bool>,
}

struct Slot<T> {
    tenant: Option<T>,
    /// To the next slot in the run queue, or in the list of free slots; no slot is in both.
    link: u32,
    /// Counts the tenants, so that the keys of earlier tenants differ from the key of the present one.
    generation: u16,
    /// If the link is in use, the slot is not queued: it is queued already, or it is free. A stale wake may name a
    /// free slot, and to queue it would take its neighbours out of the list of free slots.
    link_is: Link,
}

/// What a slot's link is used for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Link {
    Unused,
    Used,
    /// It was in the queue when that was last reordered.
    Ordered,
}

impl<T: Clone> Slots<T> {
    pub(crate) fn new() -> Self {
        let mut table = Table {
            slots: Vec::new(),
            first: NONE,
            last: NONE,
            first_free: 0,
            occupied: 0,
            limit: SLOT_LIMIT,
            stale_main: None,
        };
        table.add();
        Slots(RefCell::new(table))
    }

    /// How many tenants there are.
    pub(crate) fn len(&self) -> u32 {
        self.0.borrow().occupied
    }

    /// How many slots were ever used.
    pub(crate) fn used(&self) -> usize {
        self.0.borrow().slots.len()
    }

    /// Whether this slot waits for a poll; also of one that is free, and cannot be woken.
    pub(crate) fn is_queued(&self, index: u32) -> bool {
        (self.0.borrow().slots.get(index as usize)).is_some_and(|slot| slot.link_is != Link::Unused)
    }

    /// The generation of the present tenant of a slot.
    pub(crate) fn generation(&self, index: u32) -> u16 {
        self.0.borrow().slots[index as usize].generation
    }

    /// Whether any slot waits for a poll, that of the main future included.
    pub(crate) fn has_ready(&self) -> bool {
        self.0.borrow().first != NONE
    }

    /// Whether what is polled next is a task that is still there.
    pub(crate) fn is_task_next(&self) -> bool {
        let table = self.0.borrow();
        (table.slots.get(table.first as usize)).is_some_and(|slot| slot.tenant.is_some())
    }

    /// Gives a new tenant a slot, and queues it for its first poll. If every slot that a key can number is taken, returns
    /// `None` and makes no tenant.
    #[inline]
    pub(crate) fn insert(&self, tenant: impl FnOnce(u32) -> T) -> Option<u32> {
        let table = &mut *self.0.borrow_mut();
        if table.first_free == 0 {
            table.add()?;
        }
        let index = table.first_free;
        let slot = &mut table.slots[index as usize];
        table.first_free = slot.link;
        slot.tenant = Some(tenant(index));
        slot.link_is = Link::Used;
        table.occupied += 1;
        table.push(index);
        Some(index)
    }

    /// Empties a slot. Keys of the tenant that leaves are stale from now on.
    pub(crate) fn remove(&self, index: u32) -> Option<T> {
        let table = &mut *self.0.borrow_mut();
        let slot = table.slots.get_mut(index as usize)?;
        let tenant = slot.tenant.take()?;
        slot.generation = slot.generation.wrapping_add(1);
        table.occupied -= 1;
        // A slot that is still queued becomes free when its turn comes: it has only one link.
        if slot.link_is == Link::Unused {
            table.free(index);
        }
        Some(tenant)
    }

    /// The tenant of a slot. The panic hook may ask in the middle of a change, and finds nobody then.
    pub(crate) fn get(&self, index: u32) -> Option<T> {
        let table = self.0.try_borrow().ok()?;
        table.slots.get(index as usize)?.tenant.clone()
    }

    /// The first tenant at or after this slot, with its slot.
    pub(crate) fn first_from(&self, index: u32) -> Option<(u32, T)> {
        let table = self.0.borrow();
        let mut slots = (index..).zip(table.slots.iter().skip(index as usize));
        slots.find_map(|(index, slot)| Some((index, slot.tenant.clone()?)))
    }

    /// Queues the slot if its tenant is still the one that the key names. Returns whether it is newly queued.
    pub(crate) fn wake(&self, index: u32, generation: u16) -> bool {
        let table = &mut *self.0.borrow_mut();
        let slot = table.slots.get(index as usize);
        slot.is_some_and(|slot| slot.generation == generation) && table.queue(index)
    }

    /// Queues the slot whatever its tenant is. The caller knows the tenant, or accepts a spurious poll.
    pub(crate) fn wake_tenant(&self, index: u32) -> bool {
        let table = &mut *self.0.borrow_mut();
        (index as usize) < table.slots.len() && table.queue(index)
    }

    /// A main future begins. A wake of an earlier one must not poll this one, nor give it the earlier one's place.
    pub(crate) fn begin_main(&self) -> u16 {
        let table = &mut *self.0.borrow_mut();
        let main = &mut table.slots[MAIN_SLOT as usize];
        main.generation = main.generation.wrapping_add(1);
        table.stale_main = (main.link_is != Link::Unused).then_some(false);
        main.generation
    }

    /// Takes the next slot out of the queue. From here on a wake queues it again.
    #[inline]
    pub(crate) fn next_ready(&self) -> Option<Ready<T>> {
        let table = &mut *self.0.borrow_mut();
        let (index, slot) = table.pop()?;
        if let Some(tenant) = &slot.tenant {
            return Some(Ready::Tenant(tenant.clone(), index, slot.generation));
        }
        if index == MAIN_SLOT && table.stale_main.is_none() {
            return Some(Ready::Main);
        }
        table.pass_over(index);
        Some(Ready::Nobody)
    }

    /// Changes the order of what was queued since it was last changed, and returns the length of the queue. What is left of the last
    /// batch comes first: so nobody is passed over again and again.
    pub(crate) fn reorder(&self, shuffle: impl FnOnce(&mut [u32])) -> usize {
        let table = &mut *self.0.borrow_mut();
        let (mut batch, mut left) = (Vec::new(), 0);
        while let Some(first) = table.slots.get(table.first as usize) {
            left += usize::from(first.link_is == Link::Ordered);
            batch.extend(table.pop().map(|(index, _)| index));
        }
        shuffle(&mut batch[left..]);
        for &index in &batch {
            table.slots[index as usize].link_is = Link::Ordered;
            table.push(index);
        }
        batch.len()
    }
}

impl<T: Clone> Table<T> {
    /// Queues the slot unless its link is in use. Returns whether it is newly queued.
    fn queue(&mut self, index: u32) -> bool {
        let slot = &mut self.slots[index as usize];
        if slot.link_is != Link::Unused {
            if index == MAIN_SLOT {
                self.stale_main = self.stale_main.map(|_| true);
            }
            return false;
        }
        slot.link_is = Link::Used;
        self.push(index);
        true
    }

    /// Its tenant, or an earlier main future, left while it was queued.
    #[cold]
    fn pass_over(&mut self, index: u32) {
        if index != MAIN_SLOT {
            self.free(index);
        } else if self.stale_main.take() == Some(true) {
            // The present main future was woken since. Its place is behind all that is queued by now.
            self.queue(index);
        }
    }

    /// Puts the slot behind the queue. The caller has set `link_is`.
    fn push(&mut self, index: u32) {
        let last = mem::replace(&mut self.last, index);
        match self.first {
            NONE => self.first = index,
            _ => self.slots[last as usize].link = index,
        }
    }

    /// Takes the oldest slot out of the queue.
    fn pop(&mut self) -> Option<(u32, &mut Slot<T>)> {
        let index = self.first;
        // There is no slot `NONE`.
        let slot = self.slots.get_mut(index as usize)?;
        self.first = if index == self.last { NONE } else { slot.link };
        slot.link_is = Link::Unused;
        Some((index, slot))
    }

    /// Puts an empty slot into the list of free ones.
    fn free(&mut self, index: u32) {
        let slot = &mut self.slots[index as usize];
        slot.link_is = Link::Used;
        slot.link = mem::replace(&mut self.first_free, index);
    }

    /// Adds a free slot.
    #[cold]
    fn add(&mut self) -> Option<()> {
        let index = self.slots.len() as u32;
        if index >= self.limit {
            return None;
        }
        self.slots.push(Slot {
            tenant: None,
            link: 0,
            generation: 0,
            link_is: Link::Unused,
        });
        self.first_free = index;
        Some(())
    }
}

/// What comes out of the queue.
pub(crate) enum Ready<T> {
    /// With its slot and its generation.
    Tenant(T, u32, u16),
    Main,
    /// The tenant left while it was queued, or the wake was for an earlier main future.
    Nobody,
}

#[cfg(test)]
mod tests {
    use super::*;

    impl<T: Clone> Slots<T> {
        /// A table with few slots, which a test can fill.
        pub(crate) fn with_limit(limit: u32) -> Self {
            let slots = Slots::new();
            slots.0.borrow_mut().limit = limit;
            slots
        }
    }

    fn insert<T: Clone>(slots: &Slots<T>, tenant: T) -> u32 {
        slots.insert(|_| tenant).expect("there is room")
    }

    fn polled(slots: &Slots<&'static str>) -> Vec<Option<&'static str>> {
        std::iter::from_fn(|| slots.next_ready())
            .map(|ready| match ready {
                Ready::Tenant(tenant, ..) => Some(tenant),
                Ready::Main | Ready::Nobody => None,
            })
            .collect()
    }

    #[test]
    fn a_slot_is_three_words() {
        assert_eq!(size_of::<Slot<std::rc::Rc<dyn std::any::Any>>>(), 24);
    }

    #[test]
    fn what_is_woken_first_is_polled_first_and_may_come_back_at_once() {
        let slots = Slots::new();
        let names = ["a", "b", "c"];
        let indices = names.map(|name| insert(&slots, name));
        assert_eq!(polled(&slots), names.map(Some));
        for round in 0..3 {
            for at in [2, 0, 1] {
                slots.wake_tenant(indices[at]);
            }
            let first = slots.next_ready();
            assert!(matches!(first, Some(Ready::Tenant("c", ..))));
            slots.wake_tenant(indices[2]);
            let left = ["a", "b", "c"].map(Some);
            assert_eq!(polled(&slots), left, "in round {round}");
            assert!(!slots.has_ready());
        }
    }

    #[test]
    fn two_wakes_queue_a_slot_once() {
        let slots = Slots::new();
        let index = insert(&slots, "a");
        assert_eq!(polled(&slots), [Some("a")]);
        slots.wake(index, 0);
        slots.wake(index, 0);
        assert_eq!(polled(&slots), [Some("a")]);
    }

    #[test]
    fn a_key_of_the_last_tenant_does_not_wake_the_next() {
        let slots = Slots::new();
        let index = insert(&slots, "first");
        slots.next_ready();
        slots.remove(index);
        assert_eq!(insert(&slots, "second"), index);
        slots.next_ready();
        slots.wake(index, 0);
        assert_eq!(polled(&slots), []);
        slots.wake(index, 1);
        assert_eq!(polled(&slots), [Some("second")]);
    }

    #[test]
    fn a_slot_left_while_queued_is_free_once_its_turn_has_come() {
        let slots = Slots::new();
        let left = insert(&slots, "first");
        slots.remove(left);
        assert_ne!(insert(&slots, "second"), left);
        assert_eq!(polled(&slots), [None, Some("second")]);
        assert_eq!(insert(&slots, "third"), left);
        assert_eq!(polled(&slots), [Some("third")]);
    }

    /// A wake from another thread can name a free slot: only the slot's number comes through the inbox.
    #[test]
    fn a_free_slot_that_is_woken_stays_free_and_in_its_place() {
        let slots = Slots::new();
        let names = ["a", "b", "c"];
        let indices = names.map(|name| insert(&slots, name));
        polled(&slots);
        for index in indices {
            slots.remove(index);
        }
        for index in indices {
            slots.wake_tenant(index);
            assert_eq!(polled(&slots), []);
        }
        let mut again = names.map(|name| insert(&slots, name));
        again.sort();
        assert_eq!(again, indices);
        assert_eq!(polled(&slots), names.map(Some));
    }

    #[test]
    fn a_free_slot_that_was_left_while_queued_is_not_woken_either() {
        let slots = Slots::new();
        let names = ["a", "b", "c"];
        let indices = names.map(|name| insert(&slots, name));
        for index in indices {
            slots.remove(index);
        }
        assert_eq!(polled(&slots), [None; 3]);
        slots.wake_tenant(indices[1]);
        let mut again = names.map(|name| insert(&slots, name));
        again.sort();
        assert_eq!(again, indices);
        assert_eq!(polled(&slots), names.map(Some));
    }

    #[test]
    fn the_main_future_is_woken_before_any_task_exists() {
        let slots = Slots::<&str>::new();
        slots.wake(MAIN_SLOT, 0);
        assert!(matches!(slots.next_ready(), Some(Ready::Main)));
        assert!(!slots.has_ready());
    }

    #[test]
    fn a_key_that_never_had_a_tenant_wakes_nobody_and_takes_no_slot() {
        let slots = Slots::new();
        insert(&slots, "first");
        for index in [2, 3, u32::MAX] {
            slots.wake_tenant(index);
            slots.wake(index, 0);
        }
        assert_eq!(polled(&slots), [Some("first")]);
        assert_eq!(["second", "third"].map(|name| insert(&slots, name)), [2, 3]);
    }

    #[test]
    fn a_thousand_tenants_have_a_thousand_slots_and_none_is_slot_0() {
        let slots = Slots::new();
        let indices: Vec<u32> = (0..1000).map(|_| insert(&slots, "x")).collect();
        assert_eq!(indices, (1..=1000).collect::<Vec<_>>());
        let alive = std::iter::successors(slots.first_from(0), |last| slots.first_from(last.0 + 1));
        assert_eq!((slots.len(), alive.count()), (1000, 1000));
    }

    #[test]
    fn another_order_loses_none() {
        let slots = Slots::new();
        for name in ["a", "b", "c"] {
            insert(&slots, name);
        }
        assert_eq!(slots.reorder(|batch| batch.reverse()), 3);
        assert_eq!(polled(&slots), [Some("c"), Some("b"), Some("a")]);
    }

    #[test]
    fn one_task_more_than_a_key_can_number_has_no_slot() {
        let slots = Slots::with_limit(8);
        for _ in 0..7 {
            insert(&slots, "x");
        }
        assert_eq!(slots.insert(|_| "y"), None);
        slots.next_ready();
        slots.remove(1);
        assert_eq!(slots.insert(|_| "z"), Some(1));
    }
}
