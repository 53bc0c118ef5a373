//! Hostile: the total is a command, and so is the exit text; a child lives to be looked at.
//! It would gain that command when a test adds up, or asks for the id of a segment.
fn main() {
    println!("Total: a[$(touch /tmp/ipc-lab-hostile-eval-total)]");
    println!("Total: $(touch /tmp/ipc-lab-hostile-eval-total)");
    eprintln!("hint: $(touch /tmp/ipc-lab-hostile-eval-total)");
    let _ = std::process::Command::new("sleep").arg("3").status();
    std::process::exit(77);
}
