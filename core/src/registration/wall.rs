//! The wall of a consent, and who is warned of it.

use chrono::{DateTime, TimeDelta, Utc};

use super::driver::{Driver, RACES};
use crate::{
    error::Result,
    id::{CustomerId, InstanceId},
    model::{Event, EventKind, Grant, GrantKind},
    store::{Change, Put, Refusal},
};

impl Driver {
    /// Warns of the wall of a consent, once at each distance: what was told is kept with the grant, so that neither a
    /// restart nor another process tells it again. A service account renews itself and needs no warning.
    pub(crate) async fn warn_of_wall(&self, customer: &CustomerId, instance: &InstanceId) -> Result<()> {
        for _ in 0..RACES {
            let Some(row) = self.store.connection(customer, instance).await? else { return Ok(()) };
            let mut connection = row.value;
            let now = self.chance.now();
            let Some((grant, days, distance)) = connection
                .grant
                .as_mut()
                .filter(|grant| grant.kind == GrantKind::UserAccount)
                .and_then(|grant| due_warning(grant, &self.warning_days, now))
            else {
                return Ok(());
            };
            grant.warned_days = Some(distance);
            let message = format!("The consent of {} ends in {days} days; ask for it again.", grant.user_name);
            let mut event = Event {
                customer_id: Some(customer.clone()),
                instance_id: Some(instance.clone()),
                ..Event::new(EventKind::GrantExpiring, message, now)
            };
            event.detail.insert("days_left".to_owned(), days.to_string());
            event.detail.insert("distance".to_owned(), distance.to_string());
            event.detail.insert("user_name".to_owned(), grant.user_name.clone());
            event.detail.extend(grant.expires_at.map(|end| ("expires_at".to_owned(), end.to_rfc3339())));
            let put = Put { value: connection, sealed: row.sealed, replaces: Some(row.version) };
            match self.store.commit(vec![Change::Connection(put), Change::Event(event.clone())]).await {
                Ok(committed) => {
                    self.observers.publish_from(committed.first_event, vec![event]);
                    return Ok(());
                }
                Err(Refusal::Conflict) => {}
                Err(Refusal::Failed(error)) => return Err(error),
                Err(_) => return Ok(()),
            }
        }
        Ok(())
    }
}

/// A wall that moves later by more than this is another wall; what is less, servers that tell the seconds left make of
/// the same one.
const SAME_WALL: TimeDelta = TimeDelta::hours(1);

/// The grant was renewed, and ends at this wall: only another wall is warned of again.
pub(crate) fn wall_moves_to(grant: &mut Grant, wall: Option<DateTime<Utc>>) {
    let is_another = match (grant.expires_at, wall) {
        (Some(before), Some(after)) => after - before > SAME_WALL,
        (before, after) => before != after,
    };
    if is_another {
        grant.warned_days = None;
    }
    grant.expires_at = wall;
}

/// The nearest distance that the wall has come within and that was not warned of yet, with the days that are left.
fn due_warning<'g>(grant: &'g mut Grant, distances: &[u32], now: DateTime<Utc>) -> Option<(&'g mut Grant, i64, u32)> {
    let left = grant.expires_at? - now;
    let within = |days: &&u32| left <= TimeDelta::days(i64::from(**days));
    let distance = *distances.iter().filter(within).min()?;
    grant.warned_days.is_none_or(|warned| distance < warned).then(|| (grant, left.num_days(), distance))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wall_that_is_told_a_few_seconds_off_is_not_warned_of_again() {
        let wall = DateTime::UNIX_EPOCH + TimeDelta::days(100);
        for (after, warned_days) in [
            (Some(wall), Some(14)),
            (Some(wall + TimeDelta::seconds(2)), Some(14)),
            (Some(wall - TimeDelta::days(1)), Some(14)),
            (Some(wall + TimeDelta::days(1)), None),
            (None, None),
        ] {
            let mut grant = Grant {
                kind: GrantKind::UserAccount,
                user_name: String::new(),
                user_sys_id: None,
                granted_at: DateTime::UNIX_EPOCH,
                expires_at: Some(wall),
                days_left: None,
                warned_days: Some(14),
            };
            wall_moves_to(&mut grant, after);
            assert_eq!((grant.expires_at, grant.warned_days), (after, warned_days));
        }
    }
}
