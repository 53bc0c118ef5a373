//! What the server and the client agree on: requests and answers are frames, as in the lesson `framing`.
//! And the parts of the server.

mod clients;
mod conversation;
mod store;

use std::net::SocketAddr;

pub use clients::Clients;
pub use conversation::serve;
pub use framing::MAX;
pub use store::Store;

/// The argument that both programs have.
#[derive(clap::Args)]
pub struct Address {
    /// The server's IP:PORT; as the server's own argument, port 0 takes a free one
    #[arg(value_name = "ADDR", default_value = tcp_echo::ADDRESS)]
    pub address: SocketAddr,
}
