//! What writer and reader agree on: the segment's name, its size, who may use it, and in which
//! order its bytes are written.

use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicU8, Ordering};

use anyhow::{Context, ensure};
use lesson::Made;
use nix::errno::Errno;
use nix::fcntl::{OFlag, posix_fallocate};
use nix::sys::mman::{shm_open, shm_unlink};
use nix::sys::stat::Mode;
use nix::unistd::Uid;
use shared_memory::{Shmem, ShmemConf, ShmemError};

/// Where the two programs meet when no NAME is given.
pub const NAME: &str = "/myshm";

/// The size of the segment in bytes.
pub const SIZE: usize = 4096;

/// The memory as both processes see it: text, then NULs. Atomic, because the other process may
/// read or write at any moment.
pub type Bytes = [AtomicU8; SIZE];

/// Creates the segment, mode 0600 and full of zeros, in place of one that an earlier run of ours
/// has left.
///
/// Returns a guard that unlinks the name, at the latest on Ctrl-C.
///
/// # Errors
/// When the name cannot be used, something else stands there, or the memory is not to be had.
pub fn create(name: &str) -> anyhow::Result<(Shmem, Made)> {
    loop {
        let making = lesson::making();
        // shm_open with O_CREAT and O_EXCL, ftruncate, mmap.
        match ShmemConf::new().os_id(name).size(SIZE).create() {
            Ok(segment) => {
                let made = name.to_owned();
                let made = making.remove_at_end(move || drop(unlink(&made)));
                match allocate(name) {
                    Ok(()) => return Ok((segment, made)),
                    Err(Errno::ENOENT) => continue, // Another writer has just replaced it.
                    Err(errno) => return Err(errno).context(format!("posix_fallocate {name}")),
                }
            }
            Err(ShmemError::MappingIdExists) => drop(making),
            Err(error) => return Err(explain(error)).context(format!("create {name}")),
        }
        // Replaced, not reused: a reader that has the old one mapped reads on undisturbed.
        if find(name)?.is_some() {
            lesson::note!("{name} was there already, from an earlier run: replaced");
            unlink(name)?;
        }
    }
}

/// Has the kernel set the memory aside: see posix_fallocate(3).
///
/// ftruncate gives a size and no memory; that comes with the first touch of each page, and if
/// /dev/shm is full then, the process dies of SIGBUS.
fn allocate(name: &str) -> nix::Result<()> {
    // The crate keeps its descriptor to itself: open the segment once more.
    let segment = shm_open(name, OFlag::O_RDWR, Mode::empty())?;
    loop {
        match posix_fallocate(&segment, 0, SIZE as libc::off_t) {
            Err(Errno::EINTR) => {} // Ctrl-Z and fg: once more.
            done => return done,
        }
    }
}

/// Opens the segment; `None` if there is none, or none that anybody has written to.
///
/// # Errors
/// When it is not ours, has another size, or must not be read and written.
pub fn open(name: &str) -> anyhow::Result<Option<Shmem>> {
    // 0 blocks: it has been named, and given a size perhaps, but no memory. To read there is to
    // ask for memory, SIGBUS included.
    if find(name)?.is_none_or(|found| found.blocks() == 0) {
        return Ok(None);
    }
    // shm_open, fstat, mmap: the size is that of the segment, whatever we would ask for.
    match ShmemConf::new().os_id(name).open() {
        Ok(segment) => Ok((segment.len() == SIZE).then_some(segment)),
        Err(error) => match explain(error) {
            // Just removed, or just replaced: mmap of 0 bytes is EINVAL.
            Errno::ENOENT | Errno::EINVAL => Ok(None),
            errno => Err(errno).context(format!("open {name}")),
        },
    }
}

/// The file in /dev/shm that a segment is on Linux: see shm_overview(7).
///
/// # Errors
/// When what stands there is not ours, or not of this lesson.
fn find(name: &str) -> anyhow::Result<Option<Metadata>> {
    let path = format!("/dev/shm{name}");
    // lstat(2): a symbolic link is looked at, never followed.
    let found = match fs::symlink_metadata(&path) {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).context(format!("lstat {path}")),
    };
    ensure!(
        found.is_file(),
        "{path} is no shared memory, left as it is: remove it or give another NAME"
    );
    let owner = Uid::from_raw(found.uid());
    ensure!(
        owner == Uid::effective(),
        "{name} is a segment of another user (uid {owner}), left as it is: give another NAME"
    );
    // 0 is what a writer leaves that is killed between shm_open and ftruncate. To touch what
    // lies behind the end of a segment that is too small is SIGBUS.
    let size = found.len();
    ensure!(
        size == 0 || size == SIZE as u64,
        "{name} has {size} bytes and not {SIZE}, so posix-shm-writer has not made it; left as \
         it is: give another NAME, or remove it (rm {path})"
    );
    Ok(Some(found))
}

/// Removes the name; whoever has the memory mapped keeps it. See shm_unlink(3).
fn unlink(name: &str) -> anyhow::Result<()> {
    match shm_unlink(name) {
        Err(Errno::ENOENT) => Ok(()), // Somebody else was first.
        done => done.with_context(|| format!("shm_unlink {name}")),
    }
}

/// The error number in the crate's error, which names neither the call nor the object.
fn explain(error: ShmemError) -> Errno {
    match error {
        ShmemError::MapCreateFailed(errno)
        | ShmemError::MapOpenFailed(errno)
        | ShmemError::UnknownOsError(errno) => Errno::from_raw(errno as i32),
        _ => Errno::EINVAL,
    }
}

/// The memory of a segment.
pub fn bytes(segment: &Shmem) -> &Bytes {
    assert_eq!(segment.len(), SIZE);
    // SAFETY: SIZE bytes are mapped for as long as the `segment` lives that is borrowed here.
    // Atomics may change under a shared reference, whichever process changes them.
    unsafe { &*segment.as_ptr().cast() }
}

/// Stores `text` in memory that is zero, its first byte last.
pub fn write(memory: &Bytes, text: &str) {
    let mut bytes = memory.iter().zip(text.bytes());
    let first = bytes.next();
    for (byte, value) in bytes {
        byte.store(value, Ordering::Relaxed);
    }
    // Release: who sees this byte sees all that were stored before it.
    if let Some((byte, value)) = first {
        byte.store(value, Ordering::Release);
    }
}

/// The text up to its NUL; `None` as long as its first byte is not there.
pub fn read(memory: &Bytes) -> Option<String> {
    // Acquire is the other half of the writer's Release.
    if memory[0].load(Ordering::Acquire) == 0 {
        return None;
    }
    let bytes = memory.iter().map(|byte| byte.load(Ordering::Relaxed));
    let text: Vec<u8> = bytes.take_while(|byte| *byte != 0).collect();
    Some(String::from_utf8_lossy(&text).into_owned())
}

/// A segment's name, with its slash: see shm_open(3).
///
/// # Errors
/// Says what a name looks like.
pub fn parse_name(name: &str) -> anyhow::Result<String> {
    // The C library takes the slash off again: "myshm" and "/myshm" are the same segment.
    let rest = name.strip_prefix('/').unwrap_or(name);
    ensure!(
        (1..=255).contains(&rest.len()) && !rest.contains('/') && rest != "." && rest != "..",
        "a segment's name is a slash and 1 to 255 other characters, such as {NAME}"
    );
    Ok(format!("/{rest}"))
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::thread;

    use super::*;

    #[test]
    fn the_reader_sees_all_of_the_text_or_nothing() {
        let text = "0123456789abcde".repeat(SIZE / 15);
        let both = Barrier::new(2);
        for _ in 0..500 {
            let memory = [const { AtomicU8::new(0) }; SIZE];
            thread::scope(|scope| {
                scope.spawn(|| {
                    both.wait();
                    write(&memory, &text);
                });
                both.wait();
                loop {
                    if let Some(seen) = read(&memory) {
                        assert_eq!(seen, text);
                        break;
                    }
                    thread::yield_now();
                }
            });
        }
    }

    #[test]
    fn names() {
        for name in ["/myshm", "myshm", "/a.b c", "/..."] {
            let with_slash = format!("/{}", name.trim_start_matches('/'));
            assert_eq!(parse_name(name).ok(), Some(with_slash));
        }
        for name in ["", "/", "//a", "/a/b", "a/", ".", "..", "/.."] {
            assert!(parse_name(name).is_err(), "{name}");
        }
    }
}
