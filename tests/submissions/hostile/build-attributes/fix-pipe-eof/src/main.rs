//! Hostile: asks the linker for files of this machine and for other names, by attributes in the source. It would
//! gain a program that holds a file it may not read, or one that runs before main with other rights.
#![crate_name = "fix_pipe_eof"]
#[link(name = "/etc/shadow", kind = "static")]
unsafe extern "C" {}

#[used]
#[unsafe(link_section = ".init_array")]
static FIRST: extern "C" fn() = {
    extern "C" fn first() {
        println!("hostile, but only in its box");
    }
    first
};

fn main() {}
