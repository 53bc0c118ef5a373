//! What writer and reader agree on, and a thin safe wrapper over shmget(2), shmop(2) and
//! shmctl(2), which neither std nor nix has.

pub mod text;

use std::fmt;
use std::path::PathBuf;
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::atomic::AtomicU8;

use anyhow::{Context, anyhow, bail, ensure};
use libc::{c_int, key_t};
use nix::errno::Errno;
use nix::unistd::Uid;

/// The second half of the key, ftok(DIR, 'S').
pub const PROJECT: u8 = b'S';

/// The segment's size in bytes.
pub const SIZE: usize = 1024;

/// The one argument of both programs.
#[derive(clap::Args)]
pub struct Key {
    /// The folder that stands for the segment: its key is ftok(DIR, 'S')
    #[arg(default_value = ".")]
    pub dir: PathBuf,
}

/// A shared memory segment. It outlives every process: see sysvipc(7).
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Segment(c_int);

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shared memory {}", self.0)
    }
}

impl Segment {
    /// Creates the segment of this key, mode 0600, filled with zeros; `None` if there is one.
    ///
    /// # Errors
    /// When the kernel allows no more shared memory.
    pub fn create(key: key_t, size: usize) -> anyhow::Result<Option<Self>> {
        match shmget(key, size, libc::IPC_CREAT | libc::IPC_EXCL | 0o600) {
            Err(Errno::EEXIST) => Ok(None),
            made => {
                Ok(Some(made.with_context(|| {
                    format!("shmget key {key:#x}, {size} bytes")
                })?))
            }
        }
    }

    /// The segment of this key if there is one. It must be ours and have exactly `size` bytes.
    ///
    /// # Errors
    /// When it belongs to another user, or is that of another program.
    pub fn open(key: key_t, size: usize) -> anyhow::Result<Option<Self>> {
        let segment = match shmget(key, 0, 0) {
            Err(Errno::ENOENT) => return Ok(None),
            segment => segment.with_context(|| format!("shmget key {key:#x}"))?,
        };
        let stat = match segment.stat() {
            Err(Errno::EIDRM | Errno::EINVAL) => return Ok(None), // Removed just now.
            // Of its mode, 0600, nothing is for others: not even to look at it.
            Err(Errno::EACCES) => {
                bail!("{segment} belongs to another user, left as it is: give another DIR")
            }
            stat => stat.with_context(|| format!("shmctl IPC_STAT {segment}"))?,
        };
        let owner = stat.shm_perm.uid;
        ensure!(
            owner == Uid::effective().as_raw(),
            "{segment} belongs to another user (uid {owner}), left as it is: give another DIR"
        );
        if stat.shm_segsz != size {
            let (maker, or) = match stat.shm_segsz {
                SIZE => ("the lesson sysv-shm", ", or make clean-ipc"),
                48 => ("the lesson producer-consumer", ", or make clean-ipc"),
                8 => ("the exercise fix-shm-race", ", or make clean-ipc"),
                8192 => ("the exercise fix-shm-leftover", ", or make clean-ipc"),
                _ => ("another program", ""),
            };
            bail!(
                "{segment} has {} bytes and not {size}: {maker} made it. Left as it is: \
                 remove it (ipcrm -m {}{or}) or give another DIR",
                stat.shm_segsz,
                segment.0
            );
        }
        Ok(Some(segment))
    }

    /// The number by which `ipcs -m` and `ipcrm -m` know it.
    pub fn id(self) -> c_int {
        self.0
    }

    /// Maps the segment into this process: see shmat(2).
    ///
    /// # Errors
    /// When it has been removed, or is not ours to write.
    pub fn attach(self) -> anyhow::Result<Attached> {
        let size = self.stat().map(|stat| stat.shm_segsz);
        let size = size.with_context(|| format!("shmctl IPC_STAT {self}"))?;
        // SAFETY: with a null address the kernel chooses a place where nothing is mapped.
        let address = unsafe { libc::shmat(self.0, ptr::null(), 0) };
        // Not null but -1 is the sign of failure: the unchecked one is C's segmentation fault.
        if address.addr() == usize::MAX {
            return Err(Errno::last()).with_context(|| format!("shmat {self}"));
        }
        let start = NonNull::new(address.cast()).context("shmat gave a null address")?;
        Ok(Attached { start, size })
    }

    /// Who uses it.
    ///
    /// # Errors
    /// When it has been removed.
    pub fn users(self) -> anyhow::Result<Users> {
        let stat = (self.stat()).with_context(|| format!("shmctl IPC_STAT {self}"))?;
        #[allow(clippy::useless_conversion)] // The width differs between machines.
        Ok(Users {
            attached: stat.shm_nattch.into(),
            creator: stat.shm_cpid,
            last: stat.shm_lpid,
        })
    }

    /// Removes it; the memory goes when the last process has detached.
    ///
    /// # Errors
    /// When it has been removed already, or belongs to another user.
    pub fn remove(self) -> anyhow::Result<()> {
        // SAFETY: IPC_RMID takes no buffer.
        match Errno::result(unsafe { libc::shmctl(self.0, libc::IPC_RMID, ptr::null_mut()) }) {
            Ok(_) => Ok(()),
            Err(errno @ (Errno::EIDRM | Errno::EINVAL)) => Err(anyhow!(
                "shmctl IPC_RMID {self}: {errno:?}: it has been removed"
            )),
            Err(errno) => Err(anyhow!(errno).context(format!("shmctl IPC_RMID {self}"))),
        }
    }

    fn stat(self) -> nix::Result<libc::shmid_ds> {
        // SAFETY: shmid_ds is a C struct of integers, for which zero is a value.
        let mut stat: libc::shmid_ds = unsafe { std::mem::zeroed() };
        // SAFETY: IPC_STAT fills the shmid_ds that it is given.
        Errno::result(unsafe { libc::shmctl(self.0, libc::IPC_STAT, &mut stat) })?;
        Ok(stat)
    }
}

/// What the kernel knows of a segment's users: see shmctl(2).
pub struct Users {
    /// How many times it is attached; a process that dies is detached by the kernel.
    pub attached: u64,
    /// The process that created it.
    pub creator: libc::pid_t,
    /// The process that was the last to attach or detach.
    pub last: libc::pid_t,
}

/// A segment in the address space of this process; detached when dropped, see shmdt(2).
pub struct Attached {
    start: NonNull<u8>,
    size: usize,
}

impl Attached {
    /// Where it is mapped; another process sees it at another address, so no pointer into it
    /// may ever stand in it.
    pub fn address(&self) -> *const u8 {
        self.start.as_ptr()
    }

    /// The bytes, each an atomic, because another process may write to them at any moment.
    pub fn bytes(&self) -> &[AtomicU8] {
        // SAFETY: `size` bytes are mapped here until `self` is dropped, and AtomicU8 has the
        // layout of u8.
        unsafe { slice::from_raw_parts(self.start.as_ptr().cast(), self.size) }
    }

    /// The segment as a `T`, made of atomics alone.
    ///
    /// # Safety
    /// `T` is `repr(C)`, valid for every pattern of bits, and all of it may change at any moment.
    ///
    /// # Panics
    /// When the segment is smaller than a `T`.
    pub unsafe fn cast<T>(&self) -> &T {
        assert!(size_of::<T>() <= self.size, "the segment is too small");
        // SAFETY: the caller vouches for T; the size is checked, a mapping begins at a page.
        unsafe { self.start.cast().as_ref() }
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        // SAFETY: this address came from shmat, and nothing borrows from `self` any more.
        if unsafe { libc::shmdt(self.start.as_ptr().cast()) } == -1 {
            lesson::note!("shmdt: {}", Errno::last());
        }
    }
}

fn shmget(key: key_t, size: usize, flags: c_int) -> nix::Result<Segment> {
    // SAFETY: shmget takes no pointer.
    Errno::result(unsafe { libc::shmget(key, size, flags) }).map(Segment)
}
