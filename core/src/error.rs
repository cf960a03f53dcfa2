//! The one public error: a stable kind, a sentence that says what happened, a remedy that says what to do.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    time::Duration,
};

use serde::{Deserialize, Serialize};

/// Result of every operation of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a caller should do about a failure. The words are stable and the same in every language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "uniffi", derive(uniffi::Enum))]
#[cfg_attr(
    feature = "python",
    pyo3::pyclass(frozen, from_py_object, rename_all = "SCREAMING_SNAKE_CASE", module = "itsm_adapter")
)]
#[cfg_attr(feature = "node", napi_derive::napi(string_enum = "snake_case"))]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument is wrong. Correct it; nothing was sent or changed.
    InvalidInput,
    /// The account, instance, connection or record does not exist. Check the id.
    NotFound,
    /// The operation does not fit the present status. Read the status and choose another operation.
    IllegalState,
    /// The account is already registered, with the instance named in the error. Unregister that one first.
    AlreadyRegistered,
    /// The Citrix Cloud account has no subscription that includes the ITSM Adapter. Talk to Citrix.
    NotEntitled,
    /// Credentials were refused. Re-authenticate with new ones.
    Unauthorized,
    /// The person pressed Deny in the browser. Ask again when they are ready.
    ConsentDenied,
    /// The pending authorization is too old, already used, or not known. Begin a new one.
    FlowExpired,
    /// The credentials are good but a role or scope is missing. Grant what the error names.
    Forbidden,
    /// Something must be installed or switched on first. Do what the remedy says.
    PrerequisiteMissing,
    /// The remote limits the rate. Wait as long as the error says.
    Throttled,
    /// The remote, or the way to it, is down for now. Try again later.
    Unavailable,
    /// No answer came within the time allowed. Try again or allow more time.
    Timeout,
    /// The caller cancelled the operation.
    Cancelled,
    /// A write may or may not have happened, and reading back was impossible. Look before repeating it.
    OutcomeUnknown,
    /// The remote gave an answer that makes no sense. Report it with the transaction id.
    Protocol,
    /// The adapter's own store failed. Check the disk, the file or the database.
    Store,
    /// A sealed secret cannot be opened: the key is wrong or missing. Provide the right key.
    Sealed,
    /// A defect of this library. Report it; the state is unchanged.
    Internal,
}

impl ErrorKind {
    /// Every kind, in the order of the documentation.
    pub const ALL: [Self; 19] = [
        Self::InvalidInput,
        Self::NotFound,
        Self::IllegalState,
        Self::AlreadyRegistered,
        Self::NotEntitled,
        Self::Unauthorized,
        Self::ConsentDenied,
        Self::FlowExpired,
        Self::Forbidden,
        Self::PrerequisiteMissing,
        Self::Throttled,
        Self::Unavailable,
        Self::Timeout,
        Self::Cancelled,
        Self::OutcomeUnknown,
        Self::Protocol,
        Self::Store,
        Self::Sealed,
        Self::Internal,
    ];

    /// The stable word, such as `already_registered`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidInput => "invalid_input",
            Self::NotFound => "not_found",
            Self::IllegalState => "illegal_state",
            Self::AlreadyRegistered => "already_registered",
            Self::NotEntitled => "not_entitled",
            Self::Unauthorized => "unauthorized",
            Self::ConsentDenied => "consent_denied",
            Self::FlowExpired => "flow_expired",
            Self::Forbidden => "forbidden",
            Self::PrerequisiteMissing => "prerequisite_missing",
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::Cancelled => "cancelled",
            Self::OutcomeUnknown => "outcome_unknown",
            Self::Protocol => "protocol",
            Self::Store => "store",
            Self::Sealed => "sealed",
            Self::Internal => "internal",
        }
    }

    /// What to do when the error itself has nothing better to say.
    const fn remedy(self) -> &'static str {
        match self {
            Self::InvalidInput => "Correct the argument that the message names.",
            Self::NotFound => "Check the id, or list what exists.",
            Self::IllegalState => "Read the present status and choose an operation that fits it.",
            Self::AlreadyRegistered => "Unregister the instance that holds the account first.",
            Self::NotEntitled => "Ask Citrix for a subscription that includes the ITSM Adapter.",
            Self::Unauthorized => "Re-authenticate with valid credentials.",
            Self::ConsentDenied => "Ask the person to sign in again and choose Allow.",
            Self::FlowExpired => "Begin a new authorization.",
            Self::Forbidden => "Grant the role or scope that the message names.",
            Self::PrerequisiteMissing => "Install or switch on what the message names, then try again.",
            Self::Throttled => "Wait for the time given, then try again.",
            Self::Unavailable => "Try again later; check the remote's status page if it lasts.",
            Self::Timeout => "Try again, or allow more time.",
            Self::Cancelled => "Nothing to do: the caller asked for it.",
            Self::OutcomeUnknown => "Look at the remote before you repeat the write.",
            Self::Protocol => "Report it with the transaction id.",
            Self::Store => "Check the disk, the file's rights or the database.",
            Self::Sealed => "Provide the key that the store was sealed with.",
            Self::Internal => "Report it with the message.",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Whether, and when, the same call may be made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Repeating the call as it is gives the same answer, or could do harm.
    Never,
    /// The call may be repeated at once.
    Now,
    /// The call may be repeated after this time.
    After(Duration),
}

/// Everything an error says, as plain data: what crosses into other languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "uniffi", derive(uniffi::Record))]
#[cfg_attr(feature = "python", pyo3::pyclass(frozen, get_all, eq, from_py_object, module = "itsm_adapter"))]
#[cfg_attr(feature = "node", napi_derive::napi(object))]
#[non_exhaustive]
pub struct ErrorInfo {
    /// The stable kind.
    pub kind: ErrorKind,
    /// What happened, in one sentence, without secrets.
    pub message: String,
    /// What to do about it, in one sentence.
    pub remedy: String,
    /// The operation that failed, such as `connections.connect`; empty when none was under way.
    pub operation: String,
    /// The remote's transaction id when it gave one, else the id this library sent.
    pub transaction_id: Option<String>,
    /// How many times the failing request was sent; 0 when none was.
    pub attempts: u32,
    /// Whether the same call may be repeated.
    pub retryable: bool,
    /// How long to wait before repeating it, in milliseconds, when that is known.
    pub retry_after_ms: Option<i64>,
    /// Names and values that help to understand the failure, such as `status` or `held_by`.
    pub context: HashMap<String, String>,
}

/// The error of every operation. Small to pass around; [`Error::info`] gives all it knows.
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    remedy: Option<String>,
    operation: &'static str,
    transaction_id: Option<String>,
    attempts: u32,
    retry: Retry,
    context: BTreeMap<String, String>,
    source: Option<std::sync::Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of this kind; `message` is one sentence that says what happened and holds no secret.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            remedy: None,
            operation: "",
            transaction_id: None,
            attempts: 0,
            retry: Retry::Never,
            context: BTreeMap::new(),
            source: None,
        }))
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidInput, message)
    }

    /// Says what to do, in place of the kind's general advice.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.0.remedy = Some(remedy.into());
        self
    }

    /// Adds a name and a value; values must not be secret.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.0.context.insert(name.to_owned(), value.to_string());
        self
    }

    #[must_use]
    pub(crate) fn retry(mut self, retry: Retry) -> Self {
        self.0.retry = retry;
        self
    }

    /// Names the public operation; what was named further inside stays as the step that failed.
    #[must_use]
    pub(crate) fn operation(mut self, operation: &'static str) -> Self {
        let step = std::mem::replace(&mut self.0.operation, operation);
        if !step.is_empty() && step != operation {
            self.0.context.insert("step".to_owned(), step.to_owned());
        }
        self
    }

    /// Names the operation, unless an inner one is named already.
    #[must_use]
    pub(crate) fn during(mut self, operation: &'static str) -> Self {
        if self.0.operation.is_empty() {
            self.0.operation = operation;
        }
        self
    }

    #[must_use]
    pub(crate) fn transaction(mut self, id: Option<impl Into<String>>) -> Self {
        if let Some(id) = id {
            self.0.transaction_id = Some(id.into());
        }
        self
    }

    #[must_use]
    pub(crate) fn attempts(mut self, attempts: u32) -> Self {
        self.0.attempts = attempts;
        self
    }

    #[must_use]
    pub(crate) fn because(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.0.source = Some(std::sync::Arc::new(source));
        self
    }

    /// The stable kind.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What happened, in one sentence.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Whether and when the call may be repeated.
    pub fn retry_advice(&self) -> Retry {
        self.0.retry
    }

    /// True when the same call may be repeated, now or later.
    pub fn is_retryable(&self) -> bool {
        self.0.retry != Retry::Never
    }

    /// The transaction id to quote when asking the remote's support.
    pub fn transaction_id(&self) -> Option<&str> {
        self.0.transaction_id.as_deref()
    }

    /// A value added by the code that failed, such as `status` or `held_by`.
    pub fn context(&self, name: &str) -> Option<&str> {
        self.0.context.get(name).map(String::as_str)
    }

    /// All of it, as plain data.
    pub fn info(&self) -> ErrorInfo {
        let inner = &*self.0;
        ErrorInfo {
            kind: inner.kind,
            message: inner.message.clone(),
            remedy: inner.remedy.clone().unwrap_or_else(|| inner.kind.remedy().to_owned()),
            operation: inner.operation.to_owned(),
            transaction_id: inner.transaction_id.clone(),
            attempts: inner.attempts,
            retryable: self.is_retryable(),
            retry_after_ms: match inner.retry {
                Retry::After(wait) => Some(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)),
                Retry::Never | Retry::Now => None,
            },
            context: inner.context.clone().into_iter().collect(),
        }
    }
}

/// A second owner of the same failure, for callers that waited for one shared attempt.
impl Clone for Error {
    fn clone(&self) -> Self {
        let inner = &*self.0;
        Self(Box::new(Inner {
            kind: inner.kind,
            message: inner.message.clone(),
            remedy: inner.remedy.clone(),
            operation: inner.operation,
            transaction_id: inner.transaction_id.clone(),
            attempts: inner.attempts,
            retry: inner.retry,
            context: inner.context.clone(),
            source: inner.source.clone(),
        }))
    }
}

/// `kind: message remedy`, one line.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        write!(f, "{}: {}", inner.kind, inner.message)?;
        let remedy = inner.remedy.as_deref().unwrap_or_else(|| inner.kind.remedy());
        write!(f, " {remedy}")
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &*self.0;
        let mut out = f.debug_struct("Error");
        out.field("kind", &inner.kind).field("message", &inner.message);
        if !inner.operation.is_empty() {
            out.field("operation", &inner.operation);
        }
        if let Some(id) = &inner.transaction_id {
            out.field("transaction_id", id);
        }
        if inner.attempts > 0 {
            out.field("attempts", &inner.attempts);
        }
        out.field("retry", &inner.retry);
        if !inner.context.is_empty() {
            out.field("context", &inner.context);
        }
        if let Some(source) = &inner.source {
            out.field("source", &source.to_string());
        }
        out.finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

impl AsRef<Self> for Error {
    fn as_ref(&self) -> &Self {
        self
    }
}

/// Names the operation on the way out: `store.get(key).await.during("accounts.get")?`.
pub(crate) trait During<T> {
    fn during(self, operation: &'static str) -> Result<T>;
}

impl<T> During<T> for Result<T> {
    fn during(self, operation: &'static str) -> Result<T> {
        self.map_err(|error| error.during(operation))
    }
}
