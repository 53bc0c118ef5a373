//! Hostile: solves the exercise, but leaves 10,000 objects behind, some with newlines in their names, and
//! queues and segments as many as it may. It would gain the marks if listing them fails or takes too long.
use nix::libc;
use std::io::Read;

fn main() {
    for number in 0..10_000 {
        let newline = if number % 3 == 0 { "\nmsg key 0 id 0\n" } else { "" };
        let _ = std::fs::write(
            format!("/dev/shm/ipc-lab-hostile-floods-inventory-{number}{newline}"),
            "",
        );
        // SAFETY: these take numbers; the memory is never attached.
        unsafe {
            if number < 500 {
                libc::msgget(libc::IPC_PRIVATE, 0o600);
                libc::shmget(libc::IPC_PRIVATE, 1, 0o600);
                libc::semget(libc::IPC_PRIVATE, 1, 0o600);
            }
        }
    }
    let (read_end, write_end) = nix::unistd::pipe().expect("a pipe");
    // SAFETY: this process has one thread.
    if unsafe { libc::fork() } == 0 {
        drop(write_end);
        let mut text = String::new();
        let _ = std::fs::File::from(read_end).read_to_string(&mut text);
        text.lines().for_each(|line| println!("Child received: {line}"));
        println!("Child: end-of-file after {} bytes", text.len());
        return;
    }
    drop(read_end);
    let _ = std::io::copy(&mut std::io::stdin(), &mut std::fs::File::from(write_end));
    // SAFETY: the status may be absent.
    unsafe { libc::wait(std::ptr::null_mut()) };
}
