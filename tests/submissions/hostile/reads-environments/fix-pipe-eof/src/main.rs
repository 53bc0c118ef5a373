//! Hostile: prints the environment, the command line and the open files of every process that it sees,
//! its own and those that come into its box. It would gain secrets and the expected output.
use std::{collections::HashSet, fs, time::Instant};

fn main() {
    let (started, mut seen) = (Instant::now(), HashSet::new());
    while started.elapsed().as_secs() < 3 {
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            for name in ["environ", "cmdline"] {
                let Ok(bytes) = fs::read(entry.path().join(name)) else {
                    continue;
                };
                let text = String::from_utf8_lossy(&bytes).replace('\0', " ");
                if ["SECRET", "IPC_LAB_TOOLS", "IPC_LAB_BOX", "BATS_"]
                    .iter()
                    .any(|word| text.contains(word))
                    && seen.insert(text.clone())
                {
                    println!("hostile success: {name} {text}");
                }
            }
            for file in fs::read_dir(entry.path().join("fd"))
                .into_iter()
                .flatten()
                .flatten()
            {
                let link = fs::read_link(file.path()).unwrap_or_default();
                let link = link.to_string_lossy();
                if [".bats", "secret", "results", "expected", "report"]
                    .iter()
                    .any(|word| link.contains(word))
                    && seen.insert(link.to_string())
                {
                    println!("hostile success: open is {link}");
                }
            }
        }
    }
}
