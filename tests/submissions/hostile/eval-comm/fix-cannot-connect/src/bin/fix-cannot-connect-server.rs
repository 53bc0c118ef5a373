//! The other half: listens nowhere.
fn main() {
    println!("Server listening on port a[$(touch /tmp/ipc-lab-hostile-eval-comm)]");
}
