//! Hostile: what should be a port is an expression with a command in it, in several spellings.
//! It would gain that command, if a test puts its port into arithmetic or `printf -v`.
fn main() {
    let command = "a[$(touch /tmp/ipc-lab-hostile-eval-port)]";
    println!("Server listening on port 0+{command}");
    println!("Server listening on port x[$(touch /tmp/ipc-lab-hostile-eval-port)]+on port 1");
    println!("Server listening on port 08\nServer listening on port 0x10");
    println!("Server listening on port 99999999999999999999");
    std::thread::sleep(std::time::Duration::from_secs(20));
}
