//! Writing all of something.

use embassy_sync::blocking_mutex::raw::RawMutex;
use embassy_sync::pipe::Pipe;

/// Writes all of `bytes`, for which the caller saw the room.
///
/// [`Pipe::try_write`] stops at the end of the ring's memory, and returns how much it took. Of 100 bytes that begin 30
/// bytes before that end it takes 30; the next call takes the other 70.
///
/// # Panics
/// There is no room for all of them.
pub fn write_all<M: RawMutex, const N: usize>(pipe: &Pipe<M, N>, bytes: &[u8]) {
    let mut rest = bytes;
    while !rest.is_empty() {
        let count = pipe.try_write(rest).expect("the caller saw the room, and nobody else writes");
        rest = &rest[count..];
    }
}
