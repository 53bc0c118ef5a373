//! Which paths are FIFOs. strace shows a FIFO by its path alone, as it shows a file.

use std::collections::HashSet;

use crate::ends::path_of;
use crate::strace::{Call, Value};

/// The paths at which these calls have made a FIFO, and at which there was never anything else.
///
/// A program may make a FIFO, remove it, and put a file there: then nothing that went by this path is
/// known to have gone through a FIFO. `folder` is the working directory, with a slash at its end: calls like
/// unlink(2) are shown without it.
pub(crate) fn fifos<'a>(calls: impl Iterator<Item = &'a Call>, folder: &str) -> HashSet<String> {
    let mut calls: Vec<_> = calls.filter(|call| concerns_names(call)).collect();
    calls.sort_by_key(|call| call.end());
    let (mut fifos, mut there, mut others) = (HashSet::new(), HashSet::new(), HashSet::new());
    for call in calls {
        let Some(path) = path_of(call).map(|path| absolute(path, folder)) else {
            continue;
        };
        match call.name.as_str() {
            "mknod" | "mknodat" if call.value().is_some() => {
                there.insert(path.clone());
                fifos.insert(path);
            }
            // It was there already: made by a program that is not in the logs, unless a call of these made
            // something else.
            "mknod" | "mknodat" => {
                if has_failed(call, "EEXIST") && !others.contains(&path) {
                    there.insert(path.clone());
                    fifos.insert(path);
                }
            }
            _ if call.value().is_none() => {}
            "unlink" | "unlinkat" => {
                there.remove(&path);
            }
            "rename" | "renameat" | "renameat2" | "link" | "linkat" => {
                let Some(to) = second_path(call, &path) else {
                    continue;
                };
                if there.contains(&path) {
                    there.insert(to.clone());
                    fifos.insert(to);
                } else {
                    others.insert(to);
                }
                if call.name.starts_with("rename") {
                    there.remove(&path);
                }
            }
            // open, with O_CREAT.
            _ => {
                if !there.contains(&path) {
                    others.insert(path);
                }
            }
        }
    }
    fifos.retain(|path| !others.contains(path));
    fifos
}

fn absolute(path: String, folder: &str) -> String {
    match path.starts_with('/') {
        true => path,
        false => format!("{folder}{}", path.trim_start_matches("./")),
    }
}

fn concerns_names(call: &Call) -> bool {
    match call.name.as_str() {
        "mknod" | "mknodat" => call.has("S_IFIFO"),
        "open" | "openat" | "creat" => call.name == "creat" || call.has("O_CREAT"),
        name => matches!(
            name,
            "unlink" | "unlinkat" | "rename" | "renameat" | "renameat2" | "link" | "linkat"
        ),
    }
}

fn has_failed(call: &Call, error: &str) -> bool {
    matches!(&call.outcome, crate::strace::Outcome::Failed(name) if name == error)
}

/// The name that a file gets, made absolute where the first one is.
fn second_path(call: &Call, first: &str) -> Option<String> {
    let place = match call.name.as_str() {
        "rename" | "link" => 1,
        _ => 3,
    };
    let text = call.argument(place).and_then(Value::text)?;
    let path = String::from_utf8_lossy(&text.bytes).into_owned();
    let folder = first.rsplit_once('/').map_or("", |(folder, _)| folder);
    match path.starts_with('/') {
        true => Some(path),
        false => Some(format!("{folder}/{}", path.trim_start_matches("./"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Trace;

    fn of(log: &str) -> Vec<String> {
        let mut trace = Trace::default();
        trace.add(log, 5, "log");
        trace.connect();
        let calls = trace.tasks.values().flat_map(|task| &task.calls);
        let mut found: Vec<_> = fifos(calls, &trace.folder).into_iter().collect();
        found.sort();
        found
    }

    const MADE: &str = "1.1 mknodat(AT_FDCWD</w>, \"f\", S_IFIFO|0600) = 0 <0.1>\n";
    const GONE: &str = "1.3 unlink(\"/w/f\") = 0 <0.1>\n";
    const FILE: &str =
        "1.5 openat(AT_FDCWD</w>, \"f\", O_WRONLY|O_CREAT|O_TRUNC, 0666) = 3</w/f> <0.1>\n";

    #[test]
    fn a_file_at_the_path_of_a_fifo_is_none() {
        assert_eq!(of(MADE), ["/w/f"]);
        assert_eq!(of(&format!("{MADE}{GONE}")), ["/w/f"]);
        assert!(of(&format!("{MADE}{GONE}{FILE}")).is_empty());
        assert!(of(&format!("{FILE}{}", MADE.replace("1.1", "1.8"))).is_empty());
        let relative = GONE.replace("/w/f", "f");
        assert!(of(&format!("{MADE}{relative}{FILE}")).is_empty());
        // O_CREAT finds the FIFO.
        assert_eq!(of(&format!("{MADE}{FILE}")), ["/w/f"]);
        let exists = MADE.replace("= 0", "= -1 EEXIST (File exists)");
        assert_eq!(of(&exists), ["/w/f"]);
        let late = exists.replace("1.1", "1.8");
        assert!(of(&format!("{FILE}{late}")).is_empty());
    }

    #[test]
    fn a_fifo_that_is_moved_is_one_there_too() {
        let moves =
            "1.3 renameat2(AT_FDCWD</w>, \"f\", AT_FDCWD</w>, \"g\", RENAME_NOREPLACE) = 0 <0.1>\n";
        assert_eq!(of(&format!("{MADE}{moves}")), ["/w/f", "/w/g"]);
        let other = moves.replace("\"f\"", "\"x\"").replace("\"g\"", "\"f\"");
        assert!(of(&format!("{MADE}{other}")).is_empty());
    }
}
