//! Memory that this process and the children it forks share.

use std::ffi::c_void;
use std::num::NonZeroUsize;
use std::os::fd::BorrowedFd;
use std::ptr::NonNull;

use anyhow::Context;
use nix::sys::mman::{MapFlags, ProtFlags, mmap, mmap_anonymous, munmap};

/// Bytes of a huge page: see MAP_HUGETLB in mmap(2).
pub const HUGE: usize = 2 << 20;

/// A mapping, filled with zeros, at the start of a page; unmapped when dropped.
pub struct Shared {
    start: NonNull<c_void>,
    size: usize,
}

// SAFETY: it is plain memory, and every access to it is through atomics or raw copies that the
// protocols above it put in order.
unsafe impl Send for Shared {}
// SAFETY: as above; a shared reference gives no more than the address.
unsafe impl Sync for Shared {}

impl Shared {
    /// So many bytes without a name: children inherit them. See mmap(2), MAP_SHARED.
    ///
    /// # Errors
    /// When there is no room.
    pub fn anonymous(size: usize, flags: MapFlags) -> anyhow::Result<Self> {
        // What is mapped in huge pages must be unmapped in whole ones.
        let size = match flags.contains(MapFlags::MAP_HUGETLB) {
            true => size.next_multiple_of(HUGE),
            false => size,
        };
        let length = NonZeroUsize::new(size).context("a mapping of no bytes")?;
        let protection = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: the kernel chooses a place where nothing is mapped.
        let start =
            unsafe { mmap_anonymous(None, length, protection, MapFlags::MAP_SHARED | flags) }
                .with_context(|| format!("mmap {size} bytes"))?;
        Ok(Self { start, size })
    }

    /// The first so many bytes of a file or a POSIX shared memory object that has that size.
    ///
    /// # Errors
    /// When it cannot be mapped.
    pub fn file(file: BorrowedFd<'_>, size: usize) -> anyhow::Result<Self> {
        let length = NonZeroUsize::new(size).context("a mapping of no bytes")?;
        let protection = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        // SAFETY: the kernel chooses a place where nothing is mapped.
        let start = unsafe { mmap(None, length, protection, MapFlags::MAP_SHARED, file, 0) }
            .with_context(|| format!("mmap {size} bytes"))?;
        Ok(Self { start, size })
    }

    /// Where it is mapped, in this process.
    pub fn start(&self) -> *mut u8 {
        self.start.as_ptr().cast()
    }

    /// Its length in bytes.
    pub fn size(&self) -> usize {
        self.size
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // SAFETY: it was mapped with this size, and nothing borrows it any more.
        let _ = unsafe { munmap(self.start, self.size) };
    }
}
