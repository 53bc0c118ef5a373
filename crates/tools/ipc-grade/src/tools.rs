//! The programs of ours that tests run beside those of a student.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::ensure;

/// What tests in tests/exercises start, below the directory of this program.
const TOOLS: [&str; 3] = ["ipc-trace", "talk", "examples/segment"];

/// Checks that each of these programs has been built. A test that misses one would fail, and the
/// student would get the blame for it.
///
/// # Errors
/// When one of them is missing or cannot be executed.
pub fn tools_complete(folder: &Path) -> anyhow::Result<()> {
    for name in TOOLS {
        let file = folder.join(name);
        let is_program =
            |about: std::fs::Metadata| about.is_file() && about.permissions().mode() & 0o111 != 0;
        ensure!(
            file.metadata().is_ok_and(is_program),
            "{} is missing, and tests need it: make build",
            file.display()
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_missing_program_is_named() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?;
        fs::create_dir(folder.path().join("examples"))?;
        for name in TOOLS {
            let told = tools_complete(folder.path()).map_err(|error| error.to_string());
            let expected = folder.path().join(name);
            let expected = format!("{} is missing", expected.display());
            assert!(
                told.is_err_and(|told| told.starts_with(&expected) && told.ends_with("make build"))
            );
            fs::write(folder.path().join(name), "")?;
            assert!(tools_complete(folder.path()).is_err(), "no program");
            let mode = fs::Permissions::from_mode(0o755);
            fs::set_permissions(folder.path().join(name), mode)?;
        }
        tools_complete(folder.path())
    }

    /// Each program that a test takes from there stands in the list.
    #[test]
    fn the_list_is_that_of_the_tests() -> anyhow::Result<()> {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests");
        let mut files = vec![tests.join("exercise.bash"), tests.join("harness.bash")];
        for entry in fs::read_dir(tests.join("exercises"))? {
            files.push(entry?.path());
        }
        let mut found = Vec::new();
        for file in files.iter().filter(|file| file.is_file()) {
            let text = fs::read_to_string(file)?;
            for before in ["in_box ", "\"$TOOLS/"] {
                let names = text.split(before).skip(1);
                let end = |symbol: char| !(symbol.is_ascii_lowercase() || "-/".contains(symbol));
                let names = names.filter_map(|rest| rest.split(end).next());
                found.extend(names.filter(|name| !name.is_empty()).map(str::to_owned));
            }
        }
        found.retain(|name| !TOOLS.contains(&name.as_str()));
        // What is no program: words of a comment, and the prefix of a variable's value.
        assert_eq!(found, Vec::<String>::new());
        Ok(())
    }
}
