//! Hostile: leaves files in its folder, which is also HOME, that a helper could load or run: start files
//! of shells, programs named like the helpers. It would gain a command in what the judge runs.
use std::{fs, os::unix::fs::PermissionsExt};

fn main() {
    let script =
        "#!/bin/sh\necho 'hostile success: a helper ran this'; touch /tmp/ipc-lab-hostile-home-traps\n";
    let names = [
        ".bashrc",
        ".bash_profile",
        ".profile",
        ".bash_env",
        "ls",
        "grep",
        "cat",
        "bash",
        "sh",
        "mkfifo",
        "mv",
        "ln",
        "rm",
        "tee",
        "env",
        "setpriv",
        "prlimit",
        "setsid",
        "ipc-grade",
        "libc.so.6",
        "ld.so.preload",
    ];
    for name in names {
        let _ = fs::write(name, script);
        let _ = fs::set_permissions(name, fs::Permissions::from_mode(0o755));
    }
    let _ = fs::write("LC_ALL", "");
    std::thread::sleep(std::time::Duration::from_secs(3));
}
