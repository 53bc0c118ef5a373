//! Where it all happens, what is in the way there, and how to look what is left.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::Context;
use lesson::{Made, note};
use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::sys::mman::{shm_open, shm_unlink};
use nix::sys::resource::{Resource, getrlimit, rlim_t, setrlimit};
use nix::sys::stat::Mode;
use nix::unistd::{mkdtemp, unlink};

/// A folder with a name that nobody else has, and a segment of the same name.
pub struct Stage {
    folder: PathBuf,
    descriptors: usize,
    _made: Made,
}

impl Stage {
    /// Makes the folder, mode 0700; at the end, and on a signal, it goes with all that is there.
    pub fn new() -> anyhow::Result<Self> {
        let descriptors = descriptors()?;
        let template = std::env::temp_dir().join("cleanup-XXXXXX");
        let making = lesson::making();
        let folder =
            mkdtemp(&template).with_context(|| format!("mkdtemp {}", template.display()))?;
        let made = folder.clone();
        let remove = move || {
            let removed = clear(&made).and_then(|()| {
                fs::remove_dir(&made).with_context(|| format!("rmdir {}", made.display()))
            });
            if let Err(error) = removed {
                note!("{error:#}");
            }
        };
        Ok(Self {
            folder,
            descriptors,
            _made: making.remove_at_end(remove),
        })
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub fn segment(&self) -> PathBuf {
        segment(&self.folder)
    }

    /// What is there at this moment: names in the folder, the segment, descriptors.
    pub fn look(&self) -> anyhow::Result<String> {
        let mut there = names(&self.folder)?;
        // Linux keeps the segments as files, see shm_overview(7).
        let segment = Path::new("/dev/shm").join(self.folder.file_name().unwrap_or_default());
        if fs::exists(&segment).with_context(|| format!("stat {}", segment.display()))? {
            there.push(segment.display().to_string());
        }
        match descriptors()?.saturating_sub(self.descriptors) {
            0 => {}
            more => there.push(format!("new descriptors: {more}")),
        }
        if there.is_empty() {
            there.push("nothing".into());
        }
        Ok(there.join(", "))
    }

    /// Puts something in the way of a step, as another program might, and says what it is.
    pub fn obstruct(&self, step: usize) -> anyhow::Result<&'static str> {
        let _making = lesson::making();
        let file = |name| {
            let path = self.path(name);
            File::create_new(&path).with_context(|| format!("create {}", path.display()))
        };
        match step {
            1 => file("fifo").map(|_| "A file has the FIFO's name"),
            2 => Ok("No descriptor is free (RLIMIT_NOFILE)"),
            3 => file("socket").map(|_| "A file has the socket's name"),
            _ => {
                let flags = OFlag::O_CREAT | OFlag::O_EXCL;
                shm_open(&self.segment(), flags, Mode::S_IRUSR | Mode::S_IWUSR)
                    .with_context(|| format!("shm_open {}", self.segment().display()))?;
                Ok("The segment exists already")
            }
        }
    }

    /// Removes all that is there.
    pub fn clear(&self) -> anyhow::Result<()> {
        let _making = lesson::making();
        clear(&self.folder)
    }
}

/// Takes no descriptor: a signal may come when there is none.
fn clear(folder: &Path) -> anyhow::Result<()> {
    for path in [folder.join("fifo"), folder.join("socket")] {
        match unlink(&path) {
            Ok(()) | Err(Errno::ENOENT) => {}
            Err(errno) => Err(errno).with_context(|| format!("unlink {}", path.display()))?,
        }
    }
    let segment = segment(folder);
    match shm_unlink(&segment) {
        Ok(()) | Err(Errno::ENOENT) => Ok(()),
        Err(errno) => Err(errno).with_context(|| format!("shm_unlink {}", segment.display())),
    }
}

/// The name that shm_open takes: a slash, and no other.
fn segment(folder: &Path) -> PathBuf {
    Path::new("/").join(folder.file_name().unwrap_or_default())
}

fn names(folder: &Path) -> anyhow::Result<Vec<String>> {
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let entries = entries.with_context(|| format!("read the folder {}", folder.display()))?;
    let mut names: Vec<_> = entries
        .iter()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    Ok(names)
}

/// How many descriptors this process has open, the one for looking among them.
fn descriptors() -> anyhow::Result<usize> {
    Ok(names(Path::new("/proc/self/fd"))?.len())
}

/// While it lives no descriptor can be opened: see RLIMIT_NOFILE in getrlimit(2).
pub struct Limit(rlim_t, rlim_t);

impl Limit {
    pub fn no_descriptor() -> anyhow::Result<Self> {
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).context("getrlimit")?;
        // Descriptors that are open stay so; a new one must be below the limit.
        setrlimit(Resource::RLIMIT_NOFILE, 0, hard).context("setrlimit")?;
        Ok(Self(soft, hard))
    }
}

impl Drop for Limit {
    fn drop(&mut self) {
        if let Err(errno) = setrlimit(Resource::RLIMIT_NOFILE, self.0, self.1) {
            note!("setrlimit: {errno}");
        }
    }
}
