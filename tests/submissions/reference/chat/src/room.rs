//! Who is here, and who hears what. One thread owns it all, so everybody hears everything in the
//! same order, and there is nothing to lock.

use std::io::ErrorKind;
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::{Duration, Instant};

use anyhow::Context;
use lesson::{note, say};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::connection::Connection;
use crate::{FAREWELL, LONGEST_LINE, LONGEST_NAME};

/// How long the farewell may take.
const FAREWELL_LIMIT: Duration = Duration::from_millis(500);

/// All that are connected, with a name or as yet without.
#[derive(Default)]
pub struct Room {
    clients: Vec<Connection>,
}

impl Room {
    /// Serves everybody who connects, until `stop` reaches its end-of-file.
    ///
    /// # Errors
    /// When poll(2) fails.
    pub fn serve(&mut self, listener: &UnixListener, stop: &UnixStream) -> anyhow::Result<()> {
        loop {
            // Sleeps until something has happened on any descriptor.
            let mut events = self.events();
            events.push(PollFd::new(listener.as_fd(), PollFlags::POLLIN));
            events.push(PollFd::new(stop.as_fd(), PollFlags::POLLIN));
            wait(&mut events, PollTimeout::NONE)?;
            let happened: Vec<bool> = events.iter().map(|it| it.any() == Some(true)).collect();

            let (clients, [call, end]) = happened.split_at(self.clients.len()) else {
                unreachable!("two more descriptors than clients");
            };
            if *end {
                return Ok(());
            }
            for index in (0..clients.len()).filter(|&index| clients[index]) {
                self.attend_to(index);
            }
            self.let_go();
            if *call {
                self.welcome(listener);
            }
        }
    }

    /// Tells everybody that the server ends; a client that does not read may miss it.
    ///
    /// # Errors
    /// When poll(2) fails.
    pub fn farewell(&mut self) -> anyhow::Result<()> {
        self.tell(None, FAREWELL);
        let end = Instant::now() + FAREWELL_LIMIT;
        loop {
            self.clients.retain(|it| it.is_waiting() && !it.broken);
            let left = end.saturating_duration_since(Instant::now());
            if self.clients.is_empty() || left.is_zero() {
                return Ok(());
            }
            // What they send is not read any more.
            self.clients.iter_mut().for_each(|it| it.ending = true);
            let mut events = self.events();
            wait(&mut events, PollTimeout::try_from(left).context("poll")?)?;
            self.clients.iter_mut().for_each(Connection::flush);
        }
    }

    /// What to wait for on each client's socket.
    fn events(&self) -> Vec<PollFd<'_>> {
        let event = |it: &'_ Connection| {
            let mut flags = PollFlags::empty();
            flags.set(PollFlags::POLLIN, !it.ending);
            flags.set(PollFlags::POLLOUT, it.is_waiting());
            flags
        };
        let clients = self.clients.iter();
        clients
            .map(|it| PollFd::new(it.socket.as_fd(), event(it)))
            .collect()
    }

    fn welcome(&mut self, listener: &UnixListener) {
        let accepted = match listener.accept() {
            Ok((socket, _)) => Connection::new(socket),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return, // it has gone again
            Err(error) => Err(error).context("accept"),
        };
        match accepted {
            Ok(client) => self.clients.push(client),
            Err(error) => note!("a client: {error:#}"),
        }
    }

    /// Something has happened on that client's socket.
    fn attend_to(&mut self, index: usize) {
        let client = &mut self.clients[index];
        client.flush();
        if client.ending {
            return;
        }
        client.receive();
        loop {
            let client = &mut self.clients[index];
            match client.next_line() {
                Ok(Some(line)) => self.hear(index, &line),
                Ok(None) => return,
                Err(()) => {
                    client.send(&format!("! a line has at most {LONGEST_LINE} bytes"));
                    client.ending = true;
                    return;
                }
            }
            if self.clients[index].is_over() {
                return;
            }
        }
    }

    /// A line of that client.
    fn hear(&mut self, index: usize, line: &str) {
        let Some(name) = self.clients[index].name.clone() else {
            return self.join(index, line);
        };
        if let Some(private) = line.strip_prefix('@') {
            let (to, text) = private.split_once(' ').unwrap_or((private, ""));
            match self.find(to) {
                Some(to) => to.send(&format!("[{name}] {text}")),
                None => self.clients[index].send(&format!("! nobody is called {to}")),
            }
        } else if !line.is_empty() {
            self.tell(Some(index), &format!("<{name}> {line}"));
        }
    }

    /// The first line of a client is its name.
    fn join(&mut self, index: usize, name: &str) {
        let length = 1..=LONGEST_NAME;
        let valid =
            length.contains(&name.len()) && name.bytes().all(|it| it.is_ascii_alphanumeric());
        let taken = self.find(name).is_some();
        let client = &mut self.clients[index];
        if !valid {
            client.send(&format!(
                "! a name is 1 to {LONGEST_NAME} letters and digits"
            ));
            client.ending = true;
        } else if taken {
            client.send(&format!("! {name} is taken"));
            client.ending = true;
        } else {
            client.name = Some(name.to_owned());
            client.send(&format!("* welcome {name}"));
            say!("{name} has joined");
            self.tell(Some(index), &format!("* {name} has joined"));
        }
    }

    /// Takes leave of those who have gone, and closes their sockets.
    fn let_go(&mut self) {
        // Telling the others may show that one of them has gone, too.
        let has_gone = |it: &Connection| (it.ending || it.broken) && it.name.is_some();
        while let Some(index) = self.clients.iter().position(has_gone) {
            if let Some(name) = self.clients[index].name.take() {
                say!("{name} has left");
                self.tell(None, &format!("* {name} has left"));
            }
        }
        self.clients.retain(|it| !it.is_over());
    }

    /// Sends a line to everybody with a name, but for one.
    fn tell(&mut self, all_but: Option<usize>, line: &str) {
        for (index, client) in self.clients.iter_mut().enumerate() {
            if client.name.is_some() && Some(index) != all_but {
                client.send(line);
            }
        }
    }

    fn find(&mut self, name: &str) -> Option<&mut Connection> {
        let mut clients = self.clients.iter_mut();
        clients.find(|it| it.name.as_deref() == Some(name))
    }
}

fn wait(events: &mut [PollFd], limit: PollTimeout) -> anyhow::Result<()> {
    match poll(events, limit) {
        Err(Errno::EINTR) | Ok(_) => Ok(()),
        Err(errno) => Err(errno).context("poll"),
    }
}
