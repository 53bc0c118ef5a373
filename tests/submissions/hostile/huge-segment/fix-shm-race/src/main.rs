//! Hostile: a segment of 1.5 GiB (nothing of it is touched here, so the box's limit does not count), which the judge reads.
use nix::libc;
fn main() {
    let key = lesson::ftok(std::path::Path::new("."), 'S' as u8 as _).expect("a key");
    // SAFETY: numbers.
    let id = unsafe { libc::shmget(key, 3 << 29, libc::IPC_CREAT | 0o600 | 0o10000) };
    println!("Total: 0");
    eprintln!("id {id}");
    let mut line = String::new();
    let _ = std::io::stdin().read_line(&mut line);
    unsafe { libc::shmctl(id, libc::IPC_RMID, std::ptr::null_mut()) };
}
