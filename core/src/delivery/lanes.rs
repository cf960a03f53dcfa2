//! The lanes of one worker, and which of them an account's alerts go to.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

use tokio::sync::watch;

use crate::id::{CustomerId, InstanceId};

/// Accounts that are registered with one instance.
pub(super) type Customers = Arc<[CustomerId]>;

#[derive(Default)]
pub(super) struct Lanes {
    running: HashMap<InstanceId, Ends>,
    of_customer: HashMap<CustomerId, InstanceId>,
    /// A drain begins each lane once.
    begun: HashSet<InstanceId>,
}

/// Our ends of what a lane listens to.
struct Ends {
    customers: watch::Sender<Customers>,
    bell: watch::Sender<()>,
}

impl Lanes {
    /// Follows the registrations: begins lanes, and tells those that run whom they work for. A lane whose accounts are
    /// gone finishes what it holds, and ends.
    pub(super) fn follow(
        &mut self,
        registered: BTreeMap<InstanceId, Vec<CustomerId>>,
        once: bool,
        mut begin: impl FnMut(InstanceId, watch::Receiver<Customers>, watch::Receiver<()>),
    ) {
        self.running.retain(|instance, lane| {
            if registered.contains_key(instance) {
                return !lane.customers.is_closed();
            }
            lane.customers.send_replace(Arc::from([]));
            false
        });
        self.of_customer.clear();
        for (instance, customers) in registered {
            self.of_customer.extend(customers.iter().map(|customer| (customer.clone(), instance.clone())));
            let customers: Customers = customers.into();
            if let Some(lane) = self.running.get(&instance) {
                let differs = lane.customers.send_if_modified(|present| {
                    let differs = **present != *customers;
                    if differs {
                        *present = customers;
                    }
                    differs
                });
                // For what rang before its account was known; a lane with the same accounts has missed nothing.
                if differs {
                    lane.bell.send_replace(());
                }
            } else if self.begun.insert(instance.clone()) || !once {
                let ((customers, told), (bell, heard)) = (watch::channel(customers), watch::channel(()));
                begin(instance.clone(), told, heard);
                self.running.insert(instance, Ends { customers, bell });
            }
        }
    }

    /// Wakes the lane of an account, and no other.
    pub(super) fn ring(&self, customer: &CustomerId) {
        if let Some(lane) = self.of_customer.get(customer).and_then(|instance| self.running.get(instance)) {
            lane.bell.send_replace(());
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn registered(pairs: &[(&str, &[&str])]) -> BTreeMap<InstanceId, Vec<CustomerId>> {
        let customers = |names: &[&str]| names.iter().map(|name| CustomerId((*name).to_owned())).collect();
        pairs.iter().map(|(instance, names)| (InstanceId((*instance).to_owned()), customers(names))).collect()
    }

    type Begun = BTreeMap<InstanceId, (watch::Receiver<Customers>, watch::Receiver<()>)>;

    fn follow(lanes: &mut Lanes, begun: &mut Begun, pairs: &[(&str, &[&str])], once: bool) {
        lanes.follow(registered(pairs), once, |instance, customers, bell| {
            begun.insert(instance, (customers, bell));
        });
    }

    #[test]
    fn what_is_accepted_wakes_the_lane_of_its_account_and_no_other() {
        let (mut lanes, mut begun) = (Lanes::default(), Begun::new());
        follow(&mut lanes, &mut begun, &[("one", &["a", "b"]), ("two", &["c"])], false);
        let awake = |begun: &mut Begun| -> Vec<String> {
            let rung = begun.iter_mut().filter(|(_, (_, bell))| bell.has_changed().unwrap());
            let names = rung.map(|(instance, (_, bell))| {
                bell.mark_unchanged();
                instance.to_string()
            });
            names.collect()
        };
        lanes.ring(&CustomerId("b".to_owned()));
        assert_eq!(awake(&mut begun), ["one"]);
        lanes.ring(&CustomerId("nobody's".to_owned()));
        assert!(awake(&mut begun).is_empty());
        // An account that has moved wakes the lane where it is now.
        follow(&mut lanes, &mut begun, &[("one", &["a"]), ("two", &["b", "c"])], false);
        assert_eq!(awake(&mut begun), ["one", "two"], "what rang before the account was known");
        lanes.ring(&CustomerId("b".to_owned()));
        assert_eq!(awake(&mut begun), ["two"]);
    }

    #[test]
    fn lanes_come_and_go_with_the_registrations_and_a_drain_begins_each_once() {
        for once in [false, true] {
            let (mut lanes, mut begun) = (Lanes::default(), Begun::new());
            follow(&mut lanes, &mut begun, &[("one", &["a"])], once);
            let (customers, _bell) = begun.pop_first().map(|(_, ends)| ends).unwrap();
            follow(&mut lanes, &mut begun, &[("one", &["a", "b"])], once);
            assert_eq!(customers.borrow().len(), 2, "the one that runs is told");
            assert!(begun.is_empty());
            follow(&mut lanes, &mut begun, &[], once);
            assert!(customers.borrow().is_empty(), "there is nothing left to do");
            drop(customers);
            follow(&mut lanes, &mut begun, &[("one", &["a"])], once);
            assert_eq!(begun.len(), usize::from(!once));
        }
    }
}
