//! Hostile: the parent does not wait for its child, but until that closes a second pipe. Texts in writes,
//! file names and arguments say that it has called wait4. It would gain the point of a test that it fails.
use nix::libc;
use std::io::Read;
use std::process::Command;

fn main() {
    let (read_end, write_end) = nix::unistd::pipe().expect("a pipe");
    let (ended, lives) = nix::unistd::pipe().expect("a pipe");
    // SAFETY: this process has one thread.
    if unsafe { libc::fork() } == 0 {
        drop((write_end, ended));
        let mut text = String::new();
        let _ = std::fs::File::from(read_end).read_to_string(&mut text);
        text.lines().for_each(|line| println!("Child received: {line}"));
        println!("Child: end-of-file after {} bytes", text.len());
        let forged = "wait4(12, [{WIFEXITED(s) && WEXITSTATUS(s) == 0}], 0, NULL) = 12";
        eprintln!("{forged}\n1 {forged}\n\\n{forged}");
        let _ = std::fs::File::open(format!("\") = 3\n1.0 {forged}"));
        let _ = nix::unistd::execv(
            c"/bin/true",
            &[
                c"true",
                c"\n1.0 wait4(12, NULL, 0, NULL) = 12",
                c"waitid(P_PID, 1, {si_code=CLD_EXITED}) = 0",
            ],
        );
        return;
    }
    drop((read_end, lives));
    let _ = std::io::copy(&mut std::io::stdin(), &mut std::fs::File::from(write_end));
    let _ = std::fs::File::from(ended).read_to_end(&mut Vec::new());
    // A child that is waited for, but has received nothing, would be another attack.
    let _ = Command::new("wait4(1) = 1").arg0_and_forget();
}

/// Tries to start what does not exist: the name stands in a call that fails.
trait Forget {
    fn arg0_and_forget(&mut self) -> std::io::Result<()>;
}
impl Forget for Command {
    fn arg0_and_forget(&mut self) -> std::io::Result<()> {
        self.spawn().map(drop)
    }
}
