//! Threads.

/// Runs `work` on so many threads (0: one per core).
pub(super) fn install<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    match rayon::ThreadPoolBuilder::new().num_threads(threads).build() {
        Ok(pool) => pool.install(work),
        // Without threads of its own it runs on those of the process.
        Err(_) => work(),
    }
}
