use super::{Inner, next_page, page_size};
use crate::{
    error::{Error, Result},
    id::CustomerId,
    model::EventPage,
};

/// The event log. See [`Client::events`](crate::Client::events).
#[derive(Clone, Copy)]
pub struct Events<'a>(pub(super) &'a Inner);

impl Events<'_> {
    /// Events oldest first, of one account or of all. `after` is the `next` of the page before, `limit` 1 to
    /// 1000 (100).
    ///
    /// # Errors
    /// `invalid_input`, `store`.
    pub async fn list(self, customer_id: Option<&str>, after: Option<&str>, limit: Option<u32>) -> Result<EventPage> {
        self.0
            .run("events.list", async {
                let limit = page_size(limit)?;
                let customer = customer_id.map(CustomerId::parse).transpose()?;
                let after = match after {
                    None => 0,
                    Some(cursor) => {
                        cursor.parse().map_err(|_| Error::invalid("after is not a cursor of this list."))?
                    }
                };
                let items = self.0.store.events(customer.as_ref(), after, limit).await?;
                let next = next_page(&items, limit, |event| event.sequence.to_string());
                Ok(EventPage { items, next })
            })
            .await
    }
}
