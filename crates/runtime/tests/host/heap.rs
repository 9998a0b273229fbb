//! How much heap a device takes: what its tasks allocate is counted, wherever it is freed.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

#[global_allocator]
static HEAP: Counting = Counting;

thread_local! {
    /// Whether a task of a device runs on this thread.
    static COUNTS: Cell<bool> = const { Cell::new(false) };
    /// Bytes that are allocated, and the most that ever were.
    static BYTES: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

/// Bytes before each piece that tell whether it is counted. As much as any alignment here asks for.
const HEADER: usize = 16;

impl Counting {
    fn with_header(layout: Layout) -> Option<Layout> {
        Layout::from_size_align(
            layout.size().checked_add(HEADER.max(layout.align()))?,
            layout.align().max(HEADER),
        )
        .ok()
    }
}

// SAFETY: memory comes from `System`, with a header of `HEADER` bytes, or of one alignment where that is more, before what
// is handed out: so that is aligned as asked for, and as large. What is freed came from `alloc` with the same layout.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some(whole) = Self::with_header(layout) else { return std::ptr::null_mut() };
        // SAFETY: the size is not zero, since the header is in it.
        let start = unsafe { System.alloc(whole) };
        if start.is_null() {
            return start;
        }
        let counts = COUNTS.try_with(Cell::get).unwrap_or(false);
        // SAFETY: there are at least `HEADER` bytes.
        unsafe { start.write(counts.into()) };
        if counts {
            BYTES.with(|bytes| {
                let now = bytes.get().0 + layout.size();
                bytes.set((now, bytes.get().1.max(now)));
            });
        }
        // SAFETY: the header ends within the piece.
        unsafe { start.add(HEADER.max(layout.align())) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        let whole = Self::with_header(layout).expect("it was allocated with this layout");
        // SAFETY: `alloc` handed out what follows the header.
        let start = unsafe { memory.sub(HEADER.max(layout.align())) };
        // SAFETY: `alloc` wrote it.
        if unsafe { start.read() } != 0 {
            // Another thread frees only what was given to it, and nothing of a device is.
            BYTES.with(|bytes| bytes.set((bytes.get().0.saturating_sub(layout.size()), bytes.get().1)));
        }
        // SAFETY: it came from `System` with this layout.
        unsafe { System.dealloc(start, whole) };
    }
}

/// Runs something whose allocations are the device's.
pub fn of_the_device<R>(body: impl FnOnce() -> R) -> R {
    let before = COUNTS.replace(true);
    let result = body();
    COUNTS.set(before);
    result
}

/// Runs something in a task of a device whose allocations are not the device's.
pub fn of_the_world<R>(body: impl FnOnce() -> R) -> R {
    let before = COUNTS.replace(false);
    let result = body();
    COUNTS.set(before);
    result
}

/// Bytes that devices of this thread have on the heap now, and the most that they ever had.
pub fn bytes() -> (usize, usize) {
    BYTES.get()
}
