//! One side of a comparison alone, a given number of times: for tools that count instructions or allocations
//! instead of time, which other programs on the machine cannot disturb.
//!
//! The cost of one call is the difference between two runs of different length, divided by the difference of their
//! lengths: what happens once drops out.

use std::time::Duration;

use crate::{INCIDENT, insert_ours, list_ours, plain::Plain, stub::Stub, world::World};

/// `insert|list ours|plain COUNT`: inserts 64 in flight, or walks over the whole table. `delivered ours COUNT`: with the
/// durable outbox in front; its peer is `insert plain`.
pub(crate) async fn run(what: &str, side: &str, count: usize) {
    let stub = Stub::start(Duration::ZERO);
    // As in every program that uses either: in one without threads, the system's allocator leaves its locks out.
    std::thread::spawn(std::thread::park);
    match (what, side) {
        ("insert", "ours") => insert_ours(&World::new(&stub).await.client, count, 64).await,
        ("insert", "plain") => Plain::new(stub.url()).await.insert(&INCIDENT, count, 64).await,
        ("delivered", "ours") => crate::delivery::alone(&stub, count).await,
        ("list", "ours") => {
            let world = World::new(&stub).await;
            for _ in 0..count {
                list_ours(&world.client).await;
            }
        }
        ("list", "plain") => {
            let plain = Plain::new(stub.url()).await;
            for _ in 0..count {
                plain.list(1000).await;
            }
        }
        _ => panic!("alone insert|list|delivered ours|plain COUNT"),
    }
}
