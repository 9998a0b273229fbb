//! The futures of `lenscast-runtime` as tasks of this chip. Nothing is decided here.

use crate::flash::Flash;
use crate::shared::{CHANNELS, Task, alive, spawn};
use crate::{board, restart, vitals};
use embassy_executor::Spawner;
use embassy_net::{Runner, Stack, StackResources};
use esp_radio::wifi::Interface;
use lenscast_device::Device;
use lenscast_device::device::Vitals;
use lenscast_device::settings::Change;
use lenscast_device::settings::store::{Store, StoreError};
use lenscast_runtime::frames::Slot;
use lenscast_runtime::{driver, net};
use static_cell::{ConstStaticCell, StaticCell};

/// Starts the network on the station's interface, and the task of the socket. The router is told `name`.
pub fn network(spawner: Spawner, name: &str, seed: u64) -> Stack<'static> {
    static RESOURCES: StaticCell<StackResources<{ net::SOCKETS }>> = StaticCell::new();
    let resources = RESOURCES.init(StackResources::new());
    let (stack, runner) = net::stack(Interface::station(), name, resources, seed);
    spawn(spawner, run_network(runner));
    spawn(spawner, socket(stack));
    stack
}

#[embassy_executor::task]
async fn run_network(mut runner: Runner<'static, Interface>) {
    runner.run().await
}

#[embassy_executor::task]
async fn socket(stack: Stack<'static>) {
    static RECEIVED: ConstStaticCell<[u8; net::RECEIVE]> = ConstStaticCell::new([0; net::RECEIVE]);
    static TO_SEND: ConstStaticCell<[u8; board::TCP_TRANSMIT]> =
        ConstStaticCell::new([0; board::TCP_TRANSMIT]);
    net::socket(stack, RECEIVED.take(), TO_SEND.take(), &CHANNELS).await
}

/// Starts drawing the test scene in the place of a camera.
#[cfg(feature = "esp32c3")]
pub fn pattern(spawner: Spawner) {
    use lenscast_runtime::pattern::SLOTS;
    static MEMORY: ConstStaticCell<[u8; SLOTS * board::SLOT]> =
        ConstStaticCell::new([0; SLOTS * board::SLOT]);
    crate::shared::FRAMES.add(MEMORY.take(), board::SLOT);
    spawn(spawner, draw());
}

#[cfg(feature = "esp32c3")]
#[embassy_executor::task]
async fn draw() {
    lenscast_runtime::pattern::run(&crate::shared::FRAMES, &CHANNELS, || alive(Task::Pattern)).await
}

/// Runs the device until it is to start again, and starts again.
pub async fn device(device: Device<Slot>, store: Result<Store<Flash>, StoreError>) -> ! {
    driver::run(device, &mut Board { store }, &CHANNELS).await;
    restart::now("reboot command")
}

/// This board, as the driver sees it.
struct Board {
    store: Result<Store<Flash>, StoreError>,
}

impl driver::Board for Board {
    fn alive(&mut self) {
        alive(Task::Device);
    }

    fn vitals(&mut self) -> Vitals {
        vitals::read()
    }

    async fn save(&mut self, change: &Change) -> Result<(), StoreError> {
        #[cfg(feature = "esp32s3")]
        let _paused = crate::camera::pause().await;
        match &mut self.store {
            Ok(store) => store.apply(change),
            Err(error) => Err(*error),
        }
    }
}
