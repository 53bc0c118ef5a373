//! What is taken of a submission: regular `.rs` files below `<exercise>/src`, and nothing else.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};

/// How many bytes of source one exercise may have.
const LIMIT: u64 = 1 << 20;
/// How deep its folders may go, and how many files there may be.
const DEPTH: usize = 8;
const FILES: usize = 200;

/// What a student is told whose submission is refused.
pub const WHAT_IS_TAKEN: &str = "A submission is a folder with EXERCISE/src in it, and there regular .rs files, \
    1 MiB in all: no links, no folder around it, no archive.";

/// The sources of one exercise in a submission, by their paths below `src`.
///
/// # Errors
/// When something there is no regular `.rs` file, or it is too much: the student is told.
pub fn sources(submission: &Path, exercise: &str) -> anyhow::Result<Vec<(PathBuf, Vec<u8>)>> {
    ensure!(
        has(submission, exercise),
        "there is no folder {exercise}/src (a symbolic link is none)"
    );
    let mut found = Vec::new();
    let root = submission.join(exercise).join("src");
    collect(&root, Path::new(""), 0, &mut found)?;
    ensure!(!found.is_empty(), "{exercise}/src holds no .rs file");
    Ok(found)
}

/// Whether a submission has something for that exercise.
pub fn has(submission: &Path, exercise: &str) -> bool {
    // A link is looked at, never followed.
    let is_folder = |path: &Path| fs::symlink_metadata(path).is_ok_and(|it| it.is_dir());
    is_folder(&submission.join(exercise)) && is_folder(&submission.join(exercise).join("src"))
}

fn collect(
    root: &Path,
    below: &Path,
    depth: usize,
    found: &mut Vec<(PathBuf, Vec<u8>)>,
) -> anyhow::Result<()> {
    ensure!(depth <= DEPTH, "src: folders more than {DEPTH} deep");
    let folder = root.join(below);
    let entries = fs::read_dir(&folder).with_context(|| format!("read {}", below.display()))?;
    for entry in entries {
        let entry = entry.with_context(|| format!("read {}", below.display()))?;
        let path = below.join(entry.file_name());
        let shown = format!("src/{}", path.display());
        let kind = entry
            .file_type()
            .with_context(|| format!("lstat {shown}"))?;
        if kind.is_dir() {
            collect(root, &path, depth + 1, found)?;
        } else if kind.is_symlink() {
            bail!("{shown} is a symbolic link: only regular files are taken");
        } else if kind.is_file() && path.extension().is_some_and(|it| it == "rs") {
            ensure!(found.len() < FILES, "src: more than {FILES} files");
            let so_far: u64 = found.iter().map(|(_, text)| text.len() as u64).sum();
            found.push((
                path.clone(),
                read(&root.join(&path), LIMIT - so_far, &shown)?,
            ));
        }
        // Whatever else is there (notes, build products) is left where it is.
    }
    Ok(())
}

/// Reads a file that may have been exchanged for something else since it was listed.
fn read(path: &Path, room: u64, shown: &str) -> anyhow::Result<Vec<u8>> {
    let mut options = File::options();
    // O_NONBLOCK: opening a FIFO would wait for ever.
    options
        .read(true)
        .custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    let file = options
        .open(path)
        .with_context(|| format!("open {shown}"))?;
    let metadata = file.metadata().with_context(|| format!("fstat {shown}"))?;
    ensure!(metadata.is_file(), "{shown} is no regular file");
    let mut text = Vec::new();
    let mut file = file.take(room + 1);
    file.read_to_end(&mut text)
        .with_context(|| format!("read {shown}"))?;
    ensure!(text.len() as u64 <= room, "src: more than {LIMIT} bytes");
    Ok(text)
}
