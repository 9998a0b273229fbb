//! A pipe is written whole, wherever its memory ends.

use crate::random::{Random, seed};
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::pipe::Pipe;
use lenscast_runtime::pipe::write_all;

#[test]
fn all_of_a_portion_is_written_also_where_the_ring_ends() {
    let pipe = Pipe::<NoopRawMutex, 100>::new();
    let mut random = Random::new(seed());
    let (mut wrote, mut read) = (0u64, 0u64);
    for _ in 0..100_000 {
        let count = random.within(0..pipe.free_capacity() + 1);
        let bytes: Vec<u8> = (wrote..).take(count).map(|number| number as u8).collect();
        write_all(&pipe, &bytes);
        wrote += count as u64;
        let mut out = vec![0; random.within(1..101)];
        let count = pipe.try_read(&mut out).unwrap_or(0);
        for byte in &out[..count] {
            assert_eq!(*byte, read as u8, "byte {read}");
            read += 1;
        }
        assert_eq!(pipe.len() as u64, wrote - read);
    }
    assert!(read > 1_000_000);
}

#[test]
#[should_panic(expected = "the caller saw the room")]
fn who_did_not_look_for_room_is_told_at_once() {
    write_all(&Pipe::<NoopRawMutex, 10>::new(), &[0; 11]);
}
