//! Hostile: three processes take 900 MiB each, below the limit of one process, and keep it for five seconds.
//! It would gain three times its share of memory. It does nothing where less than 8 GiB are available.
use nix::libc;

fn main() {
    let about = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = about
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))
        .unwrap_or("0 kB");
    let available: u64 = line.trim().trim_end_matches(" kB").parse().unwrap_or(0);
    if available < 8 << 20 {
        return;
    }
    let mut children = Vec::new();
    for _ in 0..3 {
        // SAFETY: this process has one thread.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            let memory = vec![1u8; 900 << 20];
            std::thread::sleep(std::time::Duration::from_secs(5));
            std::process::exit(i32::from(memory[12345]));
        }
        children.push(pid);
    }
    for pid in children {
        let mut status = 0;
        // SAFETY: the status is ours.
        unsafe { libc::waitpid(pid, &mut status, 0) };
        println!("900 MiB: status {status}");
    }
}
