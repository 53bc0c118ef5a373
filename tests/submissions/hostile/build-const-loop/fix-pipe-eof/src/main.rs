//! Hostile: a constant that takes the compiler minutes. It would gain a grader without time: the build's
//! limit ends it.
#![allow(long_running_const_eval)]

const fn long() -> u64 {
    let mut number: u64 = 1;
    let mut round = 0u64;
    while round < 20_000_000_000 {
        number = number.wrapping_mul(6364136223846793005).wrapping_add(1);
        round += 1;
    }
    number
}
const NUMBER: u64 = long();

fn main() {
    println!("{NUMBER}");
}
