//! How memory that is no longer used goes back to the system.

/// Buffers from this size on, in bytes, are mappings of their own.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const MAPPED_FROM: i32 = 256 * 1024;

/// Makes every buffer of 256 KiB or more go back to the system when it is dropped. To be called once, when the program
/// starts.
///
/// glibc learns from the first large buffer that is dropped: from then on it takes buffers of up to 32 MiB from the
/// heaps of its threads, and a heap with a hole in it stays. After a camera of 3840×2160 had left, 105 MB were kept for
/// good; with this it is 4. It does nothing with another C library.
#[cfg_attr(
    all(target_os = "linux", target_env = "gnu"),
    expect(unsafe_code, reason = "how memory is given back is set by a function of C alone")
)]
pub fn give_large_buffers_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // SAFETY: mallopt takes two numbers by value, and may be called at any time; it is locked against other threads.
        let is_set = unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, MAPPED_FROM) };
        debug_assert_eq!(is_set, 1, "256 KiB is a threshold that glibc takes");
    }
}

/// Gives the system back what is free in the heaps, also between buffers that are in use. Takes some milliseconds, in which
/// other threads may wait for memory. It does nothing with another C library than glibc.
#[cfg_attr(
    all(target_os = "linux", target_env = "gnu"),
    expect(unsafe_code, reason = "a function of C alone gives back what lies between buffers")
)]
pub fn give_holes_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        // SAFETY: malloc_trim takes a number by value, touches no buffer that is in use, and is locked against other
        // threads. Whether there was something to give back does not matter here.
        unsafe { libc::malloc_trim(0) };
    }
}
