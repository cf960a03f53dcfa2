//! What the event log says about a transition.

use chrono::{DateTime, Utc};

use super::{event::Event as Happening, state::State};
use crate::{
    id::{CustomerId, InstanceId},
    model::{Event, EventKind},
};

/// What the event log says about a transition; nothing when nothing happened.
pub(super) fn told(
    happening: Happening,
    from: State,
    to: State,
    customer: &CustomerId,
    instance: &InstanceId,
    now: DateTime<Utc>,
) -> Option<Event> {
    let (kind, message) = match happening {
        Happening::ConnectOk => (EventKind::Connected, "The account is connected with the instance."),
        Happening::SaveOk if from == State::Registered => {
            (EventKind::Reauthenticated, "The registration has a new grant.")
        }
        Happening::SaveOk => (EventKind::Registered, "The account is registered with the instance."),
        Happening::SaveFailed => return None,
        Happening::CredentialsRejected if from == to => return None,
        Happening::CredentialsRejected => (
            EventKind::Unauthorized,
            "The instance refuses the registration's credentials (ServiceNow Instance Unauthorized); re-authenticate.",
        ),
        Happening::Reauthenticated => (EventKind::Reauthenticated, "The registration has a new grant."),
        Happening::Unregister => (EventKind::Unregistered, "The registration has ended."),
        Happening::Decommission => (EventKind::Disconnected, "The connection is removed."),
    };
    let detail = [("from", from.word()), ("to", to.word())];
    Some(Event {
        customer_id: Some(customer.clone()),
        instance_id: Some(instance.clone()),
        detail: detail.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        ..Event::new(kind, message.to_owned(), now)
    })
}
