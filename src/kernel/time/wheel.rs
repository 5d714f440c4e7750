//! A hierarchical timer wheel: it finds which of many deadlines comes next, without sorting them.
//!
//! Read a deadline as eleven digits of base 64. Level 0 sorts by the last digit, level 1 by the one
//! before it, and so on. An entry waits on the level of the *first digit in which its deadline
//! differs from now*, in the slot which that digit numbers: the digits before it are those of now,
//! and the digits after it do not matter yet.
//!
//! ```text
//! now = 1·02·60
//!             slot   0   1   2   3   4  …  63
//! level 2          [ .   .   T   .   .  …   . ]   due at 2·07·31, known as 2·__·__
//! level 1          [ .   .   .   .   T  …   . ]   due at 1·04·00, known as 1·04·__
//! level 0          [ .   .   .   .   .  …   T ]   due at 1·02·63, known exactly
//! ```
//!
//! The rest follows from this rule. The place of an entry follows from `now` and its deadline. It is stored
//! only to make cancelling quick. Every entry on a low level is due before any entry on a higher one. So
//! the first occupied slot of the first occupied level comes next, however much empty time is before it.
//! When time enters a coarse slot, the digit of the slot agrees with now, and its entries *cascade*: each
//! moves to a finer level, at most ten times in its life. Eleven digits hold every `u64`, so no deadline
//! is too far away. The very last tick never comes, and its entries wait apart from the rest.
//!
//! Time here is a count of ticks. Values go in, and expired values come out. Knows no clock, no task and no
//! waker.

/// A base-64 digit is six bits of a deadline.
const DIGIT_BITS: usize = 6;
/// One slot for each value of a digit, so that one `u64` can say which of them are occupied.
const SLOTS: usize = 1 << DIGIT_BITS;
/// Enough digits for all 64 bits; the first digit has only four of them.
const LEVELS: usize = 11;
/// The slot after those of all levels. It holds what has the last tick as its deadline, which never comes.
const NEVER: usize = LEVELS * SLOTS;

/// Where a list of entries ends, since no entry has this index.
const NONE: u32 = u32::MAX;
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
    len: usize,
    /// One word for each level and one for `NEVER`: a set bit means that the slot is not empty.
    occupied: [u64; LEVELS + 1],
    /// Numbered level by level, then `NEVER`; empty until the first insert.
    slots: Vec<Slot>,
    entries: Vec<Entry<T>>,
    /// The first entry without a value that may be used again; `next` leads to the others.
    free: u32,
}

/// Names one entry for as long as it is in the wheel; afterwards the key is *stale* for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EntryKey {
    index: u32,
    generation: u32,
}

/// Both ends of a list that runs through the entries, so that appending needs no walk.
#[derive(Clone, Copy)]
struct Slot {
    first: u32,
    last: u32,
}

struct Entry<T> {
    deadline: u64,
    value: Option<T>,
    /// Linked in both directions, so that cancelling needs no walk.
    prev: u32,
    next: u32,
    /// How many values were here before. It distinguishes a key from earlier ones.
    generation: u32,
    /// The slot whose list it is in.
    slot: u16,
}

const _: () = assert!(
    size_of::<Entry<&str>>() == 40,
    "a value of two words, such as a waker, leaves an entry well below a cache line"
);

impl<T> Wheel<T> {
    /// A wheel at tick 0; it allocates nothing until the first insert.
    pub(crate) const fn new() -> Self {
        Wheel {
            now: 0,
            len: 0,
            occupied: [0; LEVELS + 1],
            slots: Vec::new(),
            entries: Vec::new(),
            free: NONE,
        }
    }

    /// Adds a value that expires at the tick `deadline`; at `u64::MAX`, never.
    ///
    /// A deadline that is not after [`now`](Self::now) is due at once, behind all others that are due now. Constant time.
    ///
    /// # Panics
    ///
    /// If 2³² - 1 entries are in use. Entries that `remove` has retired count.
    #[inline]
    pub(crate) fn insert(&mut self, deadline: u64, value: T) -> EntryKey {
        let deadline = deadline.max(self.now);
        let index = self.free;
        let key = if index != NONE {
            let entry = &mut self.entries[index as usize];
            self.free = entry.next;
            entry.deadline = deadline;
            entry.value = Some(value);
            EntryKey {
                index,
                generation: entry.generation,
            }
        } else {
            self.grow(deadline, value)
        };
        self.len += 1;
        self.link(key.index, deadline);
        key
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
        if self.entry_mut(key).is_none() {
            return false;
        }
        let deadline = deadline.max(self.now);
        self.unlink(key.index);
        self.entries[key.index as usize].deadline = deadline;
        self.link(key.index, deadline);
        true
    }

    /// The value that waits under this key; `None` if the key is stale.
    pub(crate) fn get_mut(&mut self, key: EntryKey) -> Option<&mut T> {
        self.entry_mut(key)?.value.as_mut()
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
                return Some(self.remove(self.slots[slot].first));
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
            false => Some(self.earliest_from(self.slots[slot].first)),
        }
    }

    /// Takes all values out.
    pub(crate) fn into_values(self) -> impl Iterator<Item = T> {
        self.entries.into_iter().filter_map(|entry| entry.value)
    }

    /// How many values wait, due ones included.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The tick up to which time has passed; everything due before it is out.
    #[cfg(test)]
    pub(crate) fn now(&self) -> u64 {
        self.now
    }

    /// The slot whose entries come before all others, and its first tick.
    fn first_occupied(&self) -> Option<(usize, u64)> {
        let level = self.occupied[..LEVELS]
            .iter()
            .position(|&slots| slots != 0)?;
        let digit = self.occupied[level].trailing_zeros() as usize;
        let shift = level * DIGIT_BITS;
        let digits_of_now = (self.now >> shift) & !(SLOTS as u64 - 1);
        Some((
            level * SLOTS + digit,
            (digits_of_now | digit as u64) << shift,
        ))
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
        let first = std::mem::replace(&mut self.slots[slot], Slot::EMPTY).first;
        self.occupied[slot / SLOTS] &= !(1 << (slot % SLOTS));

        self.now = limit.min(self.earliest_from(first));
        let mut index = first;
        while index != NONE {
            let Entry { deadline, next, .. } = self.entries[index as usize];
            self.link(index, deadline);
            index = next;
        }
    }

    /// The earliest deadline of an entry and those behind it in its list.
    fn earliest_from(&self, first: u32) -> u64 {
        let mut earliest = u64::MAX;
        let mut index = first;
        while index != NONE {
            let entry = &self.entries[index as usize];
            earliest = earliest.min(entry.deadline);
            index = entry.next;
        }
        earliest
    }

    /// Finds the entry, unless the key is stale.
    fn entry_mut(&mut self, key: EntryKey) -> Option<&mut Entry<T>> {
        let entry = self.entries.get_mut(key.index as usize)?;
        (entry.generation == key.generation).then_some(entry)
    }

    /// Makes a new entry, because no used one is free.
    #[cold]
    fn grow(&mut self, deadline: u64, value: T) -> EntryKey {
        if self.slots.is_empty() {
            self.slots = vec![Slot::EMPTY; NEVER + 1];
        }
        let index = self.entries.len();
        assert!(
            index < NONE as usize,
            "cannot add a timer: 2^32 - 1 of them are in use already; \
             does something keep adding timers that it neither awaits nor drops?"
        );
        self.entries.push(Entry {
            deadline,
            value: Some(value),
            prev: NONE,
            next: NONE,
            generation: 0,
            slot: 0,
        });
        EntryKey {
            index: index as u32,
            generation: 0,
        }
    }

    /// Takes the value out, and makes every key to this entry stale.
    fn remove(&mut self, index: u32) -> T {
        self.unlink(index);
        self.len -= 1;
        let entry = &mut self.entries[index as usize];
        entry.generation += 1;
        // An entry whose generations are used up is never used again: an old key could fit a new
        // timer. That costs 40 bytes after four billion timers.
        if entry.generation != RETIRED {
            entry.next = self.free;
            self.free = index;
        }
        entry
            .value
            .take()
            .expect("bug in candor: a linked timer entry has no value")
    }

    /// Puts an entry into the slot where it belongs, behind all others of the same deadline.
    fn link(&mut self, index: u32, deadline: u64) {
        let slot = self.slot_of(deadline);
        let prev = self.slots[slot].last;
        self.set_next(slot, prev, index);
        self.slots[slot].last = index;
        let entry = &mut self.entries[index as usize];
        entry.prev = prev;
        entry.next = NONE;
        entry.slot = slot as u16;
        self.occupied[slot / SLOTS] |= 1 << (slot % SLOTS);
    }

    /// Takes an entry out of the list of its slot. The entry itself is unchanged.
    fn unlink(&mut self, index: u32) {
        let entry = &self.entries[index as usize];
        let (prev, next, slot) = (entry.prev, entry.next, usize::from(entry.slot));
        self.set_next(slot, prev, next);
        self.set_prev(slot, next, prev);
        if prev == NONE && next == NONE {
            self.occupied[slot / SLOTS] &= !(1 << (slot % SLOTS));
        }
    }

    /// Sets what follows after `prev`, or what is first in the slot if nothing is before it.
    fn set_next(&mut self, slot: usize, prev: u32, next: u32) {
        match prev {
            NONE => self.slots[slot].first = next,
            _ => self.entries[prev as usize].next = next,
        }
    }

    /// Sets what comes before `next`, or what is last in the slot if nothing is after it.
    fn set_prev(&mut self, slot: usize, next: u32, prev: u32) {
        match next {
            NONE => self.slots[slot].last = prev,
            _ => self.entries[next as usize].prev = prev,
        }
    }
}

impl<T> Default for Wheel<T> {
    fn default() -> Self {
        Wheel::new()
    }
}

impl Slot {
    const EMPTY: Slot = Slot {
        first: NONE,
        last: NONE,
    };
}

#[cfg(test)]
mod tests {
    use super::*;

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
