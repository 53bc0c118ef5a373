//! The other half: counts with a command.
fn main() {
    println!("Sent: a[$(touch /tmp/ipc-lab-hostile-eval-receiver-port)] messages");
    eprintln!("Error: a message of $(touch /tmp/ipc-lab-hostile-eval-receiver-port) bytes");
}
