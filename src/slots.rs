//! The table of tasks, and who among them is ready.
//!
//! ```text
//!           0       1       2       3
//! slots  [ main | task  | free  | task  ]      a waker's key says: slot 3, generation 5
//!                 gen 2   gen 9   gen 5                                  │
//!                 queued                                                 ▼
//! ready  [ 1 ]  ─── wake(3) ──►  [ 1 | 3 ]     right tenant, not queued yet: queued now
//! ```
//!
//! A slot is small, three words, because a poll touches it and its neighbours' polls touch theirs:
//! what is only needed now and then lives with the task.
//!
//! Knows keys and the run queue, but not what a task is.

use crate::key::{MAIN_SLOT, SLOT_LIMIT};
use crate::run_queue::RunQueue;

/// The tenants of the slots, and the queue of those that asked for a poll.
///
/// A slot is in the queue exactly when its `queued` flag is set, whoever lives in it. Slot 0 has no
/// tenant: it stands for the main future, which is woken like a task but owned by whoever entered
/// the executor.
#[derive(Debug)]
pub(crate) struct Slots<T> {
    slots: Vec<Slot<T>>,
    ready: RunQueue,
    /// The free slot that was left last, as its cache lines are still warm; 0 for none.
    first_free: u32,
    occupied: u32,
    /// How many slots there may be; the tests of running out lower it.
    limit: u32,
}

#[derive(Debug)]
struct Slot<T> {
    tenant: Option<T>,
    /// In a free slot: the next one in the list of free slots; 0 ends it.
    next_free: u32,
    /// Counts the tenants, so that the keys of earlier ones are told from the present one's.
    generation: u16,
    queued: bool,
}

impl<T> Slots<T> {
    pub(crate) const fn new() -> Self {
        Slots {
            slots: Vec::new(),
            ready: RunQueue::new(),
            first_free: 0,
            occupied: 0,
            limit: SLOT_LIMIT,
        }
    }

    /// How many tenants there are.
    pub(crate) fn len(&self) -> u32 {
        self.occupied
    }

    /// How many tenants there is room for without growing.
    pub(crate) fn capacity(&self) -> usize {
        self.slots.len()
    }

    /// How many slots wait for a poll, that of the main future included.
    pub(crate) fn ready_len(&self) -> usize {
        self.ready.len()
    }

    /// Gives `tenant` a slot and queues it for its first poll.
    ///
    /// # Panics
    ///
    /// When every slot that a key can number is taken.
    pub(crate) fn insert(&mut self, make_tenant: impl FnOnce(u32) -> T) -> u32 {
        if self.first_free == 0 {
            self.grow();
        }
        let index = self.first_free;
        let slot = &mut self.slots[index as usize];
        debug_assert!(
            slot.tenant.is_none(),
            "the list of free slots holds free slots"
        );
        self.first_free = slot.next_free;
        slot.tenant = Some(make_tenant(index));
        self.occupied += 1;
        // The last tenant may have left while it was queued: then the slot has its place already.
        if !slot.queued {
            slot.queued = true;
            self.ready.push(index);
        }
        index
    }

    /// Empties a slot. Keys of the tenant that leaves are stale from now on.
    pub(crate) fn remove(&mut self, index: u32) -> Option<T> {
        let slot = self.slots.get_mut(index as usize)?;
        let tenant = slot.tenant.take()?;
        slot.generation = slot.generation.wrapping_add(1);
        slot.next_free = self.first_free;
        self.first_free = index;
        self.occupied -= 1;
        Some(tenant)
    }

    pub(crate) fn get(&self, index: u32) -> Option<&T> {
        self.slots.get(index as usize)?.tenant.as_ref()
    }

    /// The tenants, and whether each is queued.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&T, bool)> {
        self.slots
            .iter()
            .filter_map(|slot| Some((slot.tenant.as_ref()?, slot.queued)))
    }

    /// The first occupied slot at or after `index`.
    pub(crate) fn next_occupied(&self, index: u32) -> Option<u32> {
        let rest = self.slots.get(index as usize..)?;
        rest.iter()
            .position(|slot| slot.tenant.is_some())
            .map(|offset| index + offset as u32)
    }

    /// Queues the slot if its tenant is still the one that the key named.
    #[inline]
    pub(crate) fn wake(&mut self, index: u32, generation: u16) {
        match self.slots.get_mut(index as usize) {
            Some(slot) if slot.generation == generation && !slot.queued => {
                slot.queued = true;
                self.ready.push(index);
            }
            Some(_) => {}
            None => self.wake_first(index),
        }
    }

    /// Queues the slot whoever lives in it: the caller knows, or a spurious poll is all it costs.
    pub(crate) fn wake_tenant(&mut self, index: u32) {
        match self.slots.get(index as usize) {
            Some(slot) => self.wake(index, slot.generation),
            None => self.wake_first(index),
        }
    }

    /// Wakes the main future before anything was spawned: until then there is no table.
    #[cold]
    fn wake_first(&mut self, index: u32) {
        if index == MAIN_SLOT && self.slots.is_empty() {
            self.grow();
            self.wake_tenant(MAIN_SLOT);
        }
    }

    /// Takes the next slot out of the queue: from here on a wake queues it again.
    #[inline]
    pub(crate) fn next_ready(&mut self) -> Option<Ready<T>>
    where
        T: Clone,
    {
        let index = self.ready.pop()?;
        let slot = &mut self.slots[index as usize];
        slot.queued = false;
        Some(Ready {
            index,
            generation: slot.generation,
            tenant: slot.tenant.clone(),
        })
    }

    /// Lets the `n`th of those that wait be the next.
    pub(crate) fn bring_to_front(&mut self, n: usize) {
        self.ready.bring_to_front(n);
    }

    /// Doubles the table, and the queue with it.
    #[cold]
    fn grow(&mut self) {
        let old = self.slots.len();
        let new = (old * 2).clamp(4, self.limit as usize);
        assert!(
            new > old,
            "cannot spawn: {} tasks are alive in this executor, as many as a waker can number. \
             Something spawns faster than its tasks finish; await some of them before spawning more, \
             or let a TaskPool do that",
            self.occupied,
        );
        self.slots.reserve_exact(new - old);
        self.ready.reserve(new);
        // Linked from the back, so that the list hands out the lowest number first; slot 0 stays out.
        self.slots.extend((old..new).map(|index| Slot {
            tenant: None,
            next_free: if index + 1 < new { index as u32 + 1 } else { 0 },
            generation: 0,
            queued: false,
        }));
        self.first_free = old.max(1) as u32;
    }
}

/// A slot that has come out of the queue; it may have lost its tenant while it waited.
pub(crate) struct Ready<T> {
    pub(crate) index: u32,
    pub(crate) generation: u16,
    pub(crate) tenant: Option<T>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn polled(slots: &mut Slots<&'static str>) -> Vec<Option<&'static str>> {
        std::iter::from_fn(|| slots.next_ready())
            .map(|ready| ready.tenant)
            .collect()
    }

    #[test]
    fn a_slot_is_three_words() {
        assert_eq!(size_of::<Slot<std::rc::Rc<dyn std::any::Any>>>(), 24);
    }

    #[test]
    fn two_wakes_queue_a_slot_once() {
        let mut slots = Slots::new();
        let index = slots.insert(|_| "a");
        assert_eq!(polled(&mut slots), [Some("a")]);
        slots.wake(index, 0);
        slots.wake(index, 0);
        assert_eq!(polled(&mut slots), [Some("a")]);
    }

    #[test]
    fn a_key_of_the_last_tenant_does_not_wake_the_next() {
        let mut slots = Slots::new();
        let index = slots.insert(|_| "first");
        slots.next_ready();
        slots.remove(index);
        assert_eq!(slots.insert(|_| "second"), index);
        slots.next_ready();
        slots.wake(index, 0);
        assert_eq!(polled(&mut slots), []);
        slots.wake(index, 1);
        assert_eq!(polled(&mut slots), [Some("second")]);
    }

    #[test]
    fn a_slot_left_while_queued_is_not_queued_twice() {
        let mut slots = Slots::new();
        let index = slots.insert(|_| "first");
        slots.remove(index);
        slots.insert(|_| "second");
        assert_eq!(polled(&mut slots), [Some("second")]);
    }

    #[test]
    fn the_main_future_is_woken_before_any_task_exists() {
        let mut slots = Slots::<&str>::new();
        slots.wake(MAIN_SLOT, 0);
        assert_eq!(slots.next_ready().map(|ready| ready.index), Some(0));
    }

    #[test]
    fn a_thousand_tenants_have_a_thousand_slots_and_none_is_slot_0() {
        let mut slots = Slots::new();
        let mut indices: Vec<u32> = (0..1000).map(|_| slots.insert(|_| "x")).collect();
        indices.sort_unstable();
        indices.dedup();
        assert_eq!((indices.len(), indices[0], slots.len()), (1000, 1, 1000));
    }

    #[test]
    #[should_panic(expected = "7 tasks are alive in this executor, as many as a waker can number")]
    fn one_task_more_than_a_key_can_number_is_refused() {
        let mut slots = Slots::new();
        slots.limit = 8;
        for _ in 0..8 {
            slots.insert(|_| "x");
        }
    }
}
