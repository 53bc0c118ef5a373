//! Hostile: three processes write texts that look like strace's lines of semop, and make no semaphore. What
//! is printed is a constant of the arguments. It would gain all marks.
use std::io::Write;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (mut rounds, mut amounts) = (1000i64, Vec::new());
    while let Some(word) = arguments.next() {
        match word.as_str() {
            "--rounds" => rounds = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(1),
            "--micros" => drop(arguments.next()),
            number => amounts.push(number.parse::<i64>().unwrap_or(1)),
        }
    }
    let mut children = Vec::new();
    for _ in 0..3 {
        // SAFETY: this process has one thread.
        let pid = unsafe { libc::fork() };
        if pid == 0 {
            let (both, open) = (
                "[{sem_num=0, sem_op=-1, sem_flg=0}, {sem_num=1, sem_op=-1, sem_flg=0}]",
                "",
            );
            let give = "[{sem_num=0, sem_op=1, sem_flg=0}, {sem_num=1, sem_op=1, sem_flg=0}]";
            for _ in 0..2 * rounds.min(60) {
                for operations in [both, give] {
                    // SAFETY: a buffer of that length. The place for the set's id is the call's second word.
                    let text = format!(" semop(0, {operations}, 2{open}) = 0 <0.000001>\n");
                    unsafe { libc::write(2, text.as_ptr().cast(), text.len()) };
                }
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            return;
        }
        children.push(pid);
    }
    for pid in children {
        // SAFETY: the status may be absent.
        unsafe { libc::waitpid(pid, std::ptr::null_mut(), 0) };
    }
    let gain = rounds * (amounts[1] - amounts[0]);
    println!(
        "Left: {}\nRight: {}\nTransfers: {}\nTorn pairs: 0",
        1_000_000 + gain,
        1_000_000 - gain,
        2 * rounds
    );
    let _ = std::io::stdout().flush();
}
