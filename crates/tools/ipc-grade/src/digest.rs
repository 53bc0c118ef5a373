//! Whether a verdict still holds: a digest of what was graded and of the tests that graded it.

use std::fs;
use std::os::unix::ffi::OsStrExt;

use anyhow::Context;
use sha2::{Digest, Sha256};

use crate::exercise::{Exercise, Project};
use crate::overlay::{Nothing, Sources};

/// The digest of a submission's sources, and of the tests, their points and what they load. `taken` holds
/// for each exercise what was taken of the submission.
///
/// # Errors
/// When the tests cannot be read; what is wrong with the submission goes into the digest.
pub fn of(
    project: &Project,
    exercises: &[Exercise],
    taken: &[Result<Sources, Nothing>],
) -> anyhow::Result<String> {
    let mut digest = Sha256::new();
    // Each piece with its length, so that no two lists of pieces look the same.
    let mut add = |piece: &[u8]| {
        digest.update((piece.len() as u64).to_le_bytes());
        digest.update(piece);
    };
    for name in ["tests/harness.bash", "tests/exercise.bash"] {
        let file = project.0.join(name);
        add(&fs::read(&file).with_context(|| format!("read {}", file.display()))?);
    }
    for (exercise, taken) in exercises.iter().zip(taken) {
        add(exercise.name.as_bytes());
        for test in &exercise.tests {
            add(test.title().as_bytes());
            let file = &test.file;
            add(&fs::read(file).with_context(|| format!("read {}", file.display()))?);
        }
        match taken {
            // They are in order.
            Ok(sources) => {
                for (path, text) in sources {
                    add(path.as_os_str().as_bytes());
                    add(text);
                }
            }
            Err(nothing) => add(nothing.told.as_bytes()),
        }
    }
    Ok(digest
        .finalize()
        .iter()
        .map(|it| format!("{it:02x}"))
        .collect())
}
