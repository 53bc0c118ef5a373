use std::os::fd::OwnedFd;
use std::thread;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::{pipe, write};

use crate::{Stopped, read_all, write_all};

/// A pipe on which nothing sleeps.
fn nonblocking() -> (OwnedFd, OwnedFd) {
    let (read_end, write_end) = pipe().expect("pipe");
    for end in [&read_end, &write_end] {
        fcntl(end, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).expect("fcntl");
    }
    (read_end, write_end)
}

fn stopped(moved: usize, errno: Errno) -> Stopped {
    Stopped {
        moved,
        errno: Some(errno),
    }
}

#[test]
fn more_than_a_pipe_holds_arrives_as_it_was_sent() {
    let (read_end, write_end) = pipe().expect("pipe");
    let bytes: Vec<u8> = (0..1_000_000).map(|i| (i % 251) as u8).collect();
    let sent = bytes.clone();
    let writer = thread::spawn(move || write_all(write_end, &sent));
    let mut buffer = vec![0; bytes.len() + 1];
    assert_eq!(read_all(&read_end, &mut buffer), Ok(bytes.len()));
    assert_eq!(buffer[..bytes.len()], bytes);
    assert_eq!(writer.join().expect("no panic"), Ok(()));
}

#[test]
fn an_end_is_a_short_count() {
    let (read_end, write_end) = pipe().expect("pipe");
    write(&write_end, b"abc").expect("write");
    drop(write_end);
    let mut buffer = [b'-'; 5];
    assert_eq!(read_all(&read_end, &mut buffer), Ok(3));
    assert_eq!(&buffer, b"abc--");
    assert_eq!(read_all(&read_end, &mut buffer), Ok(0));
}

#[test]
fn a_full_buffer_leaves_the_rest() {
    let (read_end, write_end) = nonblocking();
    write(&write_end, b"abcdef").expect("write");
    let mut buffer = [0; 4];
    assert_eq!(read_all(&read_end, &mut buffer), Ok(4));
    assert_eq!(&buffer, b"abcd");
    assert_eq!(read_all(&read_end, &mut []), Ok(0));
    assert_eq!(read_all(&read_end, &mut buffer[..2]), Ok(2));
    assert_eq!(&buffer, b"efcd");
}

#[test]
fn an_error_says_what_was_moved_before() {
    let (read_end, write_end) = nonblocking();
    write(&write_end, b"abc").expect("write");
    let mut buffer = [b'-'; 5];
    let error = read_all(&read_end, &mut buffer).expect_err("nothing more is there");
    assert_eq!(error, stopped(3, Errno::EAGAIN));
    assert_eq!(&buffer, b"abc--");
    assert!(
        error
            .to_string()
            .starts_with("stopped after 3 bytes: EAGAIN")
    );

    let size = fcntl(&write_end, FcntlArg::F_GETPIPE_SZ).expect("fcntl");
    let size = usize::try_from(size).expect("a size");
    assert_eq!(
        write_all(&write_end, &vec![b'x'; size + 1]),
        Err(stopped(size, Errno::EAGAIN))
    );
}

#[test]
fn nobody_reads_or_the_end_is_the_wrong_one() {
    let (read_end, write_end) = pipe().expect("pipe");
    assert_eq!(write_all(&read_end, b"abc"), Err(stopped(0, Errno::EBADF)));
    assert_eq!(
        read_all(&write_end, &mut [0; 3]),
        Err(stopped(0, Errno::EBADF))
    );
    drop(read_end);
    assert_eq!(write_all(&write_end, b"abc"), Err(stopped(0, Errno::EPIPE)));
    assert_eq!(write_all(&write_end, b""), Ok(()));
}
