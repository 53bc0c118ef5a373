//! What is taken of a submission: regular `.rs` files below `<exercise>/src`, and nothing else.
//!
//! From the submission's directory down each name is opened in the directory that has been opened before
//! it, and no symbolic link is followed. So nothing can be exchanged between a look and the reading.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, openat};
use nix::sys::stat::{Mode, SFlag, fstat, fstatat};

use crate::name::{self, is_unseen};
use crate::results::Untested;

/// How many bytes of source one exercise may have.
const LIMIT: u64 = 1 << 20;
/// How deep its folders may go, how many files there may be, and how many names in all.
const DEPTH: usize = 8;
const FILES: usize = 200;
const ENTRIES: usize = 10_000;
/// How many bytes the path of a file below `src` may have.
const PATH: usize = 255;

/// What a student is told whose submission is refused.
pub const WHAT_IS_TAKEN: &str = "A submission is a folder with EXERCISE/src in it, and there regular .rs files, \
    1 MiB in all: no links, no folder around it, no archive.";

/// The sources of an exercise, by their paths below `src`.
pub type Sources = Vec<(PathBuf, Vec<u8>)>;

/// Why nothing is taken, and what the student is told.
#[derive(Debug)]
pub struct Nothing {
    /// The kind of the reason.
    pub why: Untested,
    /// The reason in words.
    pub told: String,
}

/// The directory of a submission, opened.
pub struct Submission(OwnedFd);

impl Submission {
    /// Opens the directory. If `path` itself is a symbolic link, it is refused, because a student may have
    /// made that name; `path/.` is the directory that the link leads to.
    ///
    /// # Errors
    /// When it is no directory, or cannot be opened.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        match folder(AT_FDCWD, path.as_os_str()) {
            Ok(opened) => Ok(Self(opened)),
            Err(errno) => match kind(AT_FDCWD, path.as_os_str()) {
                Ok(SFlag::S_IFLNK) => bail!(
                    "{} is a symbolic link, and a submission must be a folder",
                    path.display()
                ),
                Ok(SFlag::S_IFDIR) => {
                    Err(errno).with_context(|| format!("open {}", path.display()))
                }
                _ => bail!("{} is no folder", path.display()),
            },
        }
    }

    /// Whether it holds something for that exercise, also if that will be refused.
    pub fn has(&self, exercise: &str) -> bool {
        let is_something = |kind| matches!(kind, SFlag::S_IFDIR | SFlag::S_IFLNK);
        match kind(&self.0, OsStr::new(exercise)) {
            Ok(SFlag::S_IFLNK) => true,
            Ok(SFlag::S_IFDIR) => match folder(&self.0, OsStr::new(exercise)) {
                Ok(opened) => kind(opened, OsStr::new("src")).is_ok_and(is_something),
                // What is wrong is told when it is to be read.
                Err(_) => true,
            },
            _ => false,
        }
    }

    /// The sources of one exercise.
    ///
    /// # Errors
    /// When there are none, when something there is no regular `.rs` file, or when it is too much.
    pub fn sources(&self, exercise: &str) -> Result<Sources, Nothing> {
        if !self.has(exercise) {
            return Err(Nothing {
                why: Untested::NotHandedIn,
                told: format!("there is no folder {exercise}/src"),
            });
        }
        self.read(exercise).map_err(|error| Nothing {
            why: Untested::Refused,
            told: format!("{error:#}"),
        })
    }

    fn read(&self, exercise: &str) -> anyhow::Result<Sources> {
        let above = enter(&self.0, OsStr::new(exercise), exercise)?;
        let src = enter(&above, OsStr::new("src"), &format!("{exercise}/src"))?;
        let mut taken = Taken::default();
        taken.collect(src, Path::new(""), 0)?;
        let found = taken.files;
        ensure!(!found.is_empty(), "{exercise}/src holds no .rs file");
        Ok(found)
    }
}

/// What has been read so far.
#[derive(Default)]
struct Taken {
    files: Sources,
    bytes: u64,
    entries: usize,
}

impl Taken {
    fn collect(&mut self, opened: OwnedFd, below: &Path, depth: usize) -> anyhow::Result<()> {
        ensure!(depth <= DEPTH, "src: folders more than {DEPTH} deep");
        let read = || format!("read {}", shown(below));
        let mut opened = Dir::from_fd(opened).with_context(read)?;
        let mut names: Vec<OsString> = Vec::new();
        for entry in opened.iter() {
            let entry = entry.with_context(read)?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                self.entries += 1;
                ensure!(self.entries <= ENTRIES, "src: more than {ENTRIES} names");
                names.push(OsStr::from_bytes(name).to_owned());
            }
        }
        // The same complaint at each grading, whatever the file system's order.
        names.sort();
        for name in names {
            let path = below.join(&name);
            let shown = shown(&path);
            match kind(&opened, &name).with_context(|| format!("lstat {shown}"))? {
                SFlag::S_IFDIR => {
                    fits(&path, &shown)?;
                    let inner = enter(&opened, &name, &shown)?;
                    self.collect(inner, &path, depth + 1)?;
                }
                SFlag::S_IFLNK => bail!("{shown} is a symbolic link: only regular files are taken"),
                SFlag::S_IFREG if path.extension().is_some_and(|suffix| suffix == "rs") => {
                    fits(&path, &shown)?;
                    ensure!(self.files.len() < FILES, "src: more than {FILES} files");
                    let text = read_file(&opened, &name, LIMIT - self.bytes, &shown)?;
                    self.bytes += text.len() as u64;
                    self.files.push((path, text));
                }
                // Whatever else is there (notes, build products) is left where it is.
                _ => {}
            }
        }
        Ok(())
    }
}

/// Refuses a name that no compiler needs and that a page or a log could show wrongly.
fn fits(path: &Path, shown: &str) -> anyhow::Result<()> {
    let text = path.to_str();
    ensure!(
        text.is_some_and(|text| !text.contains(is_unseen)),
        "{shown}: a name may hold neither control characters nor bytes that are no UTF-8"
    );
    let bytes = path.as_os_str().len();
    ensure!(
        bytes <= PATH,
        "a path below src has {bytes} bytes, and at most {PATH} are taken"
    );
    Ok(())
}

fn shown(below: &Path) -> String {
    format!("src/{}", name::shown(below.as_os_str()))
}

/// What a name stands for; a link is looked at, never followed.
fn kind(within: impl AsFd, name: &OsStr) -> Result<SFlag, Errno> {
    let about = fstatat(within, name, AtFlags::AT_SYMLINK_NOFOLLOW)?;
    Ok(SFlag::from_bits_truncate(about.st_mode) & SFlag::S_IFMT)
}

/// Opens a directory by its name; a link to one is none.
fn folder(within: impl AsFd, name: &OsStr) -> Result<OwnedFd, Errno> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    openat(within, name, flags, Mode::empty())
}

/// Opens a directory of the submission, and says what is wrong with it.
fn enter(within: &impl AsFd, name: &OsStr, shown: &str) -> anyhow::Result<OwnedFd> {
    folder(within, name).or_else(|errno| match kind(within, name) {
        Ok(SFlag::S_IFLNK) => bail!("{shown} is a symbolic link: only folders are taken"),
        _ => Err(errno).with_context(|| format!("open {shown}")),
    })
}

/// Reads a file that may have been exchanged for something else since it was listed.
fn read_file(within: &Dir, name: &OsStr, room: u64, shown: &str) -> anyhow::Result<Vec<u8>> {
    // O_NONBLOCK: opening a FIFO would block.
    let flags = OFlag::O_RDONLY
        | OFlag::O_NOFOLLOW
        | OFlag::O_NONBLOCK
        | OFlag::O_NOCTTY
        | OFlag::O_CLOEXEC;
    let opened = openat(within, name, flags, Mode::empty());
    let opened = opened.with_context(|| format!("open {shown}"))?;
    let about = fstat(&opened).with_context(|| format!("fstat {shown}"))?;
    let kind = SFlag::from_bits_truncate(about.st_mode) & SFlag::S_IFMT;
    ensure!(kind == SFlag::S_IFREG, "{shown} is no regular file");
    let mut text = Vec::new();
    let mut file = File::from(opened).take(room + 1);
    file.read_to_end(&mut text)
        .with_context(|| format!("read {shown}"))?;
    ensure!(text.len() as u64 <= room, "src: more than {LIMIT} bytes");
    Ok(text)
}

#[cfg(test)]
mod tests;
