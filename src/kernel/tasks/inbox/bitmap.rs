//! One bit for each slot, in chunks that are added when they are needed and never move.
//!
//! ```text
//! chunk     0         1         2             3
//! slots  [0..1024) [..2048) [..4096)       [..8192)       …  23 chunks hold all of u32
//! ```
//!
//! Each chunk is as large as all chunks before it. So the top bit of a slot names its chunk, and the bits below are the
//! place in it. Nothing moves, so no thread needs a lock to reach its bit, however many slots other threads add meanwhile.
//!
//! Knows nothing of what a bit means.

use std::sync::OnceLock;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::kernel::tasks::inbox::std_or_loom::AtomicU64;

/// The size of chunk 0, in slots: two cache lines.
const FIRST: u32 = 1024;
const CHUNKS: usize = (u32::BITS - FIRST.ilog2() + 1) as usize;

/// A set of slots that any thread may add to.
pub(super) struct Bitmap {
    chunks: [OnceLock<Box<[AtomicU64]>>; CHUNKS],
}

impl Bitmap {
    pub(super) fn new() -> Bitmap {
        Bitmap {
            chunks: [const { OnceLock::new() }; CHUNKS],
        }
    }

    /// Adds the slot, and returns whether it was missing.
    pub(super) fn insert(&self, slot: u32) -> bool {
        let (word, bit) = self.place_of(slot);
        // Release: the thread that removes the slot must see what was written before, whether or
        // not this call was the one that added the slot.
        word.fetch_or(bit, Release) & bit == 0
    }

    /// Removes the slot, and sees what was written before each `insert` since the last removal.
    pub(super) fn remove(&self, slot: u32) {
        let (word, bit) = self.place_of(slot);
        // Acquire: the other half of `insert`. Only read-modify-writes change a word. So each one
        // continues the release sequence of those before it, and one acquire synchronizes with all.
        word.fetch_and(!bit, Acquire);
    }

    /// Whether the slot is in it. Says nothing of what was written before.
    pub(super) fn contains(&self, slot: u32) -> bool {
        let (word, bit) = self.place_of(slot);
        word.load(Relaxed) & bit != 0
    }

    fn place_of(&self, slot: u32) -> (&AtomicU64, u64) {
        let chunk = (u32::BITS - (slot / FIRST).leading_zeros()) as usize;
        let start = first_slot_of(chunk);
        let words = match self.chunks[chunk].get() {
            Some(words) => words,
            None => self.grow(chunk),
        };
        let index = (slot - start) as usize;
        (&words[index / 64], 1 << (index % 64))
    }

    /// The chunk is made before it is offered, so that no thread waits while another one fills it with zeros.
    fn grow(&self, chunk: usize) -> &[AtomicU64] {
        let slots = first_slot_of(chunk).max(FIRST) as usize;
        let words = (0..slots / 64).map(|_| AtomicU64::new(0)).collect();
        self.chunks[chunk].get_or_init(|| words)
    }
}

/// The first slot of a chunk. Also the size of the chunk, except for chunk 0.
fn first_slot_of(chunk: usize) -> u32 {
    match chunk {
        0 => 0,
        chunk => FIRST << (chunk - 1),
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_missing_until_inserted_and_after_it_was_removed() {
        let bitmap = Bitmap::new();
        assert!(bitmap.insert(9));
        assert!(!bitmap.insert(9));
        bitmap.remove(9);
        assert!(bitmap.insert(9));
    }

    #[test]
    fn no_two_slots_around_the_chunk_borders_share_a_bit() {
        let bitmap = Bitmap::new();
        let borders = [0, 64, 1024, 2048, 4096, 65_536];
        for slot in borders
            .iter()
            .flat_map(|border| border - (*border).min(2)..border + 2)
        {
            assert!(bitmap.insert(slot), "slot {slot} was set by a neighbour");
        }
    }
}
