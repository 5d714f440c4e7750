//! A hierarchical timer wheel: it finds which of many deadlines comes next, without sorting them.
//!
//! Read a deadline as eleven digits of base 64. Level 0 sorts by the last digit, level 1 by the one
//! before it, and so on. Compare a deadline with now, digit by digit from the left. The first
//! digit that differs decides: its place is the level, and its value is the slot. The digits after it
//! do not matter yet.
//!
//! ```text
//! now = 1·02·60
//!             slot   0   1   2   3   4  …  63
//! level 2          [ .   .   T   .   .  …   . ]   due at 2·07·31, known as 2·__·__
//! level 1          [ .   .   .   .   T  …   . ]   due at 1·04·00, known as 1·04·__
//! level 0          [ .   .   .   .   .  …   T ]   due at 1·02·63, known exactly
//! ```
//!
//! The rest follows from this rule. Every entry on a low level is due before any entry on a higher one. So
//! the first occupied slot of the first occupied level comes next, however much empty time is before it.
//! When time enters a coarse slot, the digit of the slot agrees with now, and its entries *cascade*: each
//! moves to a finer level, at most ten times in its life. Eleven digits hold every `u64`, so no deadline
//! is too far away. The very last tick never comes, and its entries wait apart from the rest.
//!
//! Time here is a count of ticks. Values go in, and expired values come out. Knows no clock, no task and no
//! waker.
//!
//! Lesson 11 of the course builds a small one.

use std::iter;

/// A base-64 digit is six bits of a deadline.
const DIGIT_BITS: usize = 6;
/// One slot for each value of a digit, so that one `u64` can say which of them are occupied.
const SLOTS: usize = 1 << DIGIT_BITS;
/// Enough digits for all 64 bits; the first digit has only four of them.
const LEVELS: usize = 11;
/// The slot after those of all levels. It holds what has the last tick as its deadline, which never comes.
const NEVER: usize = LEVELS * SLOTS;
/// How many slots there are. The links of the entries come after theirs.
const HEADS: usize = NEVER + 1;

/// The generation of an entry that is never used again; no key carries it.
const RETIRED: u32 = u32::MAX;

/// Values that wait for their deadlines.
///
/// Between two calls every entry is in the slot that [`slot_of`](Self::slot_of) names: time moves on
/// only when nothing due is left, and it enters a coarse slot only by emptying it. So the entries of
/// one deadline always share a slot. Each was put behind the others, so they stay in the order of
/// insertion.
pub(crate) struct Wheel<T> {
    now: u64,
    /// One word for each level and one for `NEVER`: a set bit means that the slot is not empty.
    occupied: [u64; LEVELS + 1],
    /// The entries of a slot form a ring, in which the slot itself stands before the first entry and after the last one. So
    /// no list has an end that is a special case. First come the links of the slots, level by level, then `NEVER`, and
    /// behind them those of the entries. Empty until the first insert.
    links: Vec<Link>,
    entries: Vec<Entry<T>>,
    /// The entries without a value that may be used again.
    free: Vec<u32>,
}

/// Names one entry for as long as it is in the wheel; afterwards the key is *stale* for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EntryKey {
    index: u32,
    generation: u32,
}

/// The neighbours in a ring. Linked in both directions, so that neither appending nor cancelling needs a walk.
#[derive(Clone, Copy)]
struct Link {
    before: u32,
    after: u32,
}

struct Entry<T> {
    deadline: u64,
    value: Option<T>,
    /// How many values were here before. It distinguishes a key from earlier ones.
    generation: u32,
}

impl<T> Wheel<T> {
    /// A wheel at tick 0; it allocates nothing until the first insert.
    pub(crate) const fn new() -> Self {
        Wheel {
            now: 0,
            occupied: [0; LEVELS + 1],
            links: Vec::new(),
            entries: Vec::new(),
            free: Vec::new(),
        }
    }

    /// Adds a value that expires at the tick `deadline`; at `u64::MAX`, never.
    ///
    /// A deadline that is not after [`now`](Self::now) is due at once, behind all others that are due now. Constant time.
    ///
    /// # Panics
    ///
    /// If some four billion entries are in use. Entries that `remove` has retired count.
    pub(crate) fn insert(&mut self, deadline: u64, value: T) -> EntryKey {
        let index = self.free.pop().unwrap_or_else(|| self.grow());
        let entry = &mut self.entries[index as usize];
        entry.deadline = deadline.max(self.now);
        entry.value = Some(value);
        let generation = entry.generation;
        self.link(index);
        EntryKey { index, generation }
    }

    /// Takes a value out before it expires; `None` if the key is stale.
    pub(crate) fn cancel(&mut self, key: EntryKey) -> Option<T> {
        self.entry_mut(key)?;
        Some(self.remove(key.index))
    }

    /// Gives a value another deadline, earlier or later; `false` if the key is stale.
    ///
    /// Among equal deadlines it now counts as the latest to come, even if its own did not change.
    pub(crate) fn reset(&mut self, key: EntryKey, deadline: u64) -> bool {
        let deadline = deadline.max(self.now);
        let Some(entry) = self.entry_mut(key) else {
            return false;
        };
        entry.deadline = deadline;
        self.unlink(key.index);
        self.link(key.index);
        true
    }

    /// The value that waits under this key; `None` if the key is stale.
    pub(crate) fn get(&mut self, key: EntryKey) -> Option<&T> {
        self.entry_mut(key)?.value.as_ref()
    }

    /// Advances towards `now` and hands out the next value that is due there.
    ///
    /// Values come in the order of their deadlines, equal deadlines in the order of insertion. Time
    /// stops at the deadline of the value handed out. So what the caller inserts or cancels
    /// before the next call takes its place in that order. `None` means that all due values are
    /// out, and the wheel is at `now`. A `now` before the wheel's own changes nothing.
    pub(crate) fn pop_expired(&mut self, now: u64) -> Option<T> {
        // The last tick never comes.
        let now = now.min(u64::MAX - 1).max(self.now);
        while let Some((slot, start)) = self.first_occupied().filter(|&(_, start)| start <= now) {
            if slot < SLOTS {
                self.now = start;
                return self.first_of(slot).map(|index| self.remove(index));
            }
            self.cascade(slot, now);
        }
        self.now = now;
        None
    }

    /// The next tick at which the caller should call [`pop_expired`](Self::pop_expired); `None` if
    /// nothing will ever expire.
    ///
    /// Never later than the earliest deadline, and equal to it if that deadline is due already or on
    /// level 0. Otherwise this may be the start of the coarse slot in which it waits:
    /// `pop_expired` at that tick may yield nothing, but it moves the entry down at least one level,
    /// so the eleventh such tick at the latest is the deadline. Always after [`now`](Self::now)
    /// unless something is due already.
    pub(crate) fn next_event(&self) -> Option<u64> {
        self.first_occupied().map(|(_, start)| start)
    }

    /// The earliest deadline; `None` if nothing will ever expire. Looks at all entries that share a coarse slot
    /// with it.
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        let (slot, start) = self.first_occupied()?;
        match slot < SLOTS {
            true => Some(start),
            false => self.earliest_of(slot),
        }
    }

    /// All that wait, in no order, with their deadlines.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, &T)> {
        let entries = self.entries.iter();
        entries.filter_map(|entry| Some((entry.deadline, entry.value.as_ref()?)))
    }

    /// Takes all values out.
    pub(crate) fn into_values(self) -> impl Iterator<Item = T> {
        self.entries.into_iter().filter_map(|entry| entry.value)
    }

    pub(crate) fn is_empty(&self) -> bool {
        // What has no value is free. (But for the retired: then this is `false`, which only costs a look.)
        self.entries.len() == self.free.len()
    }

    /// The slot whose entries come before all others, and its first tick.
    fn first_occupied(&self) -> Option<(usize, u64)> {
        let mut levels = self.occupied[..LEVELS].iter();
        let level = levels.position(|&slots| slots != 0)?;
        let digit = self.occupied[level].trailing_zeros() as usize;
        let shift = level * DIGIT_BITS;
        let digits_of_now = (self.now >> shift) & !(SLOTS as u64 - 1);
        let start = (digits_of_now | digit as u64) << shift;
        Some((level * SLOTS + digit, start))
    }

    /// Where an entry with this deadline belongs while the wheel is at `now`.
    fn slot_of(&self, deadline: u64) -> usize {
        if deadline == u64::MAX {
            return NEVER;
        }
        // `ilog2` needs a bit that is set; the lowest does not change the digit.
        let highest_difference = ((deadline ^ self.now) | 1).ilog2() as usize;
        let level = highest_difference / DIGIT_BITS;
        let digit = (deadline >> (level * DIGIT_BITS)) as usize % SLOTS;
        level * SLOTS + digit
    }

    /// Lets time enter a coarse slot, and moves its entries to finer levels.
    ///
    /// Time goes straight to the slot's earliest deadline, if that is not after `limit`. Then that
    /// entry reaches level 0 in one step, and an entry alone in its slot skips the levels between.
    fn cascade(&mut self, slot: usize, limit: u64) {
        self.now = self.earliest_of(slot).map_or(limit, |tick| tick.min(limit));
        while let Some(index) = self.first_of(slot) {
            self.unlink(index);
            self.link(index);
        }
    }

    fn first_of(&self, slot: usize) -> Option<u32> {
        self.entry_at(self.links[slot].after)
    }

    /// The entry with this link; `None` if it is that of a slot.
    fn entry_at(&self, link: u32) -> Option<u32> {
        link.checked_sub(HEADS as u32)
    }

    /// The earliest deadline of the entries in a slot.
    fn earliest_of(&self, slot: usize) -> Option<u64> {
        let behind = |&index: &u32| self.entry_at(self.links[HEADS + index as usize].after);
        let indices = iter::successors(self.first_of(slot), behind);
        let deadlines = indices.map(|index| self.entries[index as usize].deadline);
        deadlines.min()
    }

    /// Finds the entry, unless the key is stale.
    fn entry_mut(&mut self, key: EntryKey) -> Option<&mut Entry<T>> {
        let entry = self.entries.get_mut(key.index as usize)?;
        (entry.generation == key.generation).then_some(entry)
    }

    /// Makes a new entry, because no used one is free.
    #[cold]
    fn grow(&mut self) -> u32 {
        let ring = |before: u32| Link {
            before,
            after: before,
        };
        if self.links.is_empty() {
            self.links = (0..HEADS as u32).map(ring).collect();
        }
        let place = self.links.len();
        assert!(
            place < u32::MAX as usize,
            "cannot add a timer: four billion of them are in use already; \
             does something keep adding timers that it neither awaits nor drops?"
        );
        self.links.push(ring(place as u32));
        self.entries.push(Entry {
            deadline: 0,
            value: None,
            generation: 0,
        });
        (place - HEADS) as u32
    }

    /// Takes the value out, and makes every key to this entry stale.
    fn remove(&mut self, index: u32) -> T {
        self.unlink(index);
        let entry = &mut self.entries[index as usize];
        entry.generation += 1;
        // An entry whose generations are used up is never used again: an old key could fit a new
        // timer. That costs 40 bytes after four billion timers.
        if entry.generation != RETIRED {
            self.free.push(index);
        }
        (entry.value.take()).expect("bug in candor: a linked timer entry has no value")
    }

    /// Puts an entry into the slot where it belongs, behind all others of the same deadline.
    fn link(&mut self, index: u32) {
        let slot = self.slot_of(self.entries[index as usize].deadline);
        let place = HEADS as u32 + index;
        let last = self.links[slot].before;
        self.links[place as usize] = Link {
            before: last,
            after: slot as u32,
        };
        self.links[last as usize].after = place;
        self.links[slot].before = place;
        self.occupied[slot / SLOTS] |= 1 << (slot % SLOTS);
    }

    /// Takes an entry out of the ring of its slot. The entry itself is unchanged.
    fn unlink(&mut self, index: u32) {
        let Link { before, after } = self.links[HEADS + index as usize];
        self.links[before as usize].after = after;
        self.links[after as usize].before = before;
        if before == after {
            // Only the slot itself is left in the ring.
            let slot = before as usize;
            self.occupied[slot / SLOTS] &= !(1 << (slot % SLOTS));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_with_a_waker_is_well_below_a_cache_line() {
        assert_eq!(size_of::<Entry<std::task::Waker>>() + size_of::<Link>(), 40);
    }

    impl<T> Wheel<T> {
        /// How many values wait, due ones included.
        pub(crate) fn len(&self) -> usize {
            self.entries
                .iter()
                .filter(|entry| entry.value.is_some())
                .count()
        }

        /// The tick up to which time has passed; everything due before it is out.
        pub(crate) fn now(&self) -> u64 {
            self.now
        }
    }

    /// All that comes out when the caller follows `next_event`, as (tick of the call, result).
    fn trace(wheel: &mut Wheel<&'static str>) -> Vec<(u64, Option<&'static str>)> {
        let mut trace = Vec::new();
        while let Some(tick) = wheel.next_event() {
            trace.push((tick, wheel.pop_expired(tick)));
        }
        trace
    }

    #[test]
    fn the_last_tick_of_a_level_is_exact_and_the_one_after_it_waits_on_the_next_level() {
        let mut wheel = Wheel::new();
        wheel.insert(64, "first of level 1");
        wheel.insert(63, "last of level 0");
        wheel.insert(4096 + 65, "on level 2");
        assert_eq!(
            trace(&mut wheel),
            [
                (63, Some("last of level 0")),
                (64, Some("first of level 1")),
                (4096, None),
                (4096 + 64, None),
                (4096 + 65, Some("on level 2")),
            ]
        );
    }

    #[test]
    fn equal_deadlines_keep_their_order_when_only_the_older_one_cascades() {
        let mut wheel = Wheel::new();
        wheel.insert(5000, "inserted far away");
        assert_eq!(wheel.pop_expired(4999), None);
        wheel.insert(5000, "inserted one tick before");
        assert_eq!(wheel.pop_expired(5000), Some("inserted far away"));
        assert_eq!(wheel.pop_expired(5000), Some("inserted one tick before"));
    }

    #[test]
    fn an_entry_whose_generations_are_used_up_is_not_used_again() {
        let mut wheel = Wheel::new();
        let first = wheel.insert(1, "fills entry 0");
        wheel.cancel(first);
        wheel.entries[0].generation = RETIRED - 1;
        let last = wheel.insert(1, "the last one in entry 0");
        assert_eq!(
            last,
            EntryKey {
                index: 0,
                generation: RETIRED - 1
            }
        );
        assert_eq!(wheel.cancel(last), Some("the last one in entry 0"));
        assert_eq!(wheel.insert(1, "elsewhere").index, 1);
        assert_eq!(wheel.cancel(last), None);
    }
}

#[cfg(test)]
#[path = "../../../tests/inside/wheel_model.rs"]
mod model;
