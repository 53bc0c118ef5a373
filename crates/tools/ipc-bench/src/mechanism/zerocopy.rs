//! TCP with MSG_ZEROCOPY: the kernel may send the sender's own pages, and tells through the socket's
//! error queue when it is done with them, and whether it has copied them after all. Over the loopback
//! interface it always has.

use std::io::{self, Read};
use std::net::TcpStream;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context;
use ipc_bench::memory::Shared;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::mman::MapFlags;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrIn, recvmsg};

use super::{End, Pair, tcp};

/// Calls that the kernel was done with, and those of them whose bytes it had copied; shared with the
/// processes that are told so.
static TOLD: LazyLock<Option<Shared>> =
    LazyLock::new(|| Shared::anonymous(size_of::<[AtomicU64; 2]>(), MapFlags::empty()).ok());

fn told() -> anyhow::Result<&'static [AtomicU64; 2]> {
    let memory = TOLD.as_ref().context("no memory for two numbers")?;
    // SAFETY: it is as large, begins at a page, is zeros at first, and is never unmapped.
    Ok(unsafe { &*memory.start().cast() })
}

/// What the kernel has said of all calls so far.
pub fn completions() -> String {
    let [done, copied] = told().map_or([0, 0], |it| {
        it.each_ref().map(|it| it.load(Ordering::Relaxed))
    });
    format!("{copied} of {done} completions say that the kernel has copied")
}

/// SO_EE_ORIGIN_ZEROCOPY and SO_EE_CODE_ZEROCOPY_COPIED of linux/errqueue.h.
const ORIGIN_ZEROCOPY: u8 = 5;
const ZEROCOPY_COPIED: u8 = 1;

struct Zerocopy {
    socket: TcpStream,
    told: &'static [AtomicU64; 2],
    /// Calls of send(2) whose pages the kernel may still need.
    pending: u32,
}

/// So many may be under way before this side asks; each takes of the socket's net.core.optmem_max.
const PENDING: u32 = 32;

pub fn open(_size: usize) -> anyhow::Result<Pair> {
    let (ours, theirs) = tcp::sockets()?;
    Ok(Pair::new(side(ours)?, side(theirs)?))
}

fn side(socket: TcpStream) -> anyhow::Result<Zerocopy> {
    let yes: libc::c_int = 1;
    // SAFETY: the option is an int, which outlives the call.
    let set = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_ZEROCOPY,
            (&raw const yes).cast(),
            size_of_val(&yes) as libc::socklen_t,
        )
    };
    Errno::result(set).context("setsockopt SO_ZEROCOPY")?;
    Ok(Zerocopy {
        socket,
        told: told()?,
        pending: 0,
    })
}

impl Zerocopy {
    /// Takes the completions that are there.
    fn complete(&mut self) -> io::Result<()> {
        let mut space = nix::cmsg_space!(libc::sock_extended_err, libc::sockaddr_in);
        loop {
            // The error queue never makes a caller wait.
            let flags = MsgFlags::MSG_ERRQUEUE;
            let told =
                recvmsg::<SockaddrIn>(self.socket.as_raw_fd(), &mut [], Some(&mut space), flags);
            let told = match told {
                Err(Errno::EAGAIN) => return Ok(()),
                told => told?,
            };
            for message in told.cmsgs()? {
                let ControlMessageOwned::Ipv4RecvErr(error, _) = message else {
                    continue;
                };
                if error.ee_origin != ORIGIN_ZEROCOPY {
                    return Err(io::Error::from_raw_os_error(error.ee_errno as i32));
                }
                // From the first to the last call that this is about.
                let calls = error.ee_data.wrapping_sub(error.ee_info) + 1;
                self.pending = self.pending.saturating_sub(calls);
                self.told[0].fetch_add(calls.into(), Ordering::Relaxed);
                if error.ee_code == ZEROCOPY_COPIED {
                    self.told[1].fetch_add(calls.into(), Ordering::Relaxed);
                }
            }
        }
    }

    /// Sleeps until no more than so many calls are pending.
    fn wait(&mut self, most: u32) -> io::Result<()> {
        self.complete()?;
        while self.pending > most {
            // POLLERR is reported whether or not it is asked for.
            let mut errors = [PollFd::new(self.socket.as_fd(), PollFlags::empty())];
            poll(&mut errors, PollTimeout::NONE)?;
            self.complete()?;
        }
        Ok(())
    }
}

impl End for Zerocopy {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        let mut rest = message;
        while !rest.is_empty() {
            if self.pending >= PENDING {
                self.wait(PENDING / 2)?;
            }
            // SAFETY: the kernel reads `rest`, which stays as it is until `flush` has waited.
            let sent = unsafe {
                libc::send(
                    self.socket.as_raw_fd(),
                    rest.as_ptr().cast(),
                    rest.len(),
                    libc::MSG_ZEROCOPY | libc::MSG_NOSIGNAL,
                )
            };
            match Errno::result(sent) {
                Ok(sent) => {
                    self.pending += 1;
                    rest = &rest[sent as usize..];
                }
                // Too many are pending for the socket's memory.
                Err(Errno::ENOBUFS) if self.pending > 0 => self.wait(self.pending - 1)?,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn receive(&mut self, message: &mut [u8]) -> io::Result<()> {
        self.socket.read_exact(message)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.wait(0)
    }
}
