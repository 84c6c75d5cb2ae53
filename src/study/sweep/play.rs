//! Plays blocks on all threads and gathers them into settings.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::result::{CellResult, SweepResult};
use super::{Head, Item, Study};
use crate::sim::Model;
use crate::study::cell::{Block, BlockPlayer, BlockText, Cell, blocks};
use crate::study::pool;

/// Where finished blocks are kept beside the answer.
pub trait Keep: Send {
    /// Called with each block as it is finished, in any order.
    ///
    /// # Errors
    /// If it cannot be kept; then the study ends.
    fn keep(&mut self, block: &BlockText) -> std::io::Result<()>;
}

/// Blocks that came in, put together as soon as a setting has all of its own.
#[derive(Debug)]
pub struct Gather<'a> {
    head: &'a Head,
    /// Of settings that are not finished: by first replication.
    open: Mutex<BTreeMap<u32, BTreeMap<u32, Block>>>,
    finished: Mutex<BTreeMap<u32, CellResult>>,
    blocks_of_cell: usize,
}

impl<'a> Gather<'a> {
    /// Nothing yet.
    pub fn new(head: &'a Head) -> Self {
        let (open, finished) = Default::default();
        Self { head, open, finished, blocks_of_cell: blocks(head.runs).count() }
    }

    /// Takes a block of the study. The last one of a setting has it reduced, on this thread.
    pub fn take(&self, cell: u32, block: Block) {
        let mut open = lock(&self.open);
        let of_cell = open.entry(cell).or_default();
        of_cell.insert(block.first, block);
        if of_cell.len() < self.blocks_of_cell {
            return;
        }
        let whole = open.remove(&cell).unwrap_or_default();
        drop(open);
        let mut runs = Cell::default();
        for block in whole.into_values() {
            runs.push(block);
        }
        let result = CellResult::of(self.head, cell, &runs);
        lock(&self.finished).insert(cell, result);
    }

    /// The answer so far: of the settings that are finished.
    pub fn result(self) -> SweepResult {
        let finished = self.finished.into_inner().unwrap_or_else(PoisonError::into_inner);
        SweepResult::of(self.head.clone(), finished.into_values().collect())
    }
}

/// A panic elsewhere ends the program anyway.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Plays `items` in this order on so many threads (0: one per core) until `stop` says so. Each
/// thread takes the next one when it is free.
///
/// # Errors
/// If a finished block could not be kept.
pub fn play(
    study: &Study,
    items: &[Item],
    threads: usize,
    stop: &AtomicBool,
    keep: &Mutex<&mut dyn Keep>,
    done: &(dyn Fn(u32, Block) + Sync),
) -> std::io::Result<()> {
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(None);
    let take = || {
        if stop.load(Ordering::Relaxed) || lock(&failed).is_some() {
            return None;
        }
        items.get(next.fetch_add(1, Ordering::Relaxed))
    };
    let finish = |item: &Item, block: Block| {
        let text = BlockText::of(item.cell, &block);
        if let Err(error) = lock(keep).keep(&text) {
            *lock(&failed) = Some(error);
        }
        done(item.cell, block);
    };
    let work = || {
        let mut item = take();
        while let Some(first) = item {
            let Some(scenario) = &study.scenarios[first.cell as usize] else {
                item = take();
                continue;
            };
            // Made once for all blocks of a setting that come to this thread in a row.
            let model = Model::new(scenario);
            let mut player = BlockPlayer::new(scenario, &model, study.head.seed);
            while let Some(here) = item.filter(|item| item.cell == first.cell) {
                finish(here, player.play(here.runs.clone(), study.head.requests()));
                item = take();
            }
        }
    };
    pool::install(threads, || {
        rayon::broadcast(|_| work());
    });
    match failed.into_inner() {
        Ok(Some(error)) => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::cell::Requests;
    use crate::study::sweep::tests::study;

    struct Nowhere;

    impl Keep for Nowhere {
        fn keep(&mut self, _: &BlockText) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn whole(threads: usize) -> SweepResult {
        let study = study(120, Requests::Share(0.3));
        let gather = Gather::new(&study.head);
        let items = study.head.items();
        let done = |cell, block| gather.take(cell, block);
        play(&study, &items, threads, &AtomicBool::new(false), &Mutex::new(&mut Nowhere), &done)
            .unwrap();
        gather.result()
    }

    #[test]
    fn threads_do_not_show() {
        let one = whole(1);
        assert_eq!(one.cells.len(), 3);
        assert!(one.cells.iter().all(|cell| cell.runs == 120 && cell.runs_requests < 60));
        assert_eq!(format!("{one:?}"), format!("{:?}", whole(3)));
    }

    #[test]
    fn who_is_told_to_stop_stops() {
        let study = study(120, Requests::All);
        let stop = AtomicBool::new(false);
        let gather = Gather::new(&study.head);
        let done = |cell, block| {
            gather.take(cell, block);
            stop.store(cell == 1, Ordering::Relaxed);
        };
        let items = study.head.items();
        play(&study, &items, 1, &stop, &Mutex::new(&mut Nowhere), &done).unwrap();
        let result = gather.result();
        assert_eq!((result.cells.len(), result.is_whole()), (1, false));
    }

    #[test]
    fn what_cannot_be_kept_ends_it() {
        struct Full;
        impl Keep for Full {
            fn keep(&mut self, _: &BlockText) -> std::io::Result<()> {
                Err(std::io::Error::other("no space"))
            }
        }
        let study = study(50, Requests::All);
        let items = study.head.items();
        let stop = AtomicBool::new(false);
        let error = play(&study, &items, 1, &stop, &Mutex::new(&mut Full), &|_, _| {}).unwrap_err();
        assert_eq!(error.to_string(), "no space");
    }
}
