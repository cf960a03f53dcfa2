//! A walk over records on its way to Swift.

use std::sync::Arc;

use itsm_adapter::{JsonPages, Result as CoreResult, ffi::text};
use tokio::sync::Mutex;

use crate::{CancelToken, NativeError};

/// Pages of records one by one, or why there are none.
#[derive(uniffi::Object)]
pub struct NativePages(Result<Arc<Mutex<JsonPages>>, NativeError>);

impl NativePages {
    pub(crate) fn new(pages: CoreResult<JsonPages>) -> Self {
        Self(pages.map(|pages| Arc::new(Mutex::new(pages))).map_err(NativeError::from))
    }
}

#[uniffi::export]
impl NativePages {
    /// The next page, an array of objects as JSON text; none after the last one.
    pub async fn next(&self, cancel: Arc<CancelToken>) -> Result<Option<String>, NativeError> {
        let pages = self.0.clone()?;
        cancel.run(async move { Ok(pages.lock().await.next().await?.map(|page| text(page.json))) }).await
    }
}
