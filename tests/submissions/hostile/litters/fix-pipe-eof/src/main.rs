//! Hostile: leaves a file and a folder in every place outside its folder where the next submission or the
//! grader may look. It would gain a channel to the next student, or a file that cargo reads.
use std::fs;

fn main() {
    // SAFETY: geteuid(2) has no arguments.
    if unsafe { nix::libc::geteuid() } == 0 {
        return; // outside of every box this would litter a machine
    }
    let mut places: Vec<String> = [
        "/tmp",
        "/var/tmp",
        "/dev/shm",
        "/dev/mqueue",
        "/run/lock",
        "/var/lock",
        "/run/user",
        "/var/crash",
        "/dev",
        "..",
    ]
    .map(String::from)
    .to_vec();
    // At level 2 the command lines of the grader tell where the project stands.
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        if let Some((project, _)) = line
            .split('\0')
            .next()
            .and_then(|word| word.split_once("/target/debug/"))
        {
            for below in [
                "",
                "/target",
                "/target/debug",
                "/target/ipc-grade",
                "/target/ipc-grade/home",
                "/target/ipc-grade/uids",
                "/target/ipc-grade/warm-2/debug/deps",
            ] {
                places.push(format!("{project}{below}"));
            }
        }
    }
    places.extend(
        fs::read_dir("/tmp")
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path().display().to_string()),
    );
    for place in places {
        for name in ["ipc-lab-hostile-litters", ".ipc-lab-hostile-litters"] {
            let _ = fs::write(format!("{place}/{name}"), "x");
            let _ = fs::create_dir(format!("{place}/{name}.d"));
        }
    }
}
