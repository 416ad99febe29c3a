//! A worker thread that follows orders from a short queue while its owner continues.
//!
//! The writers of the tables and of the raw archive use it. It follows orders one after the other, so the
//! result does not depend on timing.

use std::panic;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use crate::durable::{OnPath, StorageError};

/// A worker thread. A later call returns its error, or resumes its panic in the caller. After an error or a
/// panic the thread has ended with its work unfinished. The same holds if it is dropped before
/// [`Self::finish`].
pub struct WorkerThread<Order, Done, Error> {
    orders: Option<SyncSender<Order>>,
    thread: Option<JoinHandle<Result<Done, Error>>>,
}

impl<Order, Done, Error> WorkerThread<Order, Done, Error>
where
    Order: Send + 'static,
    Done: Default + Send + 'static,
    Error: Send + 'static,
{
    /// Starts the thread. At most `queue` orders wait. `follow` ends after the last order, on an error, or
    /// when the channel is closed. `path` is the file or folder that it works on.
    ///
    /// # Errors
    /// If the system cannot start a thread.
    pub fn start(
        name: String,
        path: &Path,
        queue: usize,
        follow: impl FnOnce(&Receiver<Order>) -> Result<Done, Error> + Send + 'static,
    ) -> Result<Self, StorageError> {
        let (sender, orders) = sync_channel(queue);
        let thread = thread::Builder::new()
            .name(name)
            .spawn(move || follow(&orders))
            .on("start the thread that writes to", path)?;
        Ok(Self { orders: Some(sender), thread: Some(thread) })
    }

    /// Sends an order. Waits while the queue is full.
    ///
    /// # Errors
    /// If this or an earlier order failed.
    pub fn send(&mut self, order: Order) -> Result<(), Error> {
        let taken = self.orders.as_ref().is_some_and(|orders| orders.send(order).is_ok());
        if taken {
            return Ok(());
        }
        match self.join() {
            Err(error) => Err(error),
            Ok(_) => unreachable!("before the last order, a thread ends only with an error"),
        }
    }

    /// Waits for the end of the thread and returns its result. The last order must have been sent.
    ///
    /// # Errors
    /// If an order failed.
    pub fn finish(mut self) -> Result<Done, Error> {
        self.join()
    }

    fn join(&mut self) -> Result<Done, Error> {
        self.orders = None;
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            Some(Err(panicked)) => panic::resume_unwind(panicked),
            None => Ok(Done::default()),
        }
    }
}

impl<Order, Done, Error> Drop for WorkerThread<Order, Done, Error> {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // The owner is gone: neither the result nor an error matters.
            let _unwanted = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Adds up the numbers it receives. `None` is the last order, and a negative number is an error.
    fn adder() -> WorkerThread<Option<i32>, i32, String> {
        let follow = |orders: &Receiver<Option<i32>>| {
            let mut sum = 0;
            for order in orders {
                match order {
                    Some(number) if number < 0 => return Err(format!("{number} is negative")),
                    Some(number) => sum += number,
                    None => break,
                }
            }
            Ok(sum)
        };
        WorkerThread::start("adder".to_owned(), Path::new("nowhere"), 2, follow).unwrap()
    }

    #[test]
    fn orders_are_followed_and_the_last_gives_the_result() {
        let mut worker = adder();
        for number in 1..=100 {
            worker.send(Some(number)).unwrap();
        }
        worker.send(None).unwrap();
        assert_eq!(worker.finish(), Ok(5050));
    }

    #[test]
    fn an_error_comes_back_with_a_later_order() {
        let mut worker = adder();
        worker.send(Some(-1)).unwrap();
        let refused = (0..10).find_map(|number| worker.send(Some(number)).err());
        assert_eq!(refused.as_deref(), Some("-1 is negative"));
    }

    #[test]
    #[should_panic(expected = "it is broken")]
    fn a_panic_resumes_in_the_caller() {
        let follow = |_: &Receiver<()>| -> Result<(), String> { panic!("it is broken") };
        drop(WorkerThread::start("broken".to_owned(), Path::new("nowhere"), 1, follow).unwrap().finish());
    }
}
