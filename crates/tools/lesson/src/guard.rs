//! Objects that outlive a process, and the guard that removes them.

use std::sync::{Mutex, MutexGuard, PoisonError};

type Removal = Box<dyn FnOnce() + Send>;

/// How to remove each object, in the order of creation; `None` once the object is removed or kept.
static REMOVALS: Mutex<Vec<Option<Removal>>> = Mutex::new(Vec::new());

fn removals() -> MutexGuard<'static, Vec<Option<Removal>>> {
    REMOVALS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Creates an object that outlives this process: runs `make`, and returns what it made with a
/// guard. Dropping the guard runs `remove`; [`Guard::keep`] leaves the object in place.
///
/// [`clean_up_on_signal`](crate::clean_up_on_signal) runs `remove` too. A signal that arrives
/// during `make` waits until `make` has returned, so no object is left behind.
///
/// # Errors
/// The error of `make`; nothing is removed then.
pub fn create<T, E>(
    make: impl FnOnce() -> Result<T, E>,
    remove: impl FnOnce() + Send + 'static,
) -> Result<(T, Guard), E> {
    let making = making();
    let object = make()?;
    Ok((object, making.remove_at_end(remove)))
}

/// [`create`] for an object that the kernel names: `remove` gets the identifier that `make` returned.
///
/// # Errors
/// The error of `make`; nothing is removed then.
pub fn create_id<T: Clone + Send + 'static, E>(
    make: impl FnOnce() -> Result<T, E>,
    remove: impl FnOnce(T) + Send + 'static,
) -> Result<(T, Guard), E> {
    let making = making();
    let id = make()?;
    let removed = id.clone();
    Ok((id, making.remove_at_end(move || remove(removed))))
}

/// Removes its object when it is dropped, unless a signal has removed the object before.
#[must_use = "dropping it removes the object at once"]
pub struct Guard(usize);

impl Guard {
    /// Leaves the object in place, because the partner removes it.
    pub fn keep(self) {
        removals()[self.0] = None;
    }

    /// The former name of [`Guard::keep`]; solutions of exercises use it.
    pub fn leave(self) {
        self.keep();
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // The lock stays held during the removal, so a signal that arrives now waits.
        if let Some(remove) = removals()[self.0].take() {
            remove();
        }
    }
}

/// Removes all objects that this program created, the newest first. The caller is about to
/// terminate: the lock stays held, so that no thread creates another object.
pub fn clean_up() {
    let mut removals = removals();
    for removal in removals.iter_mut().rev() {
        if let Some(remove) = removal.take() {
            remove();
        }
    }
    std::mem::forget(removals);
}

/// Forgets all objects without removing them; false if another thread held the lock.
pub(crate) fn forget() -> bool {
    (REMOVALS.try_lock()).is_ok_and(|mut removals| {
        std::mem::forget(std::mem::take(&mut *removals));
        true
    })
}

/// Holds back a termination signal while an object is created: [`create`] in two steps.
pub struct Making(MutexGuard<'static, Vec<Option<Removal>>>);

/// Starts the creation of an object. Keep the result until the creating call has returned.
pub fn making() -> Making {
    Making(removals())
}

impl Making {
    /// The object exists now: returns the guard that runs `remove`.
    pub fn remove_at_end(mut self, remove: impl FnOnce() + Send + 'static) -> Guard {
        self.0.push(Some(Box::new(remove)));
        Guard(self.0.len() - 1)
    }
}
