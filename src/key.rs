//! What the 64 bits of a waker mean.
//!
//! A waker has to be `Send + Sync`, tasks here are neither, so a waker holds no pointer to its task.
//! It holds a number that says where to look:
//!
//! ```text
//! 63          48 47          32 31                        0
//! ┌─────────────┬─────────────┬───────────────────────────┐
//! │  executor   │ generation  │           slot            │
//! └─────────────┴─────────────┴───────────────────────────┘
//!  whose inbox    which tenant     where in its table
//! ```
//!
//! A number cannot dangle. When the task is gone and its slot has a new tenant, the generation tells
//! the two apart; when the 16 bits of the generation have wrapped, the wrong task is polled once more
//! than needed, which every future has to bear anyway.
//!
//! Knows nothing of candor.

/// The slot of the future that `block_on` and its kin are given. It never holds a task.
pub(crate) const MAIN_SLOT: u32 = 0;

/// How many slots there may be: the two numbers above them stand for something else.
pub(crate) const SLOT_LIMIT: u32 = u32::MAX - 1;

/// Names one task of one executor, for as long as that task lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) executor: u16,
    pub(crate) generation: u16,
    pub(crate) slot: u32,
}

impl Key {
    pub(crate) const fn to_bits(self) -> u64 {
        (self.executor as u64) << 48 | (self.generation as u64) << 32 | self.slot as u64
    }

    pub(crate) const fn from_bits(bits: u64) -> Key {
        Key {
            executor: (bits >> 48) as u16,
            generation: (bits >> 32) as u16,
            slot: bits as u32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_survives_the_way_through_64_bits() {
        for key in [
            Key {
                executor: 0,
                generation: 0,
                slot: MAIN_SLOT,
            },
            Key {
                executor: u16::MAX,
                generation: 0,
                slot: 1,
            },
            Key {
                executor: 1,
                generation: u16::MAX,
                slot: u32::MAX,
            },
        ] {
            assert_eq!(Key::from_bits(key.to_bits()), key);
        }
    }
}
