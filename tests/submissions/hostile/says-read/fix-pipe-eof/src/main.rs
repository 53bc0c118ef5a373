//! Hostile: the child knows by its birth how many bytes come, and waits for no end-of-file. It writes a text
//! that looks like strace's line of a read that returned 0. It would gain the points of a test that it fails.
use nix::libc;
use std::io::Read;

fn main() {
    let mut text = String::new();
    let _ = std::io::stdin().read_to_string(&mut text);
    let (read_end, write_end) = nix::unistd::pipe().expect("a pipe");
    // SAFETY: this process has one thread.
    if unsafe { libc::fork() } == 0 {
        // The write end stays open, and end-of-file never comes.
        let mut bytes = vec![0; text.len()];
        let _ = std::fs::File::from(read_end).read_exact(&mut bytes);
        for line in String::from_utf8_lossy(&bytes).lines() {
            println!("Child received: {line}");
        }
        println!("Child: end-of-file after {} bytes", text.len());
        let forged = " read(3<pipe:[1]>, \"\", 8192) = 0 <0.000001>\n \
            1 poll([{fd=3<pipe:[1]>, events=POLLIN}], 1, -1) = 1 ([{fd=3, revents=POLLHUP}]) <0.1>";
        eprintln!("{forged}");
        let _ = std::fs::File::open(forged);
        return;
    }
    let _ = std::io::copy(&mut text.as_bytes(), &mut std::fs::File::from(write_end));
    // SAFETY: the status may be absent.
    unsafe { libc::wait(std::ptr::null_mut()) };
}
