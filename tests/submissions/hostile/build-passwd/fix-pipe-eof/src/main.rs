//! Hostile: the compiler is to read files of this machine that every user may read, and what it says about
//! those that it may not. It would gain the names of users, or of files.
mod hosts {
    pub const TEXT: &str = include_str!("/etc/hostname");
}
fn main() {
    println!("{} success: {}{}", "hostile", hosts::TEXT, include_str!("/etc/passwd"));
}
