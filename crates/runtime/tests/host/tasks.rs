//! An executor that a test turns by hand.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Wake, Waker};

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct Task {
    future: Pin<Box<dyn Future<Output = ()>>>,
    woken: Arc<Woken>,
}

/// Tasks of one device.
#[derive(Default)]
pub struct Tasks(Vec<Task>);

impl Tasks {
    pub fn spawn(&mut self, future: impl Future<Output = ()> + 'static) {
        self.0.push(Task { future: Box::pin(future), woken: Arc::new(Woken(AtomicBool::new(true))) });
    }

    /// Gives each task that was woken one turn. Returns whether there was one.
    pub fn turn(&mut self) -> bool {
        let mut turned = false;
        self.0.retain_mut(|task| {
            if !task.woken.0.swap(false, Ordering::Relaxed) {
                return true;
            }
            turned = true;
            let waker = Waker::from(task.woken.clone());
            crate::heap::of_the_device(|| {
                task.future.as_mut().poll(&mut Context::from_waker(&waker)).is_pending()
            })
        });
        turned
    }
}
