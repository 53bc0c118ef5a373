//! Hostile: announces many ports, one of them a command, the last one a number; then prints its messages
//! with commands as numbers and lengths. It would gain that command in the shell that plays the peer.
fn main() {
    let command = "a[$(touch /tmp/ipc-lab-hostile-eval-receiver-port)]";
    println!("Receiver listening on port {command}");
    println!("Receiver listening on port 1\nReceiver listening on port 2");
    println!("Message {command}, {command} bytes: {command}");
    println!("Received: {command} messages");
}
