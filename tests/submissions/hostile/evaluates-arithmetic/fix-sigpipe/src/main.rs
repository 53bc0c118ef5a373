//! Prints text that bash would run if a test used it as a number.

fn main() {
    for kind in ["SigBlk", "SigIgn"] {
        println!("{kind}: 0+a[$(id > /tmp/evaluated-arithmetic; echo 0)]");
    }
}
