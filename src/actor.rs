//! A thread of its own that does as it is told over a short queue, so that who tells it can go on meanwhile.
//!
//! The writers of the tables and of the raw archive are such. Orders are followed one after the other, so what comes of them
//! does not depend on timing.

use std::panic;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use crate::durable::{OnPath, StorageError};

/// The thread. An error of it comes back with a later call, and a panic goes on in the caller. After either, and when it
/// is dropped before [`Self::finish`], the thread has ended and its work is unfinished.
pub struct Actor<Order, Done, Error> {
    orders: Option<SyncSender<Order>>,
    thread: Option<JoinHandle<Result<Done, Error>>>,
}

impl<Order, Done, Error> Actor<Order, Done, Error>
where
    Order: Send + 'static,
    Done: Default + Send + 'static,
    Error: Send + 'static,
{
    /// Starts the thread. It follows orders, of which at most `queue` wait, until one is the last, or nobody is left to give
    /// any; before that it ends with an error only. `path` is what it works on.
    ///
    /// # Errors
    /// When the system has no thread to give.
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

    /// Gives it an order; waits while too many wait.
    ///
    /// # Errors
    /// When this or an earlier one failed.
    pub fn tell(&mut self, order: Order) -> Result<(), Error> {
        let taken = self.orders.as_ref().is_some_and(|orders| orders.send(order).is_ok());
        if taken {
            return Ok(());
        }
        match self.join() {
            Err(error) => Err(error),
            Ok(_) => unreachable!("a thread that was not told to finish ends with an error"),
        }
    }

    /// Waits for its end; gives what came of the last order, which was told before.
    ///
    /// # Errors
    /// When an order failed.
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

impl<Order, Done, Error> Drop for Actor<Order, Done, Error> {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // Nobody wants its work any more, and what it has to say of it neither.
            let _unwanted = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Adds up what it is told; nothing is the end, and a negative number is refused.
    fn adder() -> Actor<Option<i32>, i32, String> {
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
        Actor::start("adder".to_owned(), Path::new("nowhere"), 2, follow).unwrap()
    }

    #[test]
    fn orders_are_followed_and_the_last_gives_the_result() {
        let mut actor = adder();
        for number in 1..=100 {
            actor.tell(Some(number)).unwrap();
        }
        actor.tell(None).unwrap();
        assert_eq!(actor.finish(), Ok(5050));
    }

    #[test]
    fn an_error_comes_back_with_a_later_order() {
        let mut actor = adder();
        actor.tell(Some(-1)).unwrap();
        let refused = (0..10).find_map(|number| actor.tell(Some(number)).err());
        assert_eq!(refused.as_deref(), Some("-1 is negative"));
    }

    #[test]
    #[should_panic(expected = "it is broken")]
    fn a_panic_goes_on_where_it_is_waited_for() {
        let follow = |_: &Receiver<()>| -> Result<(), String> { panic!("it is broken") };
        drop(Actor::start("broken".to_owned(), Path::new("nowhere"), 1, follow).unwrap().finish());
    }
}
