//! A TCP server with a thread for each client: each gets its own bytes back, and a slow or
//! silent one keeps nobody waiting.
//!
//! Its partner is tcp-echo-client, in as many other terminals as you like; start this first.

mod clients;
mod echo;

use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use lesson::{Failure, note, say};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::socket::{Shutdown, shutdown};

use crate::clients::Clients;

/// How many clients may wait for accept(2). std's `TcpListener::bind` takes 128, and of 1,000
/// clients that come at once the others then wait for seconds. The kernel lowers it to
/// /proc/sys/net/core/somaxconn, 4,096 unless changed; see listen(2).
const BACKLOG: i32 = 4096;

/// Echo what TCP clients send, each in a thread of its own (partner: tcp-echo-client, started after)
#[derive(Parser)]
struct Args {
    /// IP:PORT to listen on; 0.0.0.0 lets the whole network in, port 0 takes a free one
    #[arg(value_name = "IP:PORT", default_value = tcp_echo::ADDRESS, value_parser = lesson::parse_address)]
    address: SocketAddr,
}

fn main() -> Result<(), Failure> {
    let Args { address } = Args::parse();

    // Each client takes a descriptor, and the usual soft limit is 1,024; any process may raise
    // it to the hard limit.
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).context("getrlimit RLIMIT_NOFILE")?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).context("setrlimit RLIMIT_NOFILE")?;

    // socket, SO_REUSEADDR, bind and listen: read the lesson tcp-echo first.
    let listener = Arc::new(tcp_echo::listen_on(address, BACKLOG)?);
    let port = listener.local_addr().context("getsockname")?.port();
    let clients = Arc::new(Clients::default());

    // Nobody is killed: each thread finds its socket at its end and returns.
    let (door, inside) = (Arc::clone(&listener), Arc::clone(&clients));
    lesson::on_signal(move |signal| {
        inside.close();
        // Wakes accept, which fails with EINVAL. It can fail only if nobody listens any more.
        let _ = shutdown(door.as_raw_fd(), Shutdown::Both);
        // main ends the process once the last thread has left. If in a whole second nobody leaves,
        // some thread waits for standard output, whose reader sleeps: then go without it.
        while inside.wait_for_news(Duration::from_secs(1)) {}
        lesson::die_of(signal);
    })?;

    say!("Multi-client server listening on port {port}");
    // Returns when every thread that was started in it has ended: pthread_join for all.
    thread::scope(|scope| accept(&listener, &clients, scope));
    Ok(())
}

/// Starts a thread for each client, until the server is closed.
fn accept<'scope>(
    listener: &TcpListener,
    clients: &'scope Clients,
    scope: &'scope thread::Scope<'scope, '_>,
) {
    let mut told = false;
    loop {
        // Blocks until a client has connected; its connection is a socket of its own.
        let socket = match listener.accept() {
            Ok((socket, _)) => socket,
            Err(_) if clients.closed() => return,
            Err(error) => {
                if !told {
                    note!("accept: {error}: clients wait until others have left");
                    told = true;
                }
                // EMFILE: no descriptor is free. The waiting client stays in the backlog, so
                // accept would fail again at once, millions of times a second. A client that
                // leaves ends the pause; what else may free one (ENFILE) has no event.
                clients.wait_for_news(Duration::from_millis(100));
                continue;
            }
        };

        let Some(socket) = clients.enter(socket) else {
            return; // Closed meanwhile.
        };
        let number = socket.as_raw_fd();
        say!("New client connected: {number}");
        let conversation = move || {
            echo::echo(&socket, number);
            // First the line, then the close: as soon as it is free, the number is given again.
            say!("Client {number} disconnected");
            drop(socket);
            clients.leave(number);
        };
        let named = thread::Builder::new().name(format!("client {number}"));
        if let Err(error) = named.spawn_scoped(scope, conversation) {
            note!("start a thread for client {number}: {error}: it is turned away");
            clients.leave(number);
        }
    }
}
