//! Hostile: prints the two signal masks itself, with a command where bash's arithmetic would look for
//! a number. It would gain a command of its choice outside its box, and the points of that test.
fn main() {
    let command = "0+a[$(echo x > /tmp/ipc-lab-hostile-eval-masks; echo 0)]";
    for name in ["SigBlk", "SigIgn"] {
        println!("{name}: {command}");
    }
}
