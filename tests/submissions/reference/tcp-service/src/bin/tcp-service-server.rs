//! Keeps a store, and answers what clients ask over TCP, each client in a thread of its own.
//!
//! Its partners are any number of tcp-service-client, started after it.

use std::net::TcpListener;
use std::os::fd::AsRawFd;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use lesson::{Failure, note, say};
use nix::sys::socket::{Shutdown, shutdown};
use tcp_service::{Address, Clients, Store, serve};

/// How many clients may wait for accept(2).
const BACKLOG: i32 = 1024;

/// Answer requests over TCP (partner: tcp-service-client, started afterwards)
#[derive(Parser)]
struct Args {
    #[command(flatten)]
    server: Address,

    /// How long a request may take from its first byte to its last, and the end of the server
    #[arg(long, value_name = "MS", default_value_t = 5000,
          value_parser = clap::value_parser!(u32).range(1..=3_600_000))]
    timeout_ms: u32,
}

fn main() -> Result<(), Failure> {
    let Args { server, timeout_ms } = Args::parse();
    let timeout = Duration::from_millis(timeout_ms.into());

    let listener = Arc::new(tcp_echo::listen_on(server.address, BACKLOG)?);
    let clients = Arc::new(Clients::default());
    let (door, inside) = (Arc::clone(&listener), Arc::clone(&clients));
    lesson::on_signal(move |_| {
        inside.close();
        // Nobody listens any more, and accept fails with EINVAL.
        let _ = shutdown(door.as_raw_fd(), Shutdown::Both);
    })?;
    let port = listener.local_addr().context("getsockname")?.port();
    say!("Server listening on port {port}");

    accept(&listener, &clients, timeout);
    // Whoever does not take its answers in that time goes without.
    clients.wait_until_all_left(timeout);
    Ok(())
}

/// Starts a thread for each client, until the server is closed.
fn accept(listener: &TcpListener, clients: &Arc<Clients>, timeout: Duration) {
    let store = Arc::new(Mutex::new(Store::default()));
    while !clients.closed() {
        let socket = match listener.accept() {
            Ok((socket, _)) => socket,
            Err(_) if clients.closed() => return,
            Err(error) => {
                note!("accept: {error}");
                // EMFILE: until another client leaves, it would fail again at once.
                clients.wait_until_one_leaves(Duration::from_millis(100));
                continue;
            }
        };
        let Some(socket) = clients.enter(socket) else {
            return;
        };
        let number = socket.as_raw_fd();
        let (store, inside) = (Arc::clone(&store), Arc::clone(clients));
        let conversation = move || {
            if let Err(error) = serve(&socket, &store, timeout) {
                note!("client {number}: {error}");
            }
            drop(socket);
            inside.leave(number);
        };
        if let Err(error) = thread::Builder::new().spawn(conversation) {
            note!("start a thread for client {number}: {error}: it is turned away");
            clients.leave(number);
        }
    }
}
