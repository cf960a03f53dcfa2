//! Alerts on their way to incidents.

use itsm_adapter::{Alert, Delivery, DeliveryLag, DeliveryPage, RunOptions};
use napi_derive::napi;

use crate::{
    client::Client,
    operation::operations,
    request::{ListDeliveriesOptions, SubmitMapped, SubmitWebhook},
};

type Alerted = Vec<Alert>;
type Deliveries = Vec<Delivery>;

operations! {
    /// Alerts on their way to incidents: `client.alerts`.
    Alerts alerts |core| {
        /// Takes an alert. Once this resolves, the alert is stored durably and cannot be lost. The same alert again
        /// (account, source, id) is the same delivery.
        ///
        /// Rejects with `not_found` when the account was not added, `invalid_input`, `store`.
        submit(alert: Alert ["SubmitAlert"]) -> Delivery { core.alerts().submit(alert).await }

        /// Takes many alerts and answers in their order; all share few disk flushes. When one of them is refused, the
        /// others are taken all the same: submitting all of them again is allowed, and adds nothing.
        ///
        /// Rejects with the error of the first alert that was refused, with `index` in its context; as `submit`.
        submit_many(alerts: Alerted ["ReadonlyArray<SubmitAlert>"]) -> Deliveries ["Promise<Array<Delivery>>"] {
            core.alerts().submit_many(alerts).await
        }

        /// Takes the body of a Citrix Cloud webhook callback. Null when it tells of something else than a new
        /// notification.
        ///
        /// Rejects with `forbidden` when the authorization differs, or the body names another account; `invalid_input`
        /// when the body is not a callback; `not_found` when its account was not added; `store`.
        submit_webhook(request: SubmitWebhook { body, authorization, expected, customer_id }) -> Option<Delivery>
        ["Promise<Delivery | null>"] {
            let (authorization, customer_id) = (authorization.as_deref(), customer_id.as_deref());
            core.alerts().submit_webhook(body.as_ref(), authorization, expected.as_ref(), customer_id).await
        }

        /// Takes the body of a webhook whose form is the sender's own, such as that of a Monitor alert policy, for an
        /// account. Null when it tells of the end of an alert that nobody knows.
        ///
        /// Rejects with `forbidden` when the authorization differs; `invalid_input` when mapping or body cannot be
        /// used; `not_found` when the account was not added; `store`.
        submit_mapped(request: SubmitMapped { customer_id, body, mapping, authorization, expected }) -> Option<Delivery>
        ["Promise<Delivery | null>"] {
            let (authorization, expected) = (authorization.as_deref(), expected.as_ref());
            core.alerts().submit_mapped(&customer_id, body.as_ref(), mapping.as_deref(), authorization, expected).await
        }

        /// Delivers what was submitted until nothing waits any more for the accounts that are registered, and tells
        /// how many deliveries stand where.
        ///
        /// Rejects with `invalid_input` for options out of bounds, `store`.
        drain(request: Option<RunOptions>) -> DeliveryLag { core.alerts().drain(request.unwrap_or_default()).await }

        /// How many deliveries stand where, of one account or of all. As cheap with a million as with one.
        ///
        /// Rejects with `invalid_input`, `store`.
        lag(customer_id: Option<String>) -> DeliveryLag { core.alerts().lag(customer_id.as_deref()).await }

        /// Takes a dead letter back into the outbox, with a full budget of attempts. Anything else stays as it is. The
        /// dead letters are listed by `list` with the status `dead`.
        ///
        /// Rejects with `not_found`, `store`.
        replay(delivery_id: String) -> Delivery { core.alerts().replay(&delivery_id).await }

        /// Delivers one alert now and gives it back with its incident. An outcome that is unknown is found out before
        /// anything is repeated, which can take as long as the instance may still be working. Delivering twice makes
        /// one incident.
        ///
        /// Rejects with `not_found`; `illegal_state` when the account is not registered; `outcome_unknown` when the
        /// instance cannot be asked; what the instance refuses with. The delivery stays and can be delivered again.
        deliver(delivery_id: String) -> Delivery { core.alerts().deliver(&delivery_id).await }

        /// One delivery.
        ///
        /// Rejects with `not_found`, `store`.
        get(delivery_id: String) -> Delivery { core.alerts().get(&delivery_id).await }

        /// One page of deliveries, in the order in which they were accepted. `iterate` walks over all of them.
        ///
        /// Rejects with `invalid_input`, `store`.
        list(request: Option<ListDeliveriesOptions> { customer_id, statuses, after, limit }) -> DeliveryPage {
            let statuses = statuses.unwrap_or_default();
            core.alerts().list(customer_id.as_deref(), &statuses, after.as_deref(), limit).await
        }
    }
}
