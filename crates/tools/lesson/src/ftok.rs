//! Keys of System V IPC; the lesson `sysv-msgq` explains them.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use anyhow::Context;
use nix::errno::Errno;

/// The System V key of `directory` and `id`, the same in every process: see ftok(3).
///
/// # Errors
/// When `directory` does not exist or cannot be reached.
pub fn ftok(directory: &Path, id: u8) -> anyhow::Result<libc::key_t> {
    let path = CString::new(directory.as_os_str().as_bytes()).context("a path with a NUL")?;
    // SAFETY: `path` is a NUL-terminated string that outlives the call.
    let key = unsafe { libc::ftok(path.as_ptr(), id.into()) };
    let call = || format!("ftok({}, '{}')", directory.display(), char::from(id));
    Errno::result(key).with_context(call)
}
