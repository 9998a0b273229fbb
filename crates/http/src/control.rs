//! The control socket: this server's routes for programs on this computer that may open its file, with the right to do
//! everything. The command line speaks to a running server by it.

use super::connections::{Caller, pause, serve};
use super::serving::Serving;
use axum::Router;
use lenscast_base::state::{CONTROL_SOCKET, SocketFile, StateDir, StateError};
use lenscast_gate::{Channel, Peer};
use std::net::{Ipv4Addr, SocketAddr};
use tokio::net::UnixListener;

/// A control socket that is open; its file goes with it.
#[derive(Debug)]
pub struct Control {
    listener: UnixListener,
    file: SocketFile,
}

impl Control {
    /// Opens the control socket of a state directory. `None` when there is no state directory, or no socket can be had: the server goes without, and says so.
    pub fn open(state: &StateDir) -> Option<Self> {
        state.place()?;
        let opened = state.socket(CONTROL_SOCKET).and_then(|(listener, file)| {
            let listener = UnixListener::from_std(listener).map_err(|source| StateError::Io {
                doing: "listen at",
                path: file.path().to_owned(),
                source,
            })?;
            Ok(Self { listener, file })
        });
        opened.inspect_err(|error| tracing::warn!("no command can speak to this server: {error}")).ok()
    }

    /// Takes connections until the server shuts down.
    pub async fn accept(self, serving: &Serving, router: &Router) {
        let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let peer = Peer { remote: nowhere, local: nowhere, channel: Channel::ControlSocket };
        loop {
            tokio::select! {
                () = serving.shutdown().cancelled() => break,
                accepted = self.listener.accept() => match accepted {
                    Ok((socket, _)) => {
                        serving.tasks().spawn(serve(serving, router, socket, Caller::by_control_socket(peer)));
                    }
                    Err(error) => pause(serving, &error).await,
                },
            }
        }
        drop(self.file);
    }
}
