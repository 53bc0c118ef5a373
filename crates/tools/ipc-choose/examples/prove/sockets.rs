//! Sockets of every type: what of two sends one receive returns, and the footnotes.

use std::fs::File;
use std::io::{IoSlice, IoSliceMut, Read, Write};
use std::net::{Ipv4Addr, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use anyhow::{Context, bail};
use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, ControlMessage, ControlMessageOwned, MsgFlags, SockFlag, SockType, recv,
    recvmsg, send, sendmsg, setsockopt, socketpair, sockopt,
};
use nix::unistd::pipe;

/// Two sends, and what one receive returns that waits for as many bytes as they have together.
pub fn boundaries(kind: &str) -> anyhow::Result<String> {
    let (sender, receiver): (OwnedFd, OwnedFd) = match kind {
        "stream" => unix_pair(SockType::Stream)?,
        "datagram" => unix_pair(SockType::Datagram)?,
        "seqpacket" => unix_pair(SockType::SeqPacket)?,
        "tcp" => {
            let server = tcp_echo::listen_on((Ipv4Addr::LOCALHOST, 0).into(), 1)?;
            let address = server.local_addr().context("getsockname")?;
            let sender = TcpStream::connect(address).context("connect")?;
            (sender.into(), server.accept().context("accept")?.0.into())
        }
        "udp" => {
            let (sender, receiver) = udp_pair()?;
            (sender.into(), receiver.into())
        }
        _ => bail!("no boundaries of {kind}"),
    };
    for text in ["Hello", "World"] {
        send(sender.as_raw_fd(), text.as_bytes(), MsgFlags::empty()).context("send")?;
    }
    // Waits until the buffer is full, if the socket carries bytes; else for one message.
    let mut buffer = [0; 10];
    let length = recv(receiver.as_raw_fd(), &mut buffer, MsgFlags::MSG_WAITALL).context("recv")?;
    Ok(String::from_utf8_lossy(&buffer[..length]).into_owned())
}

fn unix_pair(kind: SockType) -> anyhow::Result<(OwnedFd, OwnedFd)> {
    socketpair(AddressFamily::Unix, kind, None, SockFlag::empty()).context("socketpair")
}

fn udp_pair() -> anyhow::Result<(UdpSocket, UdpSocket)> {
    let receiver = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).context("bind")?;
    let sender = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).context("bind")?;
    let address = receiver.local_addr().context("getsockname")?;
    sender.connect(address).context("connect")?;
    Ok((sender, receiver))
}

/// Hands the read end of a pipe to the first process that connects.
pub fn hand_over(path: &Path) -> anyhow::Result<String> {
    let server = UnixListener::bind(path).context("bind")?;
    lesson::say!("listening");
    let (stranger, _) = server.accept().context("accept")?;
    std::fs::remove_file(path).context("unlink")?;
    let (read_end, write_end) = pipe().context("pipe")?;
    let descriptors = [read_end.as_raw_fd()];
    sendmsg::<()>(
        stranger.as_raw_fd(),
        &[IoSlice::new(b"x")],
        &[ControlMessage::ScmRights(&descriptors)],
        MsgFlags::empty(),
        None,
    )
    .context("sendmsg SCM_RIGHTS")?;
    File::from(write_end)
        .write_all(b"through the pipe")
        .context("write")?;
    Ok("handed over".into())
}

/// Takes the read end of a pipe, and reads from it.
pub fn take_over(path: &Path) -> anyhow::Result<String> {
    let server = UnixStream::connect(path).context("connect")?;
    let mut byte = [0];
    let mut into = [IoSliceMut::new(&mut byte)];
    let mut space = nix::cmsg_space!([i32; 1]);
    let flags = MsgFlags::MSG_CMSG_CLOEXEC;
    let message =
        recvmsg::<()>(server.as_raw_fd(), &mut into, Some(&mut space), flags).context("recvmsg")?;
    let Some(ControlMessageOwned::ScmRights(descriptors)) =
        message.cmsgs().context("cmsgs")?.next()
    else {
        bail!("no descriptor came");
    };
    // SAFETY: the kernel has just opened this descriptor for this process; nobody else has it.
    let mut read_end = unsafe { File::from_raw_fd(descriptors[0]) };
    let mut text = String::new();
    read_end.read_to_string(&mut text).context("read")?;
    Ok(text)
}

/// How bind(2) ends.
pub fn bind(path: &Path) -> anyhow::Result<String> {
    match UnixListener::bind(path) {
        Ok(_) => Ok("bound".into()),
        Err(error) => Ok(format!(
            "{:?}",
            Errno::from_raw(error.raw_os_error().unwrap_or(0))
        )),
    }
}

/// Sends more than there is room for, and counts how much of it is there.
pub fn flood() -> anyhow::Result<String> {
    const SENT: usize = 5000;
    let (sender, receiver) = udp_pair()?;
    // Little room, whatever this machine's default is.
    setsockopt(&receiver, sockopt::RcvBuf, &4096).context("setsockopt SO_RCVBUF")?;
    for number in 0..SENT {
        let sent = sender.send(&[b'x'; 1000]);
        sent.with_context(|| format!("send datagram {number}"))?;
    }
    receiver.set_nonblocking(true).context("O_NONBLOCK")?;
    let kept = std::iter::from_fn(|| receiver.recv(&mut [0; 1000]).ok()).count();
    Ok(format!("{SENT} sent, {} lost", SENT - kept))
}
