//! Counts the bytes that are allocated, while it is asked to.
//!
//! The rows about memory need to know; all others pay a look at a flag that never changes, a fraction of a
//! nanosecond an allocation, and the same for every peer.
//!
//! Knows the allocator of the system and a number.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicIsize, Ordering};

/// Set once, before there is a second thread, in the samples that ask for it.
static IS_COUNTING: AtomicBool = AtomicBool::new(false);

/// What has been allocated and not freed since the counting began.
static BYTES: AtomicIsize = AtomicIsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

struct Counting;

/// How many bytes more are allocated after `f` than before.
pub fn bytes_kept_by(f: impl FnOnce()) -> isize {
    IS_COUNTING.store(true, Ordering::Relaxed);
    let before = BYTES.load(Ordering::Relaxed);
    f();
    BYTES.load(Ordering::Relaxed) - before
}

fn count(bytes: isize) {
    if IS_COUNTING.load(Ordering::Relaxed) {
        BYTES.fetch_add(bytes, Ordering::Relaxed);
    }
}

// SAFETY: Every method hands on to `System`, which keeps the contract; counting touches no memory but its own.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: The caller keeps the contract of this very method.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: As above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: As above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count(new_size as isize - layout.size() as isize);
        // SAFETY: As above.
        unsafe { System.realloc(pointer, layout, new_size) }
    }
}
