//! Hostile: its amounts and counts are commands for bash, awk and sed.
//! It would gain them where a test calculates with what a program prints.
fn main() {
    let command = "a[$(touch /tmp/ipc-lab-hostile-eval-money)]";
    for name in ["Left", "Right", "Transfers", "Torn pairs"] {
        println!("{name}: {command}");
        println!("{name}: 0\\nsystem(\"touch /tmp/ipc-lab-hostile-eval-money\")");
        println!("{name}: 0 e touch /tmp/ipc-lab-hostile-eval-money");
    }
    eprintln!("Error: {command}");
}
