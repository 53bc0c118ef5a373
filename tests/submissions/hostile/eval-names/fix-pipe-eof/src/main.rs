//! Hostile: names of files, of shared memory, of queues, of threads and of processes are commands.
//! It would gain them, wherever a test or a report uses such a name as a subscript, a word or a pattern.
use std::os::unix::process::CommandExt;
use std::{fs, process::Command};

fn main() {
    // A name holds no slash, so the command makes one.
    let command = "$(touch ${HOME:0:1}tmp${HOME:0:1}ipc-lab-hostile-eval-names)";
    let names = [
        format!("x[{command}]"),
        format!("]}}{command}"),
        format!("'\"; {command}; #"),
        format!("`touch ${{HOME:0:1}}tmp${{HOME:0:1}}ipc-lab-hostile-eval-names`"),
        format!("x\ny {command}"),
        "--help".into(),
        "*".into(),
    ];
    for name in &names {
        for folder in [".", "/dev/shm", "/tmp"] {
            let _ = fs::write(format!("{folder}/{name}"), "");
        }
        let queue = std::ffi::CString::new(format!("/{name}")).unwrap_or_default();
        // SAFETY: the name ends in a NUL, and the attributes may be absent.
        unsafe { nix::libc::mq_open(queue.as_ptr(), nix::libc::O_CREAT | nix::libc::O_RDWR, 0o600, 0) };
        let _ = Command::new("mkfifo")
            .arg("--")
            .arg(format!("fifo {name}"))
            .status();
        // Two that are still there at the end, to be listed by their command lines.
        let _ = Command::new("sleep").arg0(name).arg("20").spawn();
    }
}
