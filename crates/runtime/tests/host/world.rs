//! A device, its network, its owner, and the servers: one thread, one clock, and time passes only when nothing else is
//! left to do.

use crate::air::Air;
use crate::clock;
use crate::gateway::Gateway;
use crate::link::Link;
use crate::machine::{Board, Camera, Machine};
use crate::random::seed;
use crate::wire::Wire;
use lenscast_device::settings::Settings;
use std::cell::Cell;
use std::time::Duration;

/// Longest step of the clock: servers may wait for timers of their own.
const STEP: u64 = 10_000;

/// Turns without anything to do before time passes. What a socket of this computer was given is at its other end at once;
/// the runtime sees it at its next turn, and the server answers in the one after that.
const QUIET: u32 = 3;

pub struct World {
    pub board: Board,
    pub machine: Machine,
    pub gateway: Gateway,
    /// How often the device was started.
    pub starts: u32,
}

/// Runs a test on one thread, whose servers have the clock of its device.
pub fn run(test: impl AsyncFnOnce()) {
    println!("LENSCAST_SEED={}", seed());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .event_interval(1)
        .build()
        .expect("a runtime");
    runtime.block_on(test());
}

impl World {
    /// A device with these settings, which starts now.
    pub fn new(settings: Settings, camera: Camera) -> Self {
        Self::with_seed(settings, camera, seed())
    }

    pub fn with_seed(settings: Settings, camera: Camera, seed: u64) -> Self {
        let link = Link::new(seed);
        let air = Air::new(link.clone());
        let gateway = Gateway::new(link.clone(), seed);
        let board = Board { seed, link, air, wire: Wire::new(seed), settings, camera, hung: Cell::new(0) };
        let machine = board.start("power on");
        Self { board, machine, gateway, starts: 1 }
    }

    /// Lets `time` pass.
    pub async fn pass(&mut self, time: Duration) {
        let end = clock::now() + time.as_micros() as u64;
        while clock::now() < end {
            self.step(end).await;
        }
    }

    /// Lets time pass until `wanted`.
    ///
    /// # Panics
    /// It does not come to that within `patience`.
    pub async fn until(&mut self, what: &str, patience: Duration, wanted: impl Fn(&Self) -> bool) {
        let end = clock::now() + patience.as_micros() as u64;
        while !wanted(self) {
            if clock::now() >= end {
                let printed = self.board.wire.printed();
                panic!("{what}: not within {patience:?}. Printed:\n{}", String::from_utf8_lossy(&printed));
            }
            self.step(end).await;
        }
    }

    /// Does all that there is to do, and lets time pass until there is more, `limit` at the latest.
    async fn step(&mut self, limit: u64) {
        let mut quiet = 0;
        while quiet < QUIET {
            let turned = self.machine.tasks.turn();
            let passed = self.gateway.poll();
            quiet = if turned || passed { 0 } else { quiet + 1 };
            tokio::task::yield_now().await;
        }
        if let Some(name) = self.machine.told.hung.get() {
            panic!("{name} hung");
        }
        if let Some(reason) = self.machine.told.restart.take() {
            self.board.air.set_on(true);
            self.machine = self.board.start(reason);
            self.starts += 1;
            return;
        }
        let soonest = [clock::next(), self.gateway.next()].into_iter().flatten().min().unwrap_or(u64::MAX);
        let at = soonest.max(clock::now() + 1).min(clock::now() + STEP).min(limit);
        tokio::time::advance(Duration::from_micros(at - clock::now())).await;
        clock::advance_to(at);
    }
}
