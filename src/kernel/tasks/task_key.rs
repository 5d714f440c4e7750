//! What the 64 bits of a waker mean.
//!
//! A waker has to be `Send + Sync`. Tasks here are neither, so a waker holds no pointer to its task.
//! It holds a number that says where the task is:
//!
//! ```text
//! 63          48 47          32 31                        0
//! ┌─────────────┬─────────────┬───────────────────────────┐
//! │  executor   │ generation  │           slot            │
//! └─────────────┴─────────────┴───────────────────────────┘
//!  whose inbox    which tenant     where in its table
//! ```
//!
//! A number cannot dangle. When the task is gone and its slot has a new tenant, the generation distinguishes the
//! two. When the 16 bits of the generation have wrapped, the wrong task may get one poll more than it needs. Every
//! future has to accept spurious polls anyway.
//!
//! Knows nothing of candor.
//!
//! Lesson 6 of the course builds a small one.

/// The slot of the main future, the argument of `block_on` and similar functions. It never holds a task.
pub(crate) const MAIN_SLOT: u32 = 0;

/// How many slots there may be. The two numbers above stand for something else.
pub(crate) const SLOT_LIMIT: u32 = u32::MAX - 1;

/// Names one task of one executor, as long as that task lives.
///
/// Stored as the number that a waker carries, because it is copied more often than it is taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key(pub(crate) u64);

impl Key {
    /// Names no task.
    pub(crate) const NOBODY: Key = Key(u64::MAX);

    pub(crate) const fn new(executor: u16, generation: u16, slot: u32) -> Key {
        Key((executor as u64) << 48 | (generation as u64) << 32 | slot as u64)
    }

    pub(crate) const fn executor(self) -> u16 {
        (self.0 >> 48) as u16
    }

    pub(crate) const fn generation(self) -> u16 {
        (self.0 >> 32) as u16
    }

    pub(crate) const fn slot(self) -> u32 {
        self.0 as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_survives_the_way_through_64_bits() {
        let parts = [
            (0, 0, MAIN_SLOT),
            (u16::MAX, 0, 1),
            (1, u16::MAX, SLOT_LIMIT),
            (0x1234, 0x5678, 0x9abc_def0),
        ];
        for (executor, generation, slot) in parts {
            let key = Key(Key::new(executor, generation, slot).0);
            assert_eq!(
                (key.executor(), key.generation(), key.slot()),
                (executor, generation, slot)
            );
            assert_ne!(key, Key::NOBODY);
        }
    }
}
