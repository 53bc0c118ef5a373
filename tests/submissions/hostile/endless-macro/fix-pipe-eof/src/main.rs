//! Hostile: the compiler would work on this for days.
macro_rules! twice {
    ($($t:tt)*) => { twice!($($t)* $($t)*); };
}
twice!(a);

fn main() {}
